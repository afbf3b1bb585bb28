"""Values that are plausible one by one and wrong together: another unit, a single point far above the others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.findings import Finding
from warehouse.names import identifier
from warehouse.watch.scan import Scan
from warehouse.watch.series import measured

LEAST = 20  # readings of a device without which it has no level
UNIT = 1.5  # decades between two days' means that no weather makes
FAR = 10.0  # standard deviations from the day's mean
NAMED = 5
ZEROS = 0.1  # share of a device's readings


def watch(con: duckdb.DuckDBPyConnection, spec: FeedSpec, seen: Scan | None, before: date | None) -> Iterator[Finding]:
    """Findings about levels: a device's values of the scanned day, beside those of `before`, its last delivered day.

    `unit_shift`: its mean is a power of ten away. `zero_fill`: zeros among its values that were not there before (a
    device that is mute all day is a `zero_run`). `spike`: a value many standard deviations from its mean.
    """
    columns = measured(spec)
    if not columns or seen is None:
        return
    at = {name: seen.columns.index(name) for name in columns}
    _scan_before(con, seen, at, before)
    heard = _heard(seen, columns)
    for column, i in at.items():
        if "levels" not in spec.watch.off and before is not None:
            rows = _struck(
                con, seen, f"b.m{i}, a.m{i} FROM watch_device AS a INNER JOIN watch_before AS b USING (d)"
                f" WHERE a.k{i} >= {LEAST} AND b.k{i} >= {LEAST} AND a.m{i} > 0 AND b.m{i} > 0"
                f" AND abs(log10(a.m{i} / b.m{i})) >= {UNIT}"
            )  # fmt: skip
            yield from _shift(column, rows)
        if "zero_run" not in spec.watch.off and before is not None:
            rows = _struck(
                con, seen, f"a.z{i}, a.k{i} FROM watch_device AS a INNER JOIN watch_before AS b USING (d)"
                f" WHERE a.z{i} >= {spec.watch.frozen_run} AND a.z{i} >= {ZEROS} * a.k{i}"
                f" AND b.k{i} >= {LEAST} AND b.z{i} < {ZEROS} / 10 * b.k{i} AND ({heard})"
            )  # fmt: skip
            if rows:
                some = "; ".join(f"{device}: {zeros} of {count}" for device, zeros, count in rows[:NAMED])
                detail = f"{column} is zero where it never was the day before: {some}"
                yield Finding("zero_fill", "warning", detail, column, row_count=sum(row[1] for row in rows))
        if "spikes" not in spec.watch.off:
            rows = _struck(
                con, seen, f"m{i}, x{i} FROM watch_device"
                f" WHERE k{i} >= {LEAST} AND s{i} > 0 AND (x{i} - abs(m{i})) / s{i} >= {FAR}"
            )  # fmt: skip
            if rows:
                some = "; ".join(f"{device}: {top:.6g}, mean {mean:.6g}" for device, mean, top in rows[:NAMED])
                detail = f"{column}: single values far from their device's others: {some}"
                yield Finding("spike", "info", detail, column, observed=f"{len(rows)} devices", row_count=len(rows))


def _scan_before(con: duckdb.DuckDBPyConnection, seen: Scan, at: dict[str, int], before: date | None) -> None:
    if before is None:
        return
    stats = ", ".join(
        f"avg({c}) AS m{i}, count({c}) AS k{i}, count(*) FILTER ({c} = 0) AS z{i}"
        for i, c in ((i, f"CAST({identifier(name)} AS DOUBLE)") for name, i in at.items())
    )
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE watch_before AS SELECT hash({seen.device}) AS d, {stats} FROM {seen.table}"
        " WHERE service_day = $before GROUP BY d",
        {"before": before},
    )


def _struck(con: duckdb.DuckDBPyConnection, seen: Scan, query: str) -> list[tuple[Any, ...]]:
    """Devices by name, with what else the query says of them."""
    rows = con.execute(f"SELECT d, {query}").fetchall()
    names = seen.names.of([row[0] for row in rows])
    return sorted((names[row[0]], *row[1:]) for row in rows)


def _heard(seen: Scan, columns: list[str]) -> str:
    """Whether a device said anything but zeros: one that did not is told as a `zero_run`."""
    judged = seen.series.columns if seen.series is not None and seen.series.columns else columns
    return " OR ".join(f"a.z{i} < a.k{i}" for i in map(seen.columns.index, judged))


def _shift(column: str, rows: list[tuple[str, float, float]]) -> Iterator[Finding]:
    if not rows:
        return
    factor = 10 ** round(math.log10(rows[0][2] / rows[0][1]))
    some = "; ".join(f"{device}: {old:.6g} → {new:.6g}" for device, old, new in rows[:NAMED])
    yield Finding(
        "unit_shift", "warning", f"{column}: the level of a device is another since the day before: {some}", column,
        observed=f"about {factor:g} times", expected="the same unit", row_count=len(rows),
    )  # fmt: skip
