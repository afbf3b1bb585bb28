"""One pass over a feed's day for all watches on its devices: sorting a million readings costs more than all that is
then asked of them.

The temporary table `watch_device` has a row a device. `d` is the hash of its name, `n` its readings; of a series also
`first_us`, `last_us` and `hours` (a bit an hour), of a feed with places `jumps` and `jumped_at`. For column `i` of
`Scan.columns`: `k` values, `z` of them zero and `n` not, `m` mean, `s` standard deviation, `x` the largest size; in a
series `e` readings equal to the one before (zeros aside: a thing at rest says zero again and again) and `r` the mean
step as a share of `s`. `zeros` and `readings` count over the columns of the series.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.gaps import device_columns
from warehouse.names import identifier, identifiers
from warehouse.watch.naming import Names
from warehouse.watch.series import Series, measured, series

FOLDER = Path(__file__).parent / "sql"
DEVICES, JUMP = ((FOLDER / f"{name}.sql").read_text(encoding="utf-8") for name in ("devices", "jumps"))
COPIED_ROWS = 300_000


@dataclass(frozen=True)
class Scan:
    """What was scanned: quoted names of the feed's table, of the day's rows in `here`, of device and time; the columns
    with statistics, those of the series first; `places`: whether jumps were counted."""

    table: str
    here: str
    device: str
    series: Series | None
    columns: tuple[str, ...]
    places: bool
    names: Names


def scan(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, rows: int) -> Scan | None:
    """Fill `watch_device` for a day that has so many rows; None for a feed whose rows are of no device or no day."""
    devices, at = device_columns(spec), spec.identity.day_from
    if not devices or at is None:
        return None
    found = series(spec)
    table, device = identifier(spec.table), identifiers(devices)
    places = spec.location is not None and spec.fields[at].type == "timestamp" and "jumps" not in spec.watch.off
    columns = tuple(dict.fromkeys([*(found.columns if found else ()), *measured(spec)]))
    here = _copied(con, spec, table, [*devices, at, *columns], day) if rows <= COPIED_ROWS else table
    steps = len(found.columns) if found else 0
    timed = found is not None or places
    chosen, before = _chosen(columns, places), ""
    if steps:
        # One lag of all columns: one of each takes longer.
        before += f", lag({{{', '.join(f'c{i}: c{i}' for i in range(steps))}}}) OVER w AS p"
    if places:  # a reading without a place has none before it either
        before += ", lag(CASE WHEN x IS NOT NULL THEN {x: x, y: y, at_us: at_us} END IGNORE NULLS) OVER w AS q"
    counts = "".join(_statistics(i, steps=i < steps) for i in range(len(columns)))
    counts += (_zeros(steps) if steps else "") + (_JUMPS if places else "")
    con.execute(
        DEVICES.format(
            device=device,
            at=f", epoch_us({identifier(at)}) AS at_us" if timed else "",
            table=here,
            columns=chosen,
            before=before,
            window="WINDOW w AS (PARTITION BY d ORDER BY at_us)" if before else "",
            when=_WHEN if timed else "",
            counts=counts,
        ),
        {"day": day},
    )
    return Scan(table, here, device, found, columns, places, Names(con, spec, table, device))


_JUMPS = f", count(*) FILTER (\n{JUMP}) AS jumps, min(at_us) FILTER (\n{JUMP}) AS jumped_at"
_WHEN = """, min(at_us) AS first_us, max(at_us) AS last_us,
    bit_or(1 << (((at_us // 1000000 + 28800) // 3600) % 24)::INTEGER) AS hours"""


def _copied(con: duckdb.DuckDBPyConnection, spec: FeedSpec, table: str, names: list[str], day: date) -> str:
    """The day's rows: of a small day a copy, since planning over the lake costs more than reading them."""
    wanted = dict.fromkeys(["service_day", *names, *(("lon_wgs84", "lat_wgs84") if spec.location else ())])
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE watch_copy AS SELECT {identifiers(list(wanted))} FROM {table}"
        " WHERE service_day = $day",
        {"day": day},
    )
    return "temp.watch_copy"


def _chosen(columns: tuple[str, ...], places: bool) -> str:
    some = "".join(f", CAST({identifier(name)} AS DOUBLE) AS c{i}" for i, name in enumerate(columns))
    return some + (", lon_wgs84 AS x, lat_wgs84 AS y" if places else "")


def _statistics(i: int, *, steps: bool) -> str:
    said = (
        f", count(c{i}) AS k{i}, count(nullif(c{i}, 0)) AS n{i}, k{i} - n{i} AS z{i}"
        f", avg(c{i}) AS m{i}, stddev_pop(c{i}) AS s{i}, max(abs(c{i})) AS x{i}"
    )
    if steps:
        said += f", count(*) FILTER (c{i} = p.c{i} AND c{i} <> 0) AS e{i}"
        said += f", avg(abs(c{i} - p.c{i})) / nullif(stddev_pop(c{i}), 0) AS r{i}"
    return said


def _zeros(watched: int) -> str:
    none = " AND ".join(f"coalesce(c{i}, 0) = 0" for i in range(watched))
    some = f"coalesce({', '.join(f'c{i}' for i in range(watched))}) IS NOT NULL"
    return f", count(*) FILTER ({none} AND {some}) AS zeros, count(*) FILTER ({some}) AS readings"
