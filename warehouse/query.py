"""One reading statement against the lake, and an answer that JSON can carry: `cityhub sql` and tools."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import duckdb

from cityhub.clock import SHANGHAI
from cityhub.errors import Usage
from cityhub.settings import Settings
from warehouse import lake

READING = {"SELECT", "EXPLAIN"}  # DuckDB counts WITH, FROM, VALUES, SHOW, DESCRIBE and SUMMARIZE among SELECT
_TABLE = re.compile(r'Table with name "?([\w.]+)"? does not exist')


@dataclass(frozen=True)
class Result:
    """Column names, their DuckDB types, and rows of JSON values: DOUBLE and INTEGER are numbers, DECIMAL is
    exact text, times are ISO 8601 with +08:00, NULL is None."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def run_sql(settings: Settings, sql: str, params: Sequence[object] | Mapping[str, object] | None = None) -> Result:
    """Run one reading statement on a read-only connection; a running night neither blocks nor shows through.

    Raises `Usage` CH-SQL-001 (would write), 002 (no such table), 003 (SQL error), 004 (not one statement);
    `Stop` CH-LAKE-003 when there is no warehouse.
    """
    con = lake.connect(settings, read_only=True)
    try:
        _one_reading(con, sql)
        found = con.execute(sql, params) if params else con.execute(sql)
        described = found.description or []
        columns, types = tuple(item[0] for item in described), tuple(str(item[1]) for item in described)
        return Result(columns, types, [tuple(jsonable(value) for value in row) for row in found.fetchall()])
    except duckdb.Error as error:
        raise _explained(con, error) from None
    finally:
        con.close()


def _one_reading(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    statements = con.extract_statements(sql)
    if len(statements) != 1:
        raise Usage("CH-SQL-004", count=len(statements))
    if statements[0].type.name not in READING:
        raise Usage("CH-SQL-001", kind=statements[0].type.name)


def _explained(con: duckdb.DuckDBPyConnection, error: duckdb.Error) -> Usage:
    message = str(error)
    if unknown := _TABLE.search(message):
        name = unknown[1]
        known = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
        near = difflib.get_close_matches(name.split(".")[-1], [row[0] for row in known], 4, 0.5)
        return Usage("CH-SQL-002", name=name, near=", ".join(near) or "nothing")
    if "read-only" in message:
        return Usage("CH-SQL-001", kind="a statement that writes")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    hint = next((line for line in lines if line.startswith(("Candidate", "Did you mean", "LINE"))), "no hint")
    return Usage("CH-SQL-003", detail=lines[0] if lines else type(error).__name__, hint=hint)


def jsonable(value: Any) -> Any:  # noqa: PLR0911  # one line per kind of value reads best
    """A DuckDB value as JSON carries it: exact decimals as text, times with their offset."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return (value.astimezone(SHANGHAI) if value.tzinfo else value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return str(value)
