"""The catalog of a shadow: a SQLite file, whatever the real catalog is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from cityhub.settings import Settings
from warehouse import lake
from warehouse.names import identifier, literal

_TABLES = """
SELECT table_name, list(column_name ORDER BY column_index), list(data_type ORDER BY column_index)
FROM duckdb_columns() WHERE database_name = 'real' AND schema_name = 'public' AND starts_with(table_name, 'ducklake_')
GROUP BY table_name
"""
# Full address of every file: the data path, then the paths of schema and table as far as each is relative.
_ADDRESS = """
UPDATE {files} AS f SET path_is_relative = 0, path = (
    SELECT CASE WHEN t.path_is_relative THEN
        CASE WHEN s.path_is_relative THEN (SELECT value FROM ducklake_metadata WHERE key = 'data_path') ELSE '' END
        || s.path ELSE '' END || t.path
    FROM ducklake_table AS t INNER JOIN ducklake_schema AS s ON s.schema_id = t.schema_id
    WHERE t.table_id = f.table_id ORDER BY t.begin_snapshot DESC LIMIT 1) || f.path
WHERE f.path_is_relative
"""


def borrow(con: sqlite3.Connection) -> None:
    """Let a catalog's present files be read where they are: by full address instead of below the data path."""
    for files in ("ducklake_data_file", "ducklake_delete_file"):
        con.execute(_ADDRESS.format(files=files))


def from_postgres(real: Settings, target: Path) -> None:
    """Copy a catalog out of PostgreSQL, all tables of one snapshot, into a SQLite file.

    The two kinds differ in how they keep rows that are not in files yet: what SQLite has no type for is text there.
    """
    with closing(lake.engine(real)) as con:
        con.execute(f"ATTACH {literal(real.catalog.removeprefix('postgres:'))} AS real (TYPE postgres, READ_ONLY)")
        con.execute(f"ATTACH {literal(str(target))} AS copy (TYPE sqlite)")
        con.execute("SET TimeZone = 'UTC'")
        con.execute("BEGIN")
        for table, names, kinds in con.execute(_TABLES).fetchall():
            columns = ", ".join(_column(name, kind) for name, kind in zip(names, kinds, strict=True))
            con.execute(f"CREATE TABLE copy.{identifier(table)} AS SELECT {columns} FROM real.public.{table}")
        con.execute("COMMIT")


def _column(name: str, kind: str) -> str:
    own = '"' + name.replace('"', '""') + '"'
    if kind == "BLOB":  # texts, which may hold a character that PostgreSQL's own text may not
        return f"decode({own}) AS {own}"
    if kind in {"BOOLEAN", "BIGINT", "INTEGER", "SMALLINT", "TINYINT"}:
        return f"CAST({own} AS BIGINT) AS {own}"
    return f"CAST({own} AS VARCHAR) AS {own}"
