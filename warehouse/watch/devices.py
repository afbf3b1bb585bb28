"""Watches on a feed's devices: silent ones, gaps, frozen readings, nothing but zeros, clocks that are hours off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from cityhub import clock
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse.findings import Finding, Severity
from warehouse.gaps import KNOWN_FOR, gaps
from warehouse.watch.frozen import frozen, zero_runs
from warehouse.watch.naming import Names, told
from warehouse.watch.scan import Scan
from warehouse.watch.series import Series
from warehouse.watch.skew import rotated

FOLDER = Path(__file__).parent / "sql"
KNOWN, SHIFT, OLD = ((FOLDER / f"{name}.sql").read_text(encoding="utf-8") for name in ("known", "shift", "old"))
LEAST_DEVICES = 5  # fewer have no usual that one of them could differ from
PAUSE_HOURS = 3  # so many hours without a reading in which its neighbours report
LEAST_READINGS = 4  # a device that sends less often than this a day has no gaps inside a day
OLD_DAYS = 366
MANY_READINGS, RESTLESS, BESIDE = 200, 0.1, 4


def watch(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: FeedSpec,
    seen: Scan | None,
    day: date,
    delivered: list[date],
) -> Iterator[Finding]:
    """Findings about the devices of a series on a day that was scanned. `delivered` are the feed's days of the week
    before."""
    if seen is None or seen.series is None:
        return
    found, names, off = seen.series, seen.names, spec.watch.off
    loads = [row[0] for row in con.execute(_LOADS, {"feed": spec.feed, "day": day}).fetchall()]
    if found.columns:
        yield from frozen(con, spec, found, seen.here, day, names)
    if "uniform" not in off:
        yield from _restless(con, found, names)
    if found.columns and "zero_run" not in off:
        yield from zero_runs(con, spec, found, day, names)
    if "clock" not in off:
        yield from _clocks(con, spec, found, day, loads=loads, names=names)
    yield from _heard(con, settings, spec, found, day, delivered=delivered, names=names)


def _restless(con: duckdb.DuckDBPyConnection, found: Series, names: Names) -> Iterator[Finding]:
    """`uniform`: values that jump from reading to reading as drawn numbers do, where its neighbours' move slowly."""
    for i, column in enumerate(found.columns):
        rows = con.execute(
            f"SELECT d, r{i} FROM watch_device WHERE n >= {MANY_READINGS} AND r{i} >= {RESTLESS} AND r{i} >= {BESIDE} *"
            f" (SELECT median(r{i}) FROM watch_device WHERE n >= {MANY_READINGS} HAVING count(*) >= {LEAST_DEVICES})"
            " ORDER BY d"
        ).fetchall()
        items = [(device, f"{column} moves {share:.2f} of its spread at each step") for device, share in rows]
        yield from told("uniform", "info", "values look made up", items, names)


_LOADS = "SELECT DISTINCT load_id FROM load_log WHERE feed = $feed AND service_day = $day"


def _clocks(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, found: Series, day: date, *, loads: list[str], names: Names
) -> Iterator[Finding]:
    quoted = {"device": found.device, "at": found.at, "table": found.table}
    around = {"before": day - timedelta(days=1), "after": day + timedelta(days=1), "least": LEAST_DEVICES}
    shifted = con.execute(SHIFT.format(**quoted), {**around, "loads": loads}).fetchall()
    off = {device: hours for device, hours in shifted if hours}
    if not off:
        off = rotated(con, least=LEAST_DEVICES)
    items = [(device, f"its day lies {hours:+d} h beside the others'") for device, hours in sorted(off.items())]
    yield from told("clock_off", "warning", "a clock is hours off", items, names)
    old = con.execute(OLD.format(**quoted), {"before": day - timedelta(days=OLD_DAYS), "loads": loads}).fetchall()
    items = [(device, f"{rows} readings, the first says {says:%Y-%m-%d}") for device, rows, says in old]
    yield from told("old_clock", "warning", "readings say a day more than a year ago", items, names)


def _heard(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: FeedSpec,
    found: Series,
    day: date,
    *,
    delivered: list[date],
    names: Names,
) -> Iterator[Finding]:
    off = spec.watch.off
    over = clock.now() >= clock.day_bounds(day)[1]
    if not delivered or not over:
        return
    query = KNOWN.format(device=found.device, at=found.at, table=found.table)
    con.execute(query, {"since": day - KNOWN_FOR, "until": day - timedelta(days=1)})
    if "silent" not in off:
        silent = con.execute(
            "SELECT d, last_at FROM watch_known WHERE days >= $least AND d NOT IN (SELECT d FROM watch_device)"
            " ORDER BY last_at, d",
            {"least": len(delivered) / 2},
        ).fetchall()
        ((known,),) = con.execute("SELECT count(*) FROM watch_known").fetchall()
        severity: Severity = "critical" if len(silent) > known / 2 else "info" if spec.location else "warning"
        items = [(device, f"last heard {at:%Y-%m-%d %H:%M}") for device, at in silent]
        yield from told("device_silent", severity, "silent all day", items, names)
    if "gaps" not in off:
        yield from _gaps(con, settings, spec, day, history=len(delivered), names=names)


def _gaps(
    con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, day: date, *, history: int, names: Names
) -> Iterator[Finding]:
    """By the interval that the spec says, else by the device's own usual number of readings. Things that move keep no
    interval of their own: a truck that stands in its yard all day sends little."""
    if spec.arrives.device_interval_s:
        lacking = [
            gap for gap in gaps(settings, spec, day) if gap.came and gap.missing > (1 - spec.watch.rows_low) * gap.came
        ]
        items: list[tuple[Any, str]] = [
            (gap.device, f"{gap.missing} of {gap.came + gap.missing} missing, {gap.longest_s / 60:.0f} min from "
             f"{gap.longest_from:%H:%M}") for gap in lacking
        ]  # fmt: skip
    elif history >= 3 and spec.location is None:
        few = con.execute(
            "SELECT d, n, usual FROM watch_known JOIN watch_device USING (d)"
            " WHERE usual >= $readings AND (n < $low * usual OR (usual >= 24 AND bit_count(hours) <= $pause +"
            " (SELECT median(bit_count(hours)) FROM watch_device))) ORDER BY n / usual, d",
            {"readings": LEAST_READINGS, "low": spec.watch.rows_low, "pause": -PAUSE_HOURS},
        ).fetchall()
        items = [(device, f"{n} readings, usual are {usual:g}") for device, n, usual in few]
    else:
        return
    yield from told("device_gaps", "warning", "readings are missing", items, names)
