"""The sample of a feed: its recording, else its newest landed delivery, else grown from the examples of its spec."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from cityhub import clock
from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from conformance import landed, moments
from conformance.protect import Protector
from conformance.records import Record, value
from conformance.vary import grown, key_of
from warehouse.landing import latest

SAMPLES, META, ROWS = "samples", "recording.json", "records.ndjson"
COUNT = 24  # rows that the cases run with: three pages, and quick


@dataclass(frozen=True)
class Sample:
    """Good rows with keys of their own, as the source sends them; `envelope` is what stood around them."""

    origin: Literal["recording", "landing", "examples"]
    day: date
    rows: tuple[Record, ...]
    envelope: Any = None


def folder_of(settings: Settings, feed: str) -> Path:
    """Where the recording of a feed lies."""
    return settings.feeds / SAMPLES / feed


def sample(settings: Settings, spec: FeedSpec, *, count: int = COUNT) -> Sample:
    """The sample of a feed; raises `Stop` CH-CONFORM-001 when there is nothing to make one of."""
    recorded = recording(settings, spec)
    if recorded is not None:
        return _chosen(spec, "recording", recorded[0], count, recorded[1])
    for day in sorted((item for item in _days(settings, spec) if item.is_dir()), reverse=True):
        manifest = latest(day)
        if manifest is not None:
            protector = Protector()
            rows = [protector.record(spec, row) for row in landed.records(spec, manifest, 50 * count)]
            if rows:
                return _chosen(spec, "landing", rows, count, landed.envelope(manifest))
    good = [example.given for example in spec.examples if example.quarantine is None]
    if not good:
        raise Stop("CH-CONFORM-001", feed=spec.feed)
    return _chosen(spec, "examples", [dict(row) for row in good], count, None)


def recording(settings: Settings, spec: FeedSpec) -> tuple[list[Record], Any] | None:
    """Rows and envelope of a feed's recording; None without one. Raises `Stop` CH-CONFORM-002 for a broken one."""
    folder = folder_of(settings, spec.feed)
    if not (folder / META).is_file():
        return None
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        lines = (folder / ROWS).read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line.strip()]
        return rows, meta.get("envelope")
    except (OSError, ValueError) as error:
        raise Stop("CH-CONFORM-002", feed=spec.feed, folder=str(folder), detail=str(error)) from None


def _days(settings: Settings, spec: FeedSpec) -> list[Path]:
    folder = settings.landing / spec.feed
    return list(folder.iterdir()) if folder.is_dir() else []


def _chosen(
    spec: FeedSpec,
    origin: Literal["recording", "landing", "examples"],
    rows: list[Record],
    count: int,
    envelope: Any,
) -> Sample:
    """Rows of the commonest day, each key once, grown where there are too few of them."""
    day = _day(spec, rows)
    of = spec.fields[spec.identity.day_from] if spec.identity.day_from else None
    kept = {
        key_of(spec, row): row for row in rows if of is None or moments.day_of(value(row, of.source), of) == day
    } or {key_of(spec, row): row for row in rows}
    found = list(kept.values())[:count]
    return Sample(origin, day, tuple(found if len(found) == count else grown(spec, found, count)), envelope)


def _day(spec: FeedSpec, rows: list[Record]) -> date:
    """The service day of most rows; of a registry the newest day that any of its times speaks of."""
    of = spec.identity.day_from
    if of is not None:
        found = [moments.day_of(value(row, spec.fields[of].source), spec.fields[of]) for row in rows]
        counted = Counter(day for day in found if day is not None)
        if counted:
            return counted.most_common(1)[0][0]
    times = [moments.day_of(value(row, field.source), field) for row in rows for field in spec.fields.values()]
    today = clock.yesterday()
    return max((day for day in times if day is not None and day <= today), default=today)
