"""Run a definition's SQL and give its sums per unit; nothing is judged here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import duckdb

from cityhub.errors import Stop
from indicators.definitions import Definition
from indicators.limit import bound
from indicators.period import Period
from indicators.portable.text import TOKEN
from warehouse.names import literal

COUNTY = "county"
ASSESSED = frozenset({"territory", "department", COUNTY})  # kinds of the table `unit`; others are named by rows
_COLUMNS = ("kind_of_unit", "unit", "hour", "numerator", "denominator", "n_expected", "n_valid")


@dataclass(frozen=True)
class Sums:
    """What a definition's SQL says for one unit (None: rows that belong to no unit) and hour."""

    unit: str | None = None
    hour: int | None = None
    numerator: float | None = None
    denominator: float | None = None
    n_expected: int | None = None
    n_valid: int | None = None


def exact(number: object) -> float | None:
    """Twelve significant digits: means and quotients of doubles may differ in the last bits between engines, and a
    value that did not change must not be written again."""
    return None if number is None else float(f"{float(str(number)):.12g}")


def total(parts: Iterable[Sums], *, unit: str | None = None, hour: int | None = None) -> Sums:
    """The sum of parts; a component that is NULL in all of them stays NULL."""

    items = list(parts)

    def add(values: Iterable[float | int | None]) -> float | None:
        known = [value for value in values if value is not None]
        return exact(math.fsum(known)) if known else None  # whatever order the parts come in

    expected, valid = add(item.n_expected for item in items), add(item.n_valid for item in items)
    return Sums(
        unit,
        hour,
        add(item.numerator for item in items),
        add(item.denominator for item in items),
        None if expected is None else int(expected),
        None if valid is None else int(valid),
    )


def sums(con: duckdb.DuckDBPyConnection, definition: Definition, sql: str, period: Period) -> dict[str, list[Sums]]:
    """Rows by kind of unit: `territory`, `department`, things such as `road`, and `county` (the sum over all rows, with
    those of no unit, or its own run where units do not add). Raises `Stop` CH-IND-003 when the SQL cannot be run."""
    found: dict[str, list[Sums]] = {}
    columns = dict(definition.unit_columns)
    if definition.county == "run" or not columns:
        columns[COUNTY] = "CAST(NULL AS VARCHAR)"
    for kind, rows in _queries(con, definition, sql, columns, period):
        found[kind] = rows if kind in ASSESSED else [_named(kind, row) for row in rows]
    if COUNTY not in found:
        rows = next(iter(found.values()))
        hours = sorted({row.hour for row in rows}, key=lambda hour: -1 if hour is None else hour)
        found[COUNTY] = [total((row for row in rows if row.hour == hour), hour=hour) for hour in hours]
    return found


def _named(kind: str, row: Sums) -> Sums:
    """A thing that is no assessed unit is stored as `road:…`, `company:…`, so that no code means two things."""
    return row if row.unit is None else replace(row, unit=f"{kind}:{row.unit}")


def by_unit(hours: dict[str, list[Sums]]) -> dict[str, list[Sums]]:
    """The day as the sum of its hours, by kind of unit."""
    return {
        kind: [total((row for row in rows if row.unit == unit), unit=unit) for unit in {row.unit for row in rows}]
        for kind, rows in hours.items()
    }


def together(sql: str, columns: Mapping[str, str]) -> str | None:
    """One statement for all kinds of unit, whose rows say their kind: the steps of WITH are then read once. None where
    that is not to be had: no steps, or steps that differ by unit."""
    depth = start = 0
    for match in TOKEN.finditer(sql):
        depth += {"(": 1, ")": -1}.get(match.group(), 0)
        if depth == 0 and match.lastgroup == "name" and match.group().lower() in {"select", "union"}:
            start = match.start() if match.group().lower() == "select" else -1
    if start <= 0 or "{unit}" in sql[:start] or len(columns) < 2:
        return None
    rest = sql[start + len("SELECT") :]
    parts = [
        f"SELECT {literal(kind)} AS kind_of_unit, {rest.replace('{unit}', column)}" for kind, column in columns.items()
    ]
    return sql[:start] + "\nUNION ALL\n".join(parts)


def _queries(
    con: duckdb.DuckDBPyConnection, definition: Definition, sql: str, columns: Mapping[str, str], period: Period
) -> Iterator[tuple[str, list[Sums]]]:
    if (whole := together(sql, columns)) is None:
        for kind, column in columns.items():
            yield kind, [row for _, row in _query(con, definition, sql.replace("{unit}", column), period)]
        return
    rows = _query(con, definition, whole, period)
    for kind in columns:
        yield kind, [row for said, row in rows if said == kind]


def _query(
    con: duckdb.DuckDBPyConnection, definition: Definition, sql: str, period: Period
) -> list[tuple[object, Sums]]:
    """Rows with what they say of their kind of unit."""
    try:
        cursor = con.execute(sql, bound(sql, period, definition.limits))
        names = [column[0] for column in cursor.description or []]
        rows = cursor.fetchall()
    except duckdb.Error as error:
        detail = str(error).splitlines()[0]
        raise Stop("CH-IND-003", indicator=definition.code, detail=detail, period=period.name) from error
    if not {"numerator", "n_expected", "n_valid"} <= set(names) <= set(_COLUMNS):
        raise Stop("CH-IND-003", indicator=definition.code, detail=f"it gives the columns {', '.join(names)}")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [(values.get(_COLUMNS[0]), _row(values)) for values in found]


def _row(values: dict[str, object]) -> Sums:
    def whole(name: str) -> int | None:
        value = values.get(name)
        return None if value is None else int(str(value).split(".", maxsplit=1)[0])

    unit = values.get("unit")
    return Sums(
        None if unit is None else str(unit),
        whole("hour"),
        exact(values.get("numerator")),
        exact(values.get("denominator")),
        whole("n_expected"),
        whole("n_valid"),
    )
