"""Replacing a month's rows of `score` and `ranking`; when they are the same they are left alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb

from scoring.numbers import text
from warehouse.names import identifiers, literal

COLUMNS: dict[str, dict[str, str]] = {
    "score": {
        "unit_code": "VARCHAR",
        "component": "VARCHAR",
        "weight": "DECIMAL(9, 6)",
        "value": "DECIMAL(38, 18)",
        "points": "DECIMAL(38, 18)",
        "state": "VARCHAR",
        "source": "VARCHAR",
        "trace": "VARCHAR",
    },
    "ranking": {
        "league": "VARCHAR",
        "unit_code": "VARCHAR",
        "unit_name": "VARCHAR",
        "score": "DECIMAL(38, 18)",
        "grade": "VARCHAR",
        "rank": "INTEGER",
        "state": "VARCHAR",
        "reason": "VARCHAR",
        "completeness": "DOUBLE",
        "trace": "VARCHAR",
    },
}

Row = dict[str, str | int | None]
Key = set[tuple[str | None, ...]]


def _where(scheme: str, month: str) -> str:
    return f"scheme = {literal(scheme)} AND period = {literal(month)}"


def stored(con: duckdb.DuckDBPyConnection, table: str, scheme: str, month: str) -> Key:
    """The month's rows as `key` makes them comparable."""
    names = list(COLUMNS[table])
    found = con.execute(f"SELECT {identifiers(names)} FROM {table} WHERE {_where(scheme, month)}").fetchall()
    return key(table, [dict(zip(names, values, strict=True)) for values in found])


def key(table: str, rows: Sequence[Mapping[str, object]], *, without: tuple[str, ...] = ()) -> Key:
    """Rows as texts in the order of the columns; decimals by value, not by their trailing zeros."""
    return {line(table, row, without=without) for row in rows}


def line(table: str, row: Mapping[str, object], *, without: tuple[str, ...] = ()) -> tuple[str | None, ...]:
    """One row as `key` has it."""
    return tuple(_text(row[name]) for name in COLUMNS[table] if name not in without)


def _text(value: Any) -> str | None:
    if isinstance(value, float):  # completeness, written from a decimal of four places
        value = Decimal(repr(value))
    if isinstance(value, Decimal):
        return text(value)
    return None if value is None else str(value)


def replace(
    con: duckdb.DuckDBPyConnection, table: str, scheme: str, month: str, rows: list[Row], *, as_of: str
) -> None:
    """Delete the month and insert the rows inside the caller's transaction, from one JSON literal: bound
    parameters would import pandas. `as_of` is ISO 8601 with zone."""
    con.execute(f"DELETE FROM {table} WHERE {_where(scheme, month)}")
    if not rows:
        return
    columns = COLUMNS[table]
    shape = literal(json.dumps([dict.fromkeys(columns, "VARCHAR")]))
    content = literal(json.dumps(rows, ensure_ascii=False))
    casts = ", ".join(f"CAST({identifiers([name])} AS {kind})" for name, kind in columns.items())
    con.execute(
        f"INSERT INTO {table} (scheme, period, as_of, {identifiers(list(columns))}) "
        f"SELECT {literal(scheme)}, {literal(month)}, TIMESTAMPTZ {literal(as_of)}, {casts} "
        f"FROM (SELECT unnest(from_json({content}, {shape}), recursive := true))"
    )
