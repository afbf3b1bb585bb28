"""The exchange database as one SQLite file: what there is when no database server is installed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.exchange_table import Dialect, ExchangeTable, create, indices, merge, quoted

DIALECT: Dialect = "sqlite"


class Sqlite:
    """A file; `url` is all that a reader needs. Readers and the loader may work at the same time (WAL)."""

    user = password = ""

    def __init__(self, home: Path) -> None:
        folder = home / "exchange"
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder.resolve() / "exchange.sqlite"
        for path in folder.glob("exchange.sqlite*"):
            path.unlink()
        with closing(self._connect()) as con:
            con.execute("PRAGMA journal_mode = WAL")

    @property
    def url(self) -> str:
        """SQLAlchemy URL."""
        return f"sqlite:///{self._file}"

    def load(self, items: Sequence[tuple[ExchangeTable, pa.Table]]) -> None:
        """Add a day's rows, each table in one transaction."""
        with closing(self._connect()) as con:
            for table, rows in items:
                con.execute("BEGIN IMMEDIATE")
                self._fill(con, table, rows)
                con.execute("COMMIT")

    def stop(self) -> None:
        """Nothing runs."""

    def _connect(self) -> sqlite3.Connection:
        con = sqlite3.connect(self._file, isolation_level=None, timeout=60)
        con.execute("PRAGMA synchronous = OFF")
        return con

    def _fill(self, con: sqlite3.Connection, table: ExchangeTable, rows: pa.Table) -> None:
        known = con.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table.base,)).fetchone()
        target = table.base
        if not known:
            for statement in create(table, DIALECT):
                con.execute(statement)
        elif table.keep == "latest":
            con.execute(f"DELETE FROM {quoted(table.base, DIALECT)}")
        elif table.keep == "living":
            target = f"staged_{table.base}"
            empty = f"SELECT * FROM {quoted(table.base, DIALECT)} LIMIT 0"
            con.execute(f"CREATE TEMP TABLE {quoted(target, DIALECT)} AS {empty}")
        marks = ", ".join("?" * rows.num_columns)
        con.executemany(f"INSERT INTO {quoted(target, DIALECT)} VALUES ({marks})", _tuples(rows))
        if not known:
            for statement in indices(table, DIALECT):
                con.execute(statement)
        elif table.keep == "living":
            for statement in merge(table, target, DIALECT):
                con.execute(statement)
            con.execute(f"DROP TABLE {quoted(target, DIALECT)}")


def _tuples(rows: pa.Table) -> Iterator[tuple[object, ...]]:
    """Rows as Python values; times as text, as SQLite has no type for them."""
    columns = [
        pc.strftime(column.cast(pa.timestamp("s")), "%Y-%m-%d %H:%M:%S")
        if pa.types.is_timestamp(column.type)
        else column
        for column in rows.columns
    ]
    for batch in pa.table(columns, names=rows.column_names).to_batches(max_chunksize=65_536):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
