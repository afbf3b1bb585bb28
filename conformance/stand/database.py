"""A table of an exchange database in a SQLite file, which has no users."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import DatabaseSource
from conformance.records import Record, columns, value
from conformance.stand import FINE, Fault

_TYPES = {"integer": "INTEGER", "double": "REAL", "decimal": "NUMERIC"}


class DatabaseStand:
    """One file; each offer makes the table anew."""

    faults = frozenset({"duplicate"})

    def __init__(self, spec: FeedSpec, folder: Path) -> None:
        assert isinstance(spec.source, DatabaseSource)
        self._spec, self._source = spec, spec.source
        folder.mkdir(parents=True, exist_ok=True)
        self._file, self._table = folder / "exchange.sqlite", spec.source.table.rpartition(".")[2]

    def source(self) -> dict[str, Any]:
        return {"address": f"sqlite:///{self._file}", "user": None, "password": None, "table": self._table}

    def offer(self, rows: Sequence[Record], day: date, fault: Fault = FINE) -> None:
        rows = [self._complete(row, day) for row in rows]
        if fault.kind == "duplicate":
            rows += rows[:10]
        names = columns(rows) or [field.source for field in self._spec.fields.values()]
        declared = ", ".join(f"{_quoted(name)} {self._type(name)}" for name in names)
        with closing(sqlite3.connect(self._file)) as con, con:
            con.execute(f"DROP TABLE IF EXISTS {_quoted(self._table)}")
            con.execute(f"CREATE TABLE {_quoted(self._table)} ({declared})")
            marks = ", ".join("?" * len(names))
            con.executemany(
                f"INSERT INTO {_quoted(self._table)} VALUES ({marks})",
                [[_plain(row.get(name)) for name in names] for row in rows],
            )

    def close(self) -> None:
        """A file holds nothing open."""

    def _complete(self, row: Record, day: date) -> Record:
        """The row with the columns that the source is asked by, which examples need not have."""
        for name in filter(None, (self._source.day_column, self._source.cursor)):
            if row.get(name) is None:
                of = self._spec.identity.day_from
                known = value(row, self._spec.fields[of].source) if of else None
                row = {**row, name: known or f"{day.isoformat()} 08:00:00"}
        return row

    def _type(self, name: str) -> str:
        field = next((field for field in self._spec.fields.values() if field.source == name), None)
        if field is None:
            return "TEXT"
        return "INTEGER" if field.format in {"epoch_s", "epoch_ms"} else _TYPES.get(field.type, "TEXT")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(found: Any) -> Any:
    return found if found is None or isinstance(found, str | int | float) else str(found)


def make(spec: FeedSpec, folder: Path, envelope: Any) -> DatabaseStand:
    """The stand of a database feed."""
    del envelope
    return DatabaseStand(spec, folder)
