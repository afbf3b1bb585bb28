"""Sites with their last values as temporary tables, because one reading of the rows serves all datasets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import duckdb

from scoring.publication.beside.left_out import left_out
from scoring.publication.beside.model import FOLDER, Kind, Readings, sites
from warehouse.names import identifier, literal

_TABLES = {
    "hub_place": "kind VARCHAR, site VARCHAR, name VARCHAR, unit VARCHAR, lon DOUBLE, lat DOUBLE, operation VARCHAR",
    "hub_kind": "kind VARCHAR, title_zh VARCHAR, title_en VARCHAR, feed VARCHAR",
    "hub_property": "kind VARCHAR, property VARCHAR, title_zh VARCHAR, title_en VARCHAR, measure VARCHAR, "
    "feed VARCHAR, fresh_hours BIGINT",
    "hub_newest": "kind VARCHAR, site VARCHAR, property VARCHAR, "
    "newest STRUCT(observed_at TIMESTAMPTZ, value DOUBLE, estimated BOOLEAN)",
}
NUMBERS = ("DOUBLE", "DECIMAL", "BIGINT", "INTEGER", "BOOLEAN")
MOMENTS = ("TIMESTAMP WITH TIME ZONE", "DATE")
_LAST_DAY = """
SELECT coalesce(max(service_day), getvariable('month_end') - 1) FROM delivery
WHERE service_day >= getvariable('month_first') AND service_day < getvariable('month_end')
"""


def fill(con: duckdb.DuckDBPyConnection, there: set[str]) -> None:
    """Make `hub_site`, `hub_site_kind`, `hub_site_property` and `hub_last_value`. `there`: tables of the lake."""
    con.execute(f"SET VARIABLE last_day = ({_LAST_DAY})")
    for table, columns in _TABLES.items():
        con.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})")
    for name, kind in sites().items():
        readings = [item for item in kind.readings if item.table in there]
        listed = kind.register_.table if kind.register_ else next((item.table for item in readings), None)
        if listed not in there:
            continue
        if _filled(con, name, "hub_place", _places(name, kind, readings)):
            feed = kind.register_.feed if kind.register_ else readings[0].feed
            _insert(con, "hub_kind", name, kind.zh, kind.en, feed)
            for item in readings:
                if _measured(con, name, item) and _filled(con, name, "hub_newest", _newest(name, item)):
                    for property, value in item.values.items():
                        _insert(
                            con, "hub_property", name, property, value.zh, value.en, value.measure, item.feed,
                            item.fresh_hours,
                        )  # fmt: skip
    for name in ("last_value", "site"):
        con.execute(f"CREATE OR REPLACE TEMP TABLE hub_{name} AS {_sql(name)}")
    con.execute("CREATE OR REPLACE TEMP VIEW hub_site_property AS FROM hub_property")
    con.execute(
        "CREATE OR REPLACE TEMP VIEW hub_site_kind AS SELECT k.*, "
        "(SELECT count(*) FROM hub_place AS p WHERE p.kind = k.kind) AS sites FROM hub_kind AS k"
    )


def _filled(con: duckdb.DuckDBPyConnection, kind: str, table: str, select: str) -> bool:
    """Whether the rows could be read."""
    try:
        con.execute(f"DESCRIBE {select}")
    except duckdb.Error as error:
        left_out(kind, str(error))
        return False
    con.execute(f"INSERT INTO {table} BY NAME {select}")
    return True


def _measured(con: duckdb.DuckDBPyConnection, kind: str, readings: Readings) -> bool:
    """Whether the columns hold numbers, or true and false, and moments: the rows of others may be cast or not."""
    wanted = {readings.at: MOMENTS} | {value.column: NUMBERS for value in readings.values.values()}
    found = con.execute(f"DESCRIBE {identifier(readings.table)}").fetchall()
    types = {row[0]: str(row[1]) for row in found if row[0] in wanted}
    wrong = [name for name, fitting in wanted.items() if not types.get(name, "").startswith(fitting)]
    if wrong:
        left_out(kind, f"{wrong[0]} of {readings.table} is {types.get(wrong[0], 'not there')}")
    return not wrong


def _places(name: str, kind: Kind, readings: list[Readings]) -> str:
    register = kind.register_
    if register is not None:
        return _sql("register").format(
            kind=literal(name), id=identifier(register.id), table=identifier(register.table), where=register.where,
            name=_optional(register.name), operation=_optional(register.operation),
            lon=_optional("lon_wgs84" if register.place else None),
            lat=_optional("lat_wgs84" if register.place else None),
        )  # fmt: skip
    first = readings[0]
    return _sql("seen").format(
        kind=literal(name), id=identifier(first.id), table=identifier(first.table), days=first.look_back_days
    )


def _newest(name: str, readings: Readings) -> str:
    return _sql("newest").format(
        kind=literal(name), id=identifier(readings.id), table=identifier(readings.table), at=identifier(readings.at),
        days=readings.look_back_days, usable=readings.usable, values=", ".join(_values(readings)),
    )  # fmt: skip


def _values(readings: Readings) -> Iterator[str]:
    for name, value in readings.values.items():
        column = identifier(value.column)
        newest = (
            f"struct_pack(observed_at := CAST({identifier(readings.at)} AS TIMESTAMPTZ), "
            f"value := CAST({column} AS DOUBLE), estimated := coalesce({readings.estimated}, FALSE))"
        )
        yield f"struct_pack(property := {literal(name)}, newest := max({newest}) FILTER (WHERE {column} IS NOT NULL))"


def _optional(column: str | None) -> str:
    return identifier(column) if column else "NULL"


def _insert(con: duckdb.DuckDBPyConnection, table: str, *values: str | int | None) -> None:
    con.execute(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in values)})", list(values))


@cache
def _sql(name: str) -> str:
    return (FOLDER / "sql" / f"{name}.sql").read_text(encoding="utf-8")
