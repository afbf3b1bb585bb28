"""The tables that definitions read, as Parquet files that any engine takes: plain columns, no lake, no view."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb

from warehouse.names import identifier, literal

Columns = dict[str, str]


def export(con: duckdb.DuckDBPyConnection, tables: Iterable[str], folder: Path) -> dict[str, Columns]:
    """Write `<folder>/<table>.parquet` for each table, as `indicators/views.py` shows it to definitions; gives names
    and types of the columns of each."""
    folder.mkdir(parents=True, exist_ok=True)
    return {table: write(con, table, folder / f"{table}.parquet") for table in sorted(set(tables))}


def write(con: duckdb.DuckDBPyConnection, table: str, file: Path) -> Columns:
    """Write one table; its columns with their types."""
    name = identifier(table)
    con.execute(f"COPY (SELECT * FROM {name}) TO {literal(str(file))} (FORMAT parquet)")
    return {column: kind for column, kind, *_ in con.execute(f"DESCRIBE {name}").fetchall()}
