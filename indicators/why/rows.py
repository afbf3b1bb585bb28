"""The rows of a canonical table that a value rests on: how many, their keys, the loads that brought them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from cityhub.spec.feed import FeedSpec
from indicators import lint
from indicators.definitions import Definition
from indicators.why.question import Question
from warehouse.names import identifier, identifiers
from warehouse.query import jsonable

KEYS = 5  # keys named; the count tells all
_COLUMNS = "SELECT column_name FROM duckdb_columns() WHERE database_name = 'lake' AND table_name = $table"


@dataclass(frozen=True)
class Rows:
    """Rows of a table. `of_unit`: those of the asked unit alone, else of all units; `of_days`: those of the period's
    service days alone, else the table as it stands; `last`: the unit's newest service day up to the period's end."""

    table: str
    of_unit: bool
    of_days: bool
    count: int
    keys: tuple[dict[str, Any], ...]
    loads: tuple[str, ...]
    last: date | None


def rows_of(con: duckdb.DuckDBPyConnection, question: Question, spec: FeedSpec) -> Rows | None:
    """The rows of the feed's table; None where the table does not exist."""
    columns = {row[0] for row in con.execute(_COLUMNS, {"table": spec.table}).fetchall()}
    if not columns:
        return None
    definition, unit, period = question.definition, question.unit, question.period
    column = unit_column(definition, unit.kind, spec.table)
    of_unit = column is not None and column in columns
    of_days = by_day(definition, spec.table)
    where = [f"{identifier(str(column))} = $unit"] if of_unit else []
    asked: dict[str, Any] = {"unit": unit.named} if of_unit else {}
    table = f"lake.main.{identifier(spec.table)}"
    last = con.execute(
        f"SELECT max(service_day) FROM {table} WHERE {' AND '.join([*where, 'service_day < $end'])}",
        {**asked, "end": period.end},
    ).fetchone()
    if of_days:
        where.append("service_day >= $first AND service_day < $end")
        asked |= {"first": period.first, "end": period.end}
    # Tables that tests or analysts make need not carry the loader's column.
    load = '"_load_id"' if "_load_id" in columns else "CAST(NULL AS VARCHAR)"
    such = f"FROM {table} WHERE {' AND '.join(where) or 'true'}"
    count, loads = con.execute(
        f"SELECT count(*), list(DISTINCT {load} ORDER BY {load} DESC) FILTER ({load} IS NOT NULL) {such}", asked
    ).fetchone() or (0, None)
    key = [name for name in spec.identity.key if name in columns]
    found = con.execute(
        f"SELECT {identifiers(key)} {such} ORDER BY {identifiers(key)} LIMIT {KEYS:d}", asked
    ).fetchall()
    keys = tuple({name: jsonable(value) for name, value in zip(key, row, strict=True)} for row in found)
    return Rows(spec.table, of_unit, of_days, count, keys, tuple(loads or ()), last[0] if last else None)


def unit_column(definition: Definition, kind: str, table: str) -> str | None:
    """The column of a table that names the unit: `d.mn` belongs to the table that the SQL calls `d`; None for the
    county, and where the unit of a row stands in another table."""
    alias, _, column = definition.unit_columns.get(kind, "").rpartition(".")
    if not column or (alias and _aliases(definition).get(alias.lower()) != table):
        return None
    return column


def _aliases(definition: Definition) -> dict[str, str]:
    """Alias → table of `FROM x AS a` and `JOIN x AS a`."""
    found: dict[str, str] = {}
    for _, sql in definition.statements():
        words = [text for _, text in lint.tokens(sql)]
        for before, table, as_, alias in zip(words, words[1:], words[2:], words[3:], strict=False):
            if before in {"from", "join"} and as_ == "as":
                found[alias] = table
    return found


def by_day(definition: Definition, table: str) -> bool:
    """Whether the value takes the rows of its days alone. Registries, tables of SQL that knows no day, and those whose
    rows count on the day of an event of theirs, are read as they stand."""
    used = set().union(*(lint.parameters(sql) for _, sql in definition.statements()))
    if table in definition.registries or definition.by == "event":
        return False
    return bool(used & set(lint.PARAMETERS)) or bool(definition.derived)
