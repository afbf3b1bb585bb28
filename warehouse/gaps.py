"""Which devices of a feed were silent, and for how long: the expected interval against what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from cityhub import clock
from cityhub.errors import Usage
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake
from warehouse.names import identifier, identifiers

QUERY = (Path(__file__).parent / "sql" / "gaps.sql").read_text(encoding="utf-8")
KNOWN_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Gap:
    """One device on one day. `missing` messages of `came + missing` that were due; the longest silence in seconds and
    when it began; `last_seen` is the newest message up to that day."""

    device: dict[str, object]
    came: int
    missing: int
    longest_s: float
    longest_from: datetime
    last_seen: datetime


def device_columns(spec: FeedSpec) -> list[str]:
    """The columns that name a device: `arrives.device`, else the key without its times and measured values."""
    told = {"timestamp", "date", "double", "decimal"}
    return spec.arrives.device or [name for name in spec.identity.key if spec.fields[name].type not in told]


def gaps(settings: Settings, spec: FeedSpec, day: date, *, interval_s: float | None = None) -> list[Gap]:
    """The devices of a feed, those that lack most first. A day that goes on is judged until now.

    Raises `Usage` CH-PUSH-025 for a feed that does not say how often its devices send (`interval_s` overrides it),
    which column names them, or when a row was measured; `Stop` CH-LAKE-003 without a warehouse.
    """
    interval, devices, at = interval_s or spec.arrives.device_interval_s, device_columns(spec), spec.identity.day_from
    lacking = {
        "arrives.device_interval_s": not interval,
        "arrives.device": not devices,
        "a timestamp as identity.day_from": at is None or spec.fields[at].type != "timestamp",
    }
    if missing := [name for name, lacks in lacking.items() if lacks]:
        raise Usage("CH-PUSH-025", feed=spec.feed, missing=", ".join(missing))
    assert at is not None
    start, end = clock.day_bounds(day)
    sql = QUERY.format(
        table=identifier(spec.table),
        at=identifier(at),
        device=identifiers(devices),
        same=" AND ".join(f"came.{name} IS NOT DISTINCT FROM known.{name}" for name in map(identifier, devices)),
    )
    given = {"day": day, "since": day - KNOWN_FOR, "start": start, "until": min(end, clock.now()), "interval": interval}
    con = lake.connect(settings, read_only=True)
    try:
        rows = con.execute(sql, given).fetchall()
    finally:
        con.close()
    width = len(devices)
    return [Gap(dict(zip(devices, row[:width], strict=True)), *row[width:]) for row in rows]
