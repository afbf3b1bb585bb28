"""Values that are plausible one by one and wrong together: another unit, a single point far above the others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.findings import Finding
from warehouse.gaps import device_columns
from warehouse.names import identifier, identifiers
from warehouse.watch.series import series

LEAST = 20  # readings of a device without which it has no level
UNIT = 1.5  # decades between two days' means that no weather makes
FAR = 10.0  # standard deviations from the day's mean
NAMED = 5
ZEROS = 0.1  # share of a device's readings


def measured(spec: FeedSpec) -> list[str]:
    """Columns that hold measured values: numbers, but no keys, places and counters."""
    beside = {*spec.identity.key, *spec.watch.counters}
    if spec.location is not None:
        beside |= {spec.location.lon, spec.location.lat}
    kinds = {"double", "decimal"}
    return [
        name
        for name, field in spec.fields.items()
        if field.type in kinds and name not in beside and field.personal != "drop"
    ]


def watch(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, before: date | None) -> Iterator[Finding]:
    """Findings about levels: a device's values of the day, beside those of `before`, its last delivered day.

    `unit_shift`: its mean is a power of ten away. `zero_fill`: zeros among its values that were not there before (a
    device that is mute all day is a `zero_run`). `spike`: a value many standard deviations from its mean.
    """
    columns, devices = measured(spec), device_columns(spec)
    if not columns or not devices or spec.identity.day_from is None:
        return
    stats = ", ".join(
        f"avg({c}) AS m{i}, stddev_pop({c}) AS s{i}, max(abs({c})) AS x{i}, count({c}) AS n{i},"
        f" count(*) FILTER ({c} = 0) AS z{i}"
        for i, c in enumerate(f"CAST({identifier(name)} AS DOUBLE)" for name in columns)
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE watch_level AS"
        f" SELECT {identifiers(devices)}, service_day = $day AS today, {stats}"
        f" FROM {identifier(spec.table)} WHERE service_day IN ($day, $before) GROUP BY ALL",
        {"day": day, "before": before or day},
    )
    same = " AND ".join(f"a.{identifier(name)} IS NOT DISTINCT FROM b.{identifier(name)}" for name in devices)
    name = f"concat_ws('/', {', '.join(f'a.{identifier(item)}' for item in devices)})"
    heard = _heard(spec, columns)
    for i, column in enumerate(columns):
        if "levels" not in spec.watch.off:
            rows = con.execute(
                f"SELECT {name}, b.m{i}, a.m{i} FROM watch_level AS a INNER JOIN watch_level AS b ON {same}"
                f" WHERE a.today AND NOT b.today AND a.n{i} >= {LEAST} AND b.n{i} >= {LEAST}"
                f" AND a.m{i} > 0 AND b.m{i} > 0"
                f" AND abs(log10(a.m{i} / b.m{i})) >= {UNIT} ORDER BY 1"
            ).fetchall()
            yield from _shift(column, rows)
        if "zero_run" not in spec.watch.off:
            rows = con.execute(
                f"SELECT {name}, a.z{i}, a.n{i} FROM watch_level AS a INNER JOIN watch_level AS b ON {same}"
                f" WHERE a.today AND NOT b.today AND a.z{i} >= {spec.watch.frozen_run} AND a.z{i} >= {ZEROS} * a.n{i}"
                f" AND b.n{i} >= {LEAST} AND b.z{i} < {ZEROS} / 10 * b.n{i} AND ({heard}) ORDER BY 1"
            ).fetchall()
            if rows:
                some = "; ".join(f"{device}: {zeros} of {count}" for device, zeros, count in rows[:NAMED])
                detail = f"{column} is zero where it never was the day before: {some}"
                yield Finding("zero_fill", "warning", detail, column, row_count=sum(row[1] for row in rows))
        if "spikes" not in spec.watch.off:
            rows = con.execute(
                f"SELECT {name}, a.m{i}, a.x{i} FROM watch_level AS a WHERE a.today AND a.n{i} >= {LEAST}"
                f" AND a.s{i} > 0 AND (a.x{i} - abs(a.m{i})) / a.s{i} >= {FAR} ORDER BY 1"
            ).fetchall()
            if rows:
                some = "; ".join(f"{device}: {top:.6g}, mean {mean:.6g}" for device, mean, top in rows[:NAMED])
                detail = f"{column}: single values far from their device's others: {some}"
                yield Finding("spike", "info", detail, column, observed=f"{len(rows)} devices", row_count=len(rows))


def _heard(spec: FeedSpec, columns: list[str]) -> str:
    """Whether a device said anything but zeros: one that did not is told as a `zero_run`."""
    found = series(spec)
    judged = found.columns if found is not None and found.columns else tuple(columns)
    if not set(judged) <= set(columns):
        return "true"
    return " OR ".join(f"a.z{columns.index(name)} < a.n{columns.index(name)}" for name in judged)


def _shift(column: str, rows: list[tuple[str, float, float]]) -> Iterator[Finding]:
    if not rows:
        return
    factor = 10 ** round(math.log10(rows[0][2] / rows[0][1]))
    some = "; ".join(f"{device}: {old:.6g} → {new:.6g}" for device, old, new in rows[:NAMED])
    yield Finding(
        "unit_shift", "warning", f"{column}: the level of a device is another since the day before: {some}", column,
        observed=f"about {factor:g} times", expected="the same unit", row_count=len(rows),
    )  # fmt: skip
