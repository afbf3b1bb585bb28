"""The second engine of the tests: ClickHouse in this process (chdb), over files that the hub exports."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from indicators import derived, lint
from indicators.definitions import Definition
from indicators.derived import Derived
from indicators.limit import Limit, bound
from indicators.period import Period
from indicators.portable import clickhouse, export, package

Row = dict[str, Any]
INSTALLED = find_spec("chdb") is not None
CLOSE = Decimal(
    "1e-12"
)  # of the value: the last bits of a quantile between two readings, which each engine weighs its way


@cache
def session() -> Any:
    """One session a process: starting it takes a second."""
    from chdb.session import Session

    made = Session()
    for name, value in clickhouse.SETTINGS.items():
        made.query(f"SET {name} = {value}")
    for text in clickhouse.setup():
        made.query(text)
    return made


def bring(con: duckdb.DuckDBPyConnection, tables: set[str], folder: Path) -> None:
    """Export tables of the warehouse and read them there."""
    for table, columns in export.export(con, tables, folder).items():
        for text in clickhouse.create(table, columns, str(folder / f"{table}.parquet")):
            session().query(text)


def differing(con: duckdb.DuckDBPyConnection, definition: Definition, period: Period, folder: Path) -> list[str]:
    """Where the two engines differ over what the warehouse holds now: all SQL of a definition at each of its grains."""
    told: list[str] = []
    for name, text in definition.statements():
        bring(con, tables_of(text, [*definition.reads(), *definition.derived]), folder)
        for column in package.units(definition).values():
            found = _both(con, text.replace("{unit}", column), period, definition.limits)
            told += [f"{definition.code}.{name} by {column}: {line}" for line in _differences(*found, ("unit", "hour"))]
    return told


def differing_table(con: duckdb.DuckDBPyConnection, table: Derived, period: Period, folder: Path) -> list[str]:
    """The same for the rows of a derived table."""
    bring(con, tables_of(table.sql, table.reads), folder)
    return list(_differences(*_both(con, table.sql, period, table.limits), table.key))


def tables_of(sql: str, known: Iterable[str]) -> set[str]:
    """The tables that a text names."""
    words = {token for kind, token in lint.tokens(sql) if kind == "name"}
    return words & {*known, *derived.REFERENCE_TABLES, *derived.MADE}


def hub_rows(con: duckdb.DuckDBPyConnection, sql: str, period: Period, limits: Mapping[str, Limit]) -> list[Row]:
    """What a statement gives in the hub."""
    cursor = con.execute(sql, bound(sql, period, limits))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _both(
    con: duckdb.DuckDBPyConnection, sql: str, period: Period, limits: Mapping[str, Limit]
) -> tuple[list[Row], list[Row]]:
    here = hub_rows(con, sql, period, limits)
    values = period.parameters() | {name: limit.value for name, limit in limits.items()}
    told = session().query(clickhouse.statement(sql, values), "ArrowStream").bytes()
    with pa.ipc.open_stream(io.BytesIO(told)) as stream:
        return here, stream.read_all().to_pylist()


def _differences(here: list[Row], there: list[Row], key: Sequence[str]) -> Iterator[str]:
    if here and there and list(here[0]) != list(there[0]):
        yield f"columns {list(here[0])} and {list(there[0])}"
    if len(here) != len(there):
        yield f"{len(here)} rows and {len(there)}"
    for mine, theirs in zip(sorted(here, key=_order(key)), sorted(there, key=_order(key)), strict=False):
        for name, value in mine.items():
            if not same(value, theirs.get(name)):
                yield f"{[mine.get(part) for part in key]} {name}: {value!r} and {theirs.get(name)!r}"


def _order(key: Sequence[str]) -> Callable[[Row], list[str]]:
    """By the key, then by all that is no double."""
    return lambda row: [str(row.get(name)) for name in key] + [str(v) for v in row.values() if not isinstance(v, float)]


def same(mine: Any, theirs: Any) -> bool:
    """Equal: to the last digit for whole numbers, decimals and all else; a double may differ in its last bits."""
    if mine is None or theirs is None or not (isinstance(mine, float) or isinstance(theirs, float)):
        return bool(mine == theirs)
    one, other = Decimal(mine), Decimal(theirs)
    return abs(one - other) <= CLOSE * max(abs(one), abs(other))
