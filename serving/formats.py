"""Rows as JSON, CSV or Arrow, as the client accepts."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from fastapi import Request

from cityhub.errors import Stop
from extracts.datasets import Dataset

JSON, CSV, ARROW = "application/json", "text/csv", "application/vnd.apache.arrow.stream"
OFFERED = (JSON, CSV, ARROW)

_ARROW: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "decimal": pa.decimal128(38, 18),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="Asia/Shanghai"),
    "boolean": pa.bool_(),
}
_MAKE: Mapping[str, Callable[[str], Any]] = {
    "decimal": Decimal,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


def wanted(request: Request, offered: Sequence[str] = OFFERED) -> str:
    """The format that the client likes best; raises `Stop` CH-SERVE-011 where it accepts none (RFC 9110, 12.5.1)."""
    given = request.headers.get("accept", "*/*")
    weights = [_range(part) for part in given.split(",") if part.strip()] or [("*/*", 1.0)]
    best = max(offered, key=lambda kind: (_weight(kind, weights), -offered.index(kind)))
    if _weight(best, weights) <= 0:
        raise Stop("CH-SERVE-011", accept=given[:80], offered=", ".join(offered))
    return best


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (item.strip() for item in part.split(";"))
    weight = 1.0
    for item in parameters:
        if item.lower().startswith("q="):
            try:
                weight = min(1.0, max(0.0, float(item[2:])))
            except ValueError:
                weight = 0.0
    return name.lower(), weight


def _weight(offered: str, weights: Sequence[tuple[str, float]]) -> float:
    """The weight of the most exact range that holds the format; 0 where none does."""
    kind = offered.split("/", maxsplit=1)[0]
    for name in (offered, f"{kind}/*", "*/*"):
        found = [weight for given, weight in weights if given == name]
        if found:
            return max(found)
    return 0.0


def csv(dataset: Dataset, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """UTF-8 with a header line, as the csv.gz files are: nothing between two commas is empty, `""` an empty text."""
    names = [column.name for column in dataset.columns]
    out = io.StringIO()
    out.write(",".join(names) + "\n")
    for row in rows:
        out.write(",".join(_cell(row[name]) for name in names) + "\n")
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if text == "" or any(mark in text for mark in ',"\r\n') or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text


def arrow(dataset: Dataset, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """One Arrow IPC stream with the types of the Parquet files."""
    fields = [pa.field(column.name, _ARROW[column.type], column.nullable) for column in dataset.columns]
    columns = []
    for column in dataset.columns:
        make = _MAKE.get(column.type)
        given = (row[column.name] for row in rows)
        values = [make(value) if make and value is not None else value for value in given]
        columns.append(pa.array(values, _ARROW[column.type]))
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
