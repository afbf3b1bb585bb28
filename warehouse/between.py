"""The rows of a table that differ between two states of a lake.

DuckLake's change feed names the keys that were touched in between, so only those rows are read; what was written and
written back is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import duckdb

from cityhub.settings import Settings
from warehouse import lake
from warehouse.names import identifier, identifiers, literal


@contextmanager
def both(
    before: Settings, snapshot: int, after: Settings, until: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with two lakes: `before` as of a snapshot, and `after`, as it is or as of another
    snapshot of its own."""
    with closing(lake.engine(after)) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        con.execute("SET enable_progress_bar = false")
        con.execute(lake.attach_sql(before, read_only=True, name="before", snapshot=snapshot))
        con.execute(lake.attach_sql(after, read_only=True, name="after", snapshot=until))
        yield con


def columns_of(con: duckdb.DuckDBPyConnection, side: str, table: str) -> list[str]:
    return [
        row[0]
        for row in con.execute(
            f"SELECT column_name FROM duckdb_columns() WHERE database_name = {literal(side)}"
            f" AND table_name = {literal(table)} AND schema_name = 'main' ORDER BY column_index"
        ).fetchall()
    ]


def differing(
    con: duckdb.DuckDBPyConnection, table: str, *, key: tuple[str, ...], columns: tuple[str, ...],
    shown: tuple[str, ...], snapshot: int, newest: int,
) -> str:  # fmt: skip
    """A SELECT of the touched rows that differ in `columns`: what (inserted, changed, removed), key, old, new."""
    feed = f"ducklake_table_changes('after', 'main', {literal(table)}, {snapshot + 1:d}, {newest:d})"
    con.execute(f"CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT {identifiers(key)} FROM {feed}")
    same = " AND ".join(f"s.{identifier(name)} = k.{identifier(name)}" for name in key)
    sides = []
    for side in ("before", "after"):
        there = set(columns_of(con, side, table))
        wanted = dict.fromkeys((*key, *columns, *shown))
        select = ", ".join(
            f"s.{identifier(name)}" if name in there else f"NULL AS {identifier(name)}" for name in wanted
        )
        source = f"{side}.main.{identifier(table)} AS s" if there else "(SELECT 1 WHERE false) AS s"
        where = f" WHERE EXISTS (SELECT 1 FROM temp.touched AS k WHERE {same})" if there else ""
        sides.append(f"(SELECT TRUE AS __there, {select} FROM {source}{where})")
    join = " AND ".join(f"a.{identifier(name)} = b.{identifier(name)}" for name in key)
    differs = " OR ".join(f"a.{identifier(name)} IS DISTINCT FROM b.{identifier(name)}" for name in columns)
    keys = ", ".join(f"coalesce(b.{identifier(name)}, a.{identifier(name)}) AS {identifier(name)}" for name in key)
    told = ", ".join(dict.fromkeys((*columns, *shown)))
    packs = ", ".join(
        f"struct_pack({', '.join(f'{identifier(n)} := {side}.{identifier(n)}' for n in told.split(', '))}) AS {name}"
        for side, name in (("a", "old"), ("b", "new"))
    )
    return (
        "SELECT CASE WHEN a.__there IS NULL THEN 'inserted' WHEN b.__there IS NULL THEN 'removed' ELSE 'changed' END"
        f" AS what, {keys}, {packs} FROM {sides[0]} AS a FULL JOIN {sides[1]} AS b ON {join}"
        f" WHERE a.__there IS NULL OR b.__there IS NULL OR ({differs})"
    )
