"""Rendered records by dataset and day, made on first request and kept for a few days."""

from __future__ import annotations

import shutil
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from sandbox.dataset import Dataset, build
from sandbox.render import Rendered, render
from sandbox.truth import FeedTruth
from sandbox.world import World

KEPT_DAYS = 4  # of a backfill; the sandbox's own day stays


@dataclass
class Store:
    """Builds and renders each (day, dataset) once. A day after the sandbox's own has no records yet."""

    world: World
    folder: Path
    _days: OrderedDict[date, dict[str, Rendered]] = field(default_factory=OrderedDict)
    _making: dict[tuple[date, str], threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, name: str, dataset: Dataset, style: str, day: date | None = None) -> Rendered:
        """The records of a dataset for a day (None: the sandbox's own)."""
        day = day or self.world.day
        with self._lock:
            making = self._making.setdefault((day, name), threading.Lock())
            self._days.setdefault(day, {})
            self._days.move_to_end(day)
            self._forget()
        with making:
            with self._lock:
                known = self._days.setdefault(day, {})
                if name in known:
                    return known[name]
            made = self._make(name, dataset, style, day)
            with self._lock:
                return self._days.setdefault(day, {}).setdefault(name, made)

    def _make(self, name: str, dataset: Dataset, style: str, day: date) -> Rendered:
        world = self.world if day == self.world.day else self.world.on(day)
        folder = self.folder / day.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        table = build(world, name, dataset)
        if day > self.world.day:  # the future has brought nothing yet
            table = table.slice(0, 0)
        return render(table, folder / f"{name}.{style}", "xml" if style == "xml" else "json", dataset.stamps)

    def _forget(self) -> None:
        for day in [item for item in self._days if item != self.world.day][:-KEPT_DAYS]:
            del self._days[day]
            # A page being sent from a removed file goes on: the open file outlives its name.
            shutil.rmtree(self.folder / day.isoformat(), ignore_errors=True)

    def truth(self) -> dict[str, FeedTruth]:
        """Counts of the sandbox's own day, for what was built so far."""
        return dict(self.world.truth)
