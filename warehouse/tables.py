"""Canonical tables, one per feed: made from its spec, partitioned by service day, growing by new columns."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from warehouse.names import identifier, literal

MIGRATIONS = Path(__file__).parent / "migrations"

SQL_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "double": "DOUBLE",
    "decimal": "DECIMAL(18,4)",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "date": "DATE",
}

# In the order in which they stand in the table, before and after the feed's own fields.
HUB_FIRST = {"service_day": "DATE", "unit_code": "VARCHAR"}
HUB_LAST = {
    "_load_id": "VARCHAR",
    "_received_at": "TIMESTAMP WITH TIME ZONE",
    "_version": "TIMESTAMP WITH TIME ZONE",
    "_flags": "VARCHAR",
}
LOCATED = {"lon_wgs84": "DOUBLE", "lat_wgs84": "DOUBLE"}
RESERVED = (*HUB_FIRST, *LOCATED, *HUB_LAST)


def column_types(spec: FeedSpec) -> dict[str, str]:
    """Column → SQL type of the canonical table, in table order.

    service_day, unit_code, the spec's fields in their order (without `personal: drop`), lon_wgs84 and
    lat_wgs84 where a location is declared, _load_id, _received_at, _version, _flags. Types read as DuckDB
    prints them, so that they compare with `stored_types`. Raises `Stop` CH-TABLE-003 for a reserved name.
    """
    columns = dict(HUB_FIRST)
    for name, field in spec.fields.items():
        if name in RESERVED:
            raise Stop("CH-TABLE-003", feed=spec.feed, column=name, reserved=", ".join(RESERVED))
        if field.personal != "drop":
            columns[name] = SQL_TYPES[field.type]
    if spec.location is not None:
        columns |= LOCATED
    return columns | HUB_LAST


def stored_types(con: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Column → SQL type of a table as it stands in the lake, empty when there is no such table."""
    # A literal, not a parameter: binding Python values imports pandas, a second that the quick path saves.
    rows = con.execute(
        "SELECT column_name, data_type FROM duckdb_columns()"
        f" WHERE database_name = 'lake' AND table_name = {literal(table)} ORDER BY column_index"
    ).fetchall()
    return dict(rows)


@cache
def core_tables() -> frozenset[str]:
    """Names of the hub's own tables, which no feed may take."""
    found: set[str] = set()
    for path in MIGRATIONS.glob("*.sql"):
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if words[:2] in (["CREATE", "TABLE"], ["CREATE", "VIEW"]):
                found.add(words[2])
    return frozenset(found)


def changes(con: duckdb.DuckDBPyConnection, spec: FeedSpec) -> list[str]:
    """The statements that bring the canonical table to what the spec says; none when it is there already.

    Raises `Stop` CH-TABLE-002 when a field changed its type, CH-TABLE-004 for a name of the hub's own.
    """
    if spec.table in core_tables():
        raise Stop("CH-TABLE-004", feed=spec.feed, table=spec.table)
    wanted, stored = column_types(spec), stored_types(con, spec.table)
    table = identifier(spec.table)
    if not stored:
        body = ", ".join(f"{identifier(name)} {kind}" for name, kind in wanted.items())
        return [f"CREATE TABLE {table} ({body})", f"ALTER TABLE {table} SET PARTITIONED BY (service_day)"]
    for name, kind in wanted.items():
        if name in stored and stored[name] != kind:
            raise Stop(
                "CH-TABLE-002",
                feed=spec.feed,
                table=spec.table,
                column=name,
                stored=stored[name],
                wanted=kind,
            )
    return [
        f"ALTER TABLE {table} ADD COLUMN {identifier(name)} {kind}"
        for name, kind in wanted.items()
        if name not in stored
    ]


def ensure(con: duckdb.DuckDBPyConnection, spec: FeedSpec) -> bool:
    """Create or evolve the canonical table; True when something changed.

    The caller holds the write transaction. A field that left the spec keeps its column (NULL from then on).
    """
    statements = changes(con, spec)
    for statement in statements:
        con.execute(statement)
    return bool(statements)
