"""The definitions on ClickHouse: their text as it stands, with types, literals and four functions in its words.

Tables are those of `indicators/portable/export.py`. Run `setup()` with `SETTINGS` once, `create` for each table, then
`statement` for each SQL text. Nothing here knows an indicator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from indicators.portable.text import Token, read

# What SQL means and ClickHouse does when asked: no match and no rows are NULL.
SETTINGS = {
    "join_use_nulls": 1,
    "aggregate_functions_null_for_empty": 1,
}
_TYPES = {
    "VARCHAR": "String",
    "BIGINT": "Int64",
    "INTEGER": "Int32",
    "DOUBLE": "Float64",
    "BOOLEAN": "Bool",
    "DATE": "Date32",
    "TIMESTAMP WITH TIME ZONE": "DateTime64(6, 'Asia/Shanghai')",
}
_DECIMAL = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)", re.IGNORECASE)
SCALES = range(7)
# Its casts to decimals cut off where SQL's round half away from zero.
_TO_DECIMAL = """
CREATE OR REPLACE FUNCTION to_decimal_{scale} AS x -> toDecimal128(
    toInt128(trunc(toFloat64(x) * 1e{scale}))
    + toInt8(sign(toFloat64(x)) * (abs(toFloat64(x) * 1e{scale} - trunc(toFloat64(x) * 1e{scale})) >= 0.5)),
    {scale}) / toInt64(1e{scale})
"""
# What stands around the arguments: a row before the first or after the last is NULL, and the shim for quantiles.
_CALLS = {
    "lag": ("lag(toNullable(", "))"),
    "lead": ("lead(toNullable(", "))"),
    "p95": ("quantileExactInclusive(0.95)(toFloat64(", "))"),
}


def setup() -> list[str]:
    """Statements that a session needs first."""
    return [_TO_DECIMAL.format(scale=scale) for scale in SCALES]


def create(table: str, columns: Mapping[str, str], file: str) -> list[str]:
    """Statements that make a table from a Parquet file; `columns` are names and DuckDB's types."""
    typed = ", ".join(f'"{name}" {_type(kind)}' for name, kind in columns.items())
    names = ", ".join(f'"{name}"' for name in columns)
    return [
        f'DROP TABLE IF EXISTS "{table}"',
        f'CREATE TABLE "{table}" ({typed}) ENGINE = Memory',
        f"INSERT INTO \"{table}\" SELECT {names} FROM file('{file}', Parquet)",
    ]


def statement(sql: str, values: Mapping[str, object]) -> str:
    """The text of a definition with its parameters, as ClickHouse takes it."""
    return _render(read(sql), values)


def literal(value: object) -> str:
    """A parameter with the type that it has in the hub."""
    if isinstance(value, date):
        return f"toDate32('{value.isoformat()}')"
    if isinstance(value, Decimal):
        return f"toDecimal128('{value}', {max(0, -int(value.as_tuple().exponent))})"
    if isinstance(value, int):
        return f"toInt64({value})"
    raise TypeError(f"no parameter is a {type(value).__name__}")


def _type(kind: str) -> str:
    decimal = _DECIMAL.fullmatch(kind)
    return f"Nullable({f'Decimal(38, {decimal[1]})' if decimal else _TYPES[kind.upper()]})"  # room for products


def _render(tokens: list[Token], values: Mapping[str, object]) -> str:
    parts: list[str] = []
    word = ""
    for token in tokens:
        if token.kind == "param":
            parts.append(literal(values[token.text[1:]]))
        elif token.text != "(" or token.kind == "string":
            parts.append(token.text)
        elif word == "cast":
            parts[-1] = _cast(token.inside, values)
        elif word in _CALLS:
            before, after = _CALLS[word]
            parts[-1] = before + _render(token.inside, values) + after
        else:
            parts.append(f"({_render(token.inside, values)})")
        word = token.word
    return "".join(parts)


def _cast(inside: list[Token], values: Mapping[str, object]) -> str:
    cut = max(place for place, token in enumerate(inside) if token.word == "as")
    what = _render(inside[:cut], values).strip()
    kind = _render(inside[cut + 1 :], values).strip()
    decimal = _DECIMAL.fullmatch(kind)
    return f"to_decimal_{decimal[1]}({what})" if decimal else f"CAST({what} AS {_type(kind)})"
