"""Files of the feed as rows, and what is wrong with their columns and types.

Both formats become the same rows: text as str, decimals as Decimal, integers as int, dates as date, times as datetime
with zone. A value of a wrong type is a finding and None in its row.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from scoring.handover.contract import Column, Dataset
from scoring.handover.finding import Finding, shown
from scoring.handover.schemas import DECIMAL
from warehouse.names import literal

Row = dict[str, Any]
_PLAIN = re.compile(DECIMAL)
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
PARQUET = {
    "text": ("VARCHAR",),
    "decimal": ("DOUBLE", "DECIMAL", *_INTEGERS),
    "integer": _INTEGERS,
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP WITH TIME ZONE",),
}
WANTED = {
    "text": "a text that is not empty, or null",
    "decimal": "a decimal as text, such as \"87.5\", or null",
    "integer": "a whole number, or null",
    "date": "a date YYYY-MM-DD, or null",
    "timestamp": "a moment with its offset, such as 2026-11-21T03:10:00+08:00",
}  # fmt: skip


@dataclass
class Content:
    """Rows of one file; `broken`: columns that are missing or of a wrong type, which no rule can look at."""

    name: str
    rows: list[Row] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    bad: set[tuple[int, str]] = field(default_factory=set)  # cells that could not be read
    findings: list[Finding] = field(default_factory=list)

    def found(
        self, problem: str, fix: str, row: int | None = None, field: str | None = None, value: Any = None
    ) -> None:
        """Note a finding about this file."""
        told = None if value is None else shown(value)
        self.findings.append(Finding(self.name, problem, fix, row, field, told))


def read(path: Path, name: str, kind: str, dataset: Dataset) -> Content:
    """The content of a file in a format."""
    content = Content(name)
    if kind == "parquet":
        _parquet(content, path, dataset)
    else:
        _json(content, path, dataset)
    return content


def _parquet(content: Content, path: Path, dataset: Dataset) -> None:
    con = duckdb.connect()
    try:
        con.execute("SET TimeZone = 'Asia/Shanghai'; SET enable_progress_bar = false")
        source = f"read_parquet({literal(str(path))})"
        types = {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        for name, column in dataset.fields.items():
            if name not in types:
                _lacks(content, name)
            elif not types[name].startswith(PARQUET[column.type]):
                content.broken.add(name)
                wanted = " or ".join(PARQUET[column.type][:2])
                content.found(f"is {types[name]}", f"write the column as {wanted}", field=name)
        readable = [name for name in dataset.fields if name not in content.broken]
        if not readable:
            return
        listed = ", ".join(f'"{name}"' for name in readable)
        for number, values in enumerate(con.execute(f"SELECT {listed} FROM {source}").fetchall(), 1):
            row = dict(zip(readable, values, strict=True))
            content.rows.append(
                {name: _typed(content, number, name, row.get(name), dataset) for name in dataset.fields}
            )
    except duckdb.Error as error:
        content.broken.update(dataset.fields)
        content.found(f"cannot be read: {str(error).splitlines()[0]}", "write a Parquet file")
    finally:
        con.close()


def _typed(content: Content, number: int, name: str, value: Any, dataset: Dataset) -> Any:
    if value == "" and dataset.fields[name].type == "text":
        content.bad.add((number, name))
        content.found("is an empty text", "write null where there is nothing", number, name)
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            content.bad.add((number, name))
            content.found("is no finite number", "write null where there is no value", number, name, value)
            return None
        return Decimal(repr(value))
    if isinstance(value, int) and dataset.fields[name].type == "decimal":
        return Decimal(value)
    return value


def _json(content: Content, path: Path, dataset: Dataset) -> None:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_constant=Decimal)
    except ValueError as error:
        rows = None
        content.found(f"cannot be read: {error}", "write JSON in UTF-8")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        content.broken.update(dataset.fields)
        if rows is not None:
            content.found("is no array of objects", "write [{…}, {…}], one object a row")
        return
    for name in dataset.fields:
        if rows and all(name not in row for row in rows):
            _lacks(content, name)
    for number, row in enumerate(rows, 1):
        content.rows.append(dict(_cells(content, number, row, dataset)))


def _cells(content: Content, number: int, row: Row, dataset: Dataset) -> Iterator[tuple[str, Any]]:
    for name, column in dataset.fields.items():
        if name in content.broken:
            continue
        if name not in row:
            content.bad.add((number, name))
            content.found("is not there", "write every column in every row, null where it is empty", number, name)
            yield name, None
            continue
        value = _parsed(column, row[name])
        if value is None and row[name] is not None:
            content.bad.add((number, name))
            content.found(f"is not {WANTED[column.type]}", "write it so", number, name, row[name])
        yield name, value


def _parsed(column: Column, value: Any) -> Any:
    """The value in its type, None where it is of another."""
    if column.type == "integer":
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    if not isinstance(value, str) or not value:
        return None
    return _FROM_TEXT[column.type](value)


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _PLAIN.match(text) else None


def _date(text: str) -> date | None:
    moment = _moment(f"{text}T00:00:00+00:00") if len(text) == 10 else None
    return moment.date() if moment else None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


_FROM_TEXT: dict[str, Callable[[str], Any]] = {"text": str, "decimal": _decimal, "date": _date, "timestamp": _moment}


def _lacks(content: Content, name: str) -> None:
    content.broken.add(name)
    content.found("the column is missing", "add it; a contract's columns are never left out", field=name)
