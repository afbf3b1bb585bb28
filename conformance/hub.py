"""A throw-away hub: its own home, lake, feeds, secrets and clock; the installation is not touched.

Each trial takes a copy of the spec under a name and table of its own, so that trials share the hub, which costs a
second to make, and nothing else. While the hub is open the process sees no CITYHUB_* variable of the installation.
"""

from __future__ import annotations

import json
import logging
import os
import secrets as random
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from cityhub.clock import SHANGHAI
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow import steps
from warehouse import lake
from warehouse import tables as tables_module
from warehouse.load import LoadResult
from warehouse.names import identifier, literal
from warehouse.prepare import prepare

KEPT = ("CITYHUB_THREADS", "CITYHUB_MEMORY")


@dataclass
class Hub:
    """The hub of a suite. `logs` are all lines logged since it opened."""

    settings: Settings
    installation: Settings
    logs: list[str] = field(default_factory=list)
    planted: dict[str, str] = field(default_factory=dict)
    _made: int = 0
    _ready: set[str] = field(default_factory=set)

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The connection of this process to the throw-away lake."""
        connection: duckdb.DuckDBPyConnection = steps._connection(self.settings)
        return connection

    def number(self) -> int:
        """A number that no trial had before."""
        self._made += 1
        return self._made

    def add(self, *specs: FeedSpec) -> None:
        """Write specs into the hub's folder of feeds."""
        for spec in specs:
            path = self.settings.feeds / f"{spec.feed}.yaml"
            body = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
            path.write_text(json.dumps(body, ensure_ascii=False), "utf-8")

    def make_tables(self, *specs: FeedSpec) -> None:
        """Tables that other feeds look into, empty."""
        new = [spec for spec in specs if spec.table not in self._ready]
        if new:
            self._ready |= {spec.table for spec in new}
            prepare(self.settings, new)

    def open_days(self, *days: date) -> None:
        """Make the hub ready for runs of these days, before it knows any feed: nothing is expected of trials."""
        for day in days:
            steps.opened(self.settings, day)

    def forget(self, spec: FeedSpec) -> None:
        """Take a spec out of the folder again, so that runs of other feeds do not read it."""
        (self.settings.feeds / f"{spec.feed}.yaml").unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove what the trials of a feed left: with every table more, every look at the catalog takes longer."""
        own = {name for (name,) in self.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'")}
        gone = own - self._ready - tables_module.core_tables()
        with lake.write(self.con, self.settings, "trials are over"):
            for table in sorted(gone):
                self.con.execute(f"DROP TABLE {identifier(table)}")
        for folder in (self.settings.landing, self.settings.home / "source", self.settings.spool):
            shutil.rmtree(folder, ignore_errors=True)
        self.logs.clear()

    def plant(self, names: Sequence[str]) -> None:
        """Give each named secret a value that cannot occur by chance."""
        folder = self.settings.home / "secrets"
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            if name not in self.planted:
                self.planted[name] = f"Zk/{random.token_hex(6)}+{random.token_hex(6)}="
                (folder / name).write_text(self.planted[name], encoding="utf-8")

    def sync(self, feed: str, day: date) -> list[LoadResult]:
        """Land and load a day, a second later than the last time; raises what the steps raise."""
        tick()
        return steps.sync(self.settings, feed, day)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return self.con.execute(sql).fetchall()

    @cached_property
    def core(self) -> dict[str, dict[str, str]]:
        """Columns and types of each of the hub's own tables that name a feed or its table; a trial makes none."""
        found = self.rows(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'lake'"
            " ORDER BY table_name, column_index"
        )
        tables: dict[str, dict[str, str]] = {}
        for table, name, kind in found:
            tables.setdefault(table, {})[name] = kind
        own = tables_module.core_tables()
        return {name: of for name, of in tables.items() if name in own and of.keys() & {"feed", "table_name"}}

    def tables_of(self, spec: FeedSpec) -> dict[str, tuple[str, dict[str, str]]]:
        """Each table that can hold something of a feed: the condition for it, its columns and their types."""
        found = {
            table: (f"feed = {literal(spec.feed)}" if "feed" in of else f"table_name = {literal(spec.table)}", of)
            for table, of in self.core.items()
        }
        if self.rows(f"SELECT 1 FROM duckdb_tables() WHERE table_name = {literal(spec.table)}"):
            found[spec.table] = ("true", tables_module.column_types(spec))
        return found


def set_now(moment: datetime) -> None:
    """Stop the hub's clock at a moment."""
    os.environ["CITYHUB_NOW"] = moment.isoformat()


def tick() -> None:
    """The hub's clock a second on."""
    set_now(datetime.fromisoformat(os.environ["CITYHUB_NOW"]) + timedelta(seconds=1))


def night_after(day: date) -> datetime:
    """A quarter past one on the day after a service day."""
    return datetime.combine(day + timedelta(days=1), time(1, 15), SHANGHAI)


@contextmanager
def throw_away(installation: Settings) -> Iterator[Hub]:
    """An empty hub that is removed afterwards. One at a time in a process, since it stands in the environment."""
    home = Path(tempfile.mkdtemp(prefix="cityhub-conformance-"))
    settings = Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))
    settings.feeds.mkdir()
    before = {name: value for name, value in os.environ.items() if name.startswith("CITYHUB_")}
    hub = Hub(settings, installation)
    watcher = _Watcher(hub.logs)
    root, cityhub = logging.getLogger(), logging.getLogger("cityhub")
    level = cityhub.level
    try:
        for name in before:
            if name not in KEPT:
                del os.environ[name]
        os.environ |= {"CITYHUB_HOME": str(home), "CITYHUB_SECRETS": str(home / "secrets")}
        os.environ["CITYHUB_FEEDS"] = str(settings.feeds)
        os.environ.setdefault("CITYHUB_THREADS", "1")  # a sample is small
        set_now(night_after(date(2026, 1, 1)))
        root.addHandler(watcher)
        cityhub.setLevel(logging.INFO)
        hub.plant(["personal_key"])
        yield hub
    finally:
        root.removeHandler(watcher)
        cityhub.setLevel(level)
        steps._connection(settings).close()
        steps._connection.cache_clear()
        steps.opened.cache_clear()
        for name in [name for name in os.environ if name.startswith("CITYHUB_")]:
            del os.environ[name]
        os.environ |= before
        shutil.rmtree(home, ignore_errors=True)


class _Watcher(logging.Handler):
    """Keeps every line that is logged."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())
