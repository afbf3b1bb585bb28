"""Readings that stand still: the same value again and again, or nothing but zeros, where neighbours move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.findings import Finding
from warehouse.gaps import KNOWN_FOR
from warehouse.names import identifier
from warehouse.watch.naming import Names, told
from warehouse.watch.series import Series

RUNS = (Path(__file__).parent / "sql" / "runs.sql").read_text(encoding="utf-8")
# A run is frozen when it is this many times as long as the runs of the feed's livelier devices.
BESIDE = 4
LIVELY = 0.25
SLOW_SHARE = 0.8  # a column that repeats itself this often on its lively devices hardly moves: by nature


def frozen(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, found: Series, here: str, day: date, names: Names
) -> Iterator[Finding]:
    """One column at a time: a column that repeats itself on all devices (a rated value, a dimming step) is left out,
    a device whose run is long beside the others' is frozen. `here` has the rows of the day."""
    still: dict[Any, list[tuple[int, str]]] = {}
    for i, column in enumerate(found.columns):
        if spec.watch.frozen is None and _slow(con, i):
            continue
        suspect = f"e{i} >= {spec.watch.frozen_run - 1}"
        if not (con.execute(f"SELECT count(*) FROM watch_device WHERE {suspect}").fetchone() or (0,))[0]:
            continue
        query = RUNS.format(device=found.device, at=found.at, column=identifier(column), table=here, suspect=suspect)
        runs = con.execute(query, {"day": day}).fetchall()
        longest = {device: run for device, run, *_ in runs}
        # Devices that are no suspects have runs, too, shorter than their repeats; they make the usual.
        others = con.execute(f"SELECT d, e{i} + 1 FROM watch_device WHERE n{i} > 0 AND NOT ({suspect})").fetchall()
        for device, run, value, since, until in runs:
            rest = sorted([length for other, length in longest.items() if other != device] + [n for _, n in others])
            usual = rest[int(LIVELY * (len(rest) - 1))] if rest else None
            if run < max(spec.watch.frozen_run, BESIDE * (usual or 0)):
                continue
            if usual is None and not _moved_before(con, found, column, day):
                continue
            said = f"{column} {value} {run} times from {since:%H:%M} to {until:%H:%M}"
            still.setdefault(device, []).append((run, said))
    ordered = sorted(still.items(), key=lambda item: (-max(item[1])[0], item[0]))
    items = [(device, ", ".join(said for _, said in runs)) for device, runs in ordered]
    yield from told("frozen", "warning", "readings stand still", items, names)


def _slow(con: duckdb.DuckDBPyConnection, i: int) -> bool:
    found = con.execute(
        f"SELECT quantile_cont(e{i} / n{i}, {LIVELY}), count(*) FROM watch_device WHERE n{i} > 1"
    ).fetchone()
    return bool(found and found[1] > 1 and found[0] > SLOW_SHARE)


def _moved_before(con: duckdb.DuckDBPyConnection, found: Series, column: str, day: date) -> bool:
    """A device without neighbours is compared with its own week."""
    sql = (
        f"SELECT count(DISTINCT {identifier(column)}), count({identifier(column)}) FROM {found.table}"
        " WHERE service_day BETWEEN $since AND $until"
    )
    values, rows = con.execute(sql, {"since": day - KNOWN_FOR, "until": day - timedelta(days=1)}).fetchone() or (0, 0)
    return bool(rows and values > rows / 10)


def zero_runs(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, found: Series, day: date, names: Names
) -> Iterator[Finding]:
    """Devices that said nothing but zeros all day while most others did not, and that said more in the week before:
    a dry gauge or a lamp that is off says zero rightly."""
    mute = f"zeros >= {spec.watch.frozen_run} AND zeros = readings"
    counted = con.execute(f"SELECT count(*) FILTER ({mute}), count(*) FROM watch_device WHERE readings > 0").fetchone()
    if not counted or not counted[0] or counted[0] > counted[1] / 2:
        return
    some = " + ".join(f"abs(coalesce({identifier(name)}, 0))" for name in found.columns)
    rows: list[tuple[Any, ...]] = con.execute(
        f"SELECT hash({found.device}) AS d, count(*) FILTER ({some} <> 0) AS moved FROM {found.table}"
        " WHERE service_day BETWEEN $since AND $until"
        f" AND hash({found.device}) IN (SELECT d FROM watch_device WHERE {mute})"
        " GROUP BY d HAVING moved > count(*) / 2 ORDER BY d",
        {"since": day - KNOWN_FOR, "until": day - timedelta(days=1)},
    ).fetchall()
    items = [(device, f"{moved} readings of the week before were not zero") for device, moved in rows]
    yield from told("zero_run", "warning", "nothing but zeros all day", items, names)
