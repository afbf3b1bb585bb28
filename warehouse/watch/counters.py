"""Meters that count (`watch.counters`): set back to zero, over the end of their digits, backwards, a jump."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.findings import Finding, Severity
from warehouse.gaps import device_columns
from warehouse.names import identifier

QUERY = (Path(__file__).parent / "sql" / "counters.sql").read_text(encoding="utf-8")
BACK = timedelta(days=4)
NAMED = 5
SAID: dict[str, tuple[Severity, str]] = {
    "counter_reset": ("info", "begins again near zero: the meter was changed or reset"),
    "counter_rollover": ("info", "went over the end of its digits"),
    "counter_backwards": ("warning", "ran backwards"),
    "counter_jump": ("warning", "rose far more than ever in the days before: another unit or another meter"),
}


def watch(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date) -> Iterator[Finding]:
    """One finding a kind and counter, with the devices and both readings."""
    at, devices = spec.identity.day_from, device_columns(spec)
    if not spec.watch.counters or at is None or not devices or "counters" in spec.watch.off:
        return
    device = f"concat_ws('/', {', '.join(identifier(name) for name in devices)})"
    for column in spec.watch.counters:
        query = QUERY.format(device=device, at=identifier(at), column=identifier(column), table=identifier(spec.table))
        rows = con.execute(query, {"day": day, "since": day - BACK}).fetchall()
        for kind, (severity, said) in SAID.items():
            struck = [row[1:] for row in rows if row[0] == kind]
            if struck:
                some = "; ".join(
                    f"{name} at {when:%H:%M}: {old:.8g} → {new:.8g}" for name, when, old, new in struck[:NAMED]
                )
                yield Finding(kind, severity, f"{column} {said}: {some}", column, row_count=len(struck))
