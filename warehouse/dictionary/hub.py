"""The hub's own tables as the dictionary describes them; their columns are what the migrations make."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import duckdb

from warehouse.dictionary import words
from warehouse.dictionary.entry import Column, Table, Text
from warehouse.migrate import migrations

_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()
WHERE database_name = 'memory' AND NOT internal ORDER BY table_name, column_index
"""
UNSAID = Text("", "")


@cache
def tables() -> Mapping[str, Table]:
    """All tables of the migrations, in the order of `dictionary.yaml`, then those that it forgets."""
    known = words.read()
    made = _made()
    order = [*known.content["tables"], *made]
    return {name: _table(known, name, made[name]) for name in dict.fromkeys(order) if name in made}


def _table(known: words.Words, name: str, columns: list[tuple[str, str, bool]]) -> Table:
    return Table(
        name,
        known.part(name),
        known.table(name),
        known.grain(name),
        known.key(name),
        tuple(_column(known, name, *column) for column in columns),
        known.warnings(name),
        known.references(name),
    )


def _column(known: words.Words, table: str, name: str, kind: str, nullable: bool) -> Column:
    empty = (known.empty(name, table) or UNSAID) if nullable else None
    return Column(name, kind, known.column(table, name), empty, known.unit(table, name) if _number(kind) else None)


def _number(kind: str) -> bool:
    return kind.startswith(("INTEGER", "BIGINT", "DOUBLE", "DECIMAL"))


@cache
def _made() -> dict[str, list[tuple[str, str, bool]]]:
    """table → (column, type, nullable), from the migrations run on an empty database in memory."""
    con = duckdb.connect()
    try:
        create(con)
        found: dict[str, list[tuple[str, str, bool]]] = {}
        for table, column, kind, nullable in con.execute(_COLUMNS).fetchall():
            found.setdefault(table, []).append((column, kind, nullable))
        return found
    finally:
        con.close()


def create(con: duckdb.DuckDBPyConnection) -> None:
    """Run the migrations on a database that is no lake: empty tables, for whoever needs their shape alone."""
    for _, path in migrations():
        for statement in con.extract_statements(path.read_text(encoding="utf-8")):
            if "SET PARTITIONED BY" not in statement.query:  # only a lake has partitions
                con.execute(statement)
