"""A county's month of detail, straight into the canonical tables of a lake: the same rows for the same day.

What the tables hold stands in `bench/county.yaml`. Nothing is landed and nothing is checked: the measurement begins
where loads have ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from ruamel.yaml import YAML

from cityhub.clock import SHANGHAI
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake, ledger, tables
from warehouse.names import identifier
from warehouse.prepare import prepare

FIRST = date(2026, 11, 1)
_DAY_MS = 86_400_000
_TYPES = {
    "VARCHAR": "'{letter}' || {number}",
    "DOUBLE": "h % 10000 / 100.0",
    "BIGINT": "h % 100",
    "BOOLEAN": "h % 4 > 0",
    "DATE": "day",
    "DECIMAL(18,4)": "h % 10000 / 100.0",
    "TIMESTAMP WITH TIME ZONE": "CAST(day AS TIMESTAMPTZ) + to_milliseconds(ms + {later} * (h % 7200000))",
}
_TERRITORY = "['jincheng', 'juji', 'wulihe', 'chengjiao'][1 + CAST(hash({device}) % 4 AS INTEGER)]"
_ROWS = """
INSERT INTO {table} ({names}) SELECT {cells} FROM (
    SELECT n, n % {devices} AS d, (n // {devices}) * {step} + hash(n % {devices}) % {step} AS ms,
           CAST($day AS DATE) AS day, CAST($age AS BIGINT) AS age,
           CAST(hash(n, $age, {salt}) % 1000000007 AS BIGINT) AS h
    FROM range({rows}) AS r(n))
"""


@cache
def shape() -> dict[str, Any]:
    """What is generated, from `county.yaml`."""
    found: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return found


def ready(settings: Settings, specs: Mapping[str, FeedSpec]) -> None:
    """The lake with its tables and, in them, the registers."""
    assert not prepare(settings, specs)
    with lake.connect(settings) as con, lake.write(con, settings, "registers"):
        for spec in specs.values():
            if rows := shape()["registers"].get(spec.table):
                _insert(con, spec, FIRST, rows=rows, devices=rows)


def add_day(settings: Settings, specs: Mapping[str, FeedSpec], day: date, rows_per_day: int) -> int:
    """One service day of every feed, with its lines in the ledger; the number of rows."""
    total = 0
    with lake.connect(settings) as con, lake.write(con, settings, f"detail of {day}"):
        ledger.expect(con, specs, day)
        for spec in specs.values():
            if spec.table in shape()["series"]:
                share, devices = shape()["series"][spec.table]
                rows = max(devices, int(rows_per_day * share))
                total += _insert(con, spec, day, rows=rows - rows % devices, devices=devices)
            elif spec.table in shape()["events"]:
                rows = shape()["events"][spec.table]
                total += _insert(con, spec, day, rows=rows, devices=rows)
        con.execute(
            "UPDATE delivery SET state = 'loaded', landed = 1, loaded = 1, duplicate = 0, quarantined = 0,"
            " finished_at = $at WHERE service_day = $day",
            {"day": day, "at": datetime.combine(day + timedelta(days=1), datetime.min.time(), SHANGHAI)},
        )
    return total


def add_late(settings: Settings, names: set[str], day: date) -> None:
    """What a load of late rows leaves behind: of each table every hundredth row of the day once more, a millisecond
    later, and the mark of the day."""
    with lake.connect(settings) as con, lake.write(con, settings, f"late rows of {day}"):
        for name in sorted(names):
            table = identifier(name)
            moved = "REPLACE (ts + INTERVAL 1 MILLISECOND AS ts)" if "ts" in tables.stored_types(con, name) else ""
            con.execute(
                f"INSERT INTO {table} SELECT * {moved} FROM {table} AS t"
                " WHERE service_day = $day AND hash(t) % 100 = 0",
                {"day": day},
            )
            con.execute("INSERT INTO dirty_day VALUES ($name, $day, 'late', now())", {"name": name, "day": day})


def _insert(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, *, rows: int, devices: int) -> int:
    kinds = {name: kind for name, kind in tables.column_types(spec).items() if not name.startswith("_")}
    cells = [_cell(spec, name, kind, series=spec.table in shape()["series"]) for name, kind in kinds.items()]
    sql = _ROWS.format(
        table=identifier(spec.table),
        names=", ".join(map(identifier, kinds)),
        cells=", ".join(cells),
        devices=devices,
        step=_DAY_MS // (rows // devices),
        salt=f"'{spec.table}'",
        rows=rows,
    )
    con.execute(sql, {"day": day, "age": (day - FIRST).days})
    return rows


def _cell(spec: FeedSpec, name: str, kind: str, *, series: bool) -> str:
    given = shape()["columns"]
    if name == "service_day":
        return "day"
    if name == "unit_code":
        return _TERRITORY.format(device="d")
    if found := given.get(f"{spec.table}.{name}"):
        return str(found)
    if spec.identity.key == [name] and not series:  # a register's or an event's own number
        return f"'{name[0]}' || (d + {0 if spec.table in shape()['registers'] else 'age * 100000'})"
    if found := given.get(name):
        return str(found)
    # Each later step of an event comes up to two hours after the one before; a report has one time.
    stamps = [field for field, what in spec.fields.items() if what.type == "timestamp"]
    later = stamps.index(name) if name in stamps else 0
    return _TYPES[kind].format(letter=name[0], number="d" if name in spec.identity.key else "h % 40", later=later)
