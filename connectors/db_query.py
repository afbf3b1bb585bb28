"""The one SELECT of a database delivery: which table, which columns, which rows, in which order."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from cityhub.clock import day_bounds, now
from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import DatabaseSource
from connectors.db_bounds import stored

CLOCK_SKEW = timedelta(days=1)
_BYTES = (sa.LargeBinary, sa.BINARY, sa.VARBINARY)
Columns = dict[str, sa.types.TypeEngine[Any]]


@dataclass(frozen=True)
class Table:
    """What is known of the table when the filter is made."""

    columns: Columns
    dialect: str
    place: Mapping[str, Any]


@dataclass(frozen=True)
class Query:
    """`columns` are all columns of the table, `cursor` is the change column, `ceiling` its last believable
    value, `missing` what the spec names and the table lacks."""

    table: sa.TableClause
    columns: Columns
    where: tuple[sa.ColumnElement[bool], ...]
    order: tuple[str, ...]
    cursor: str | None
    missing: tuple[str, ...]
    ceiling: str | int | None = None
    dialect: str = ""
    limit: int | None = None

    def select(self, *, as_text: bool) -> sa.Select[Any]:
        """All columns, as text in the database's own exact notation or as the driver gives them."""
        plain = self.table.c
        chosen = [self._text(col) if as_text else col for col in plain]
        statement = sa.select(*chosen).select_from(self.table).where(*self.where)
        # A bare name in ORDER BY would mean the casted column: 10 before 9.
        if self.limit is not None:
            return statement.limit(self.limit)  # in any order: a look must not sort a table
        return statement.order_by(*(plain[name] for name in self.order))

    def _text(self, column: sa.ColumnClause[Any]) -> sa.ColumnElement[Any]:
        """Bytes as hexadecimal digits; PostgreSQL's own cast writes them so, too."""
        if isinstance(self.columns[column.name], _BYTES) and self.dialect == "mysql":
            return sa.func.hex(column).label(column.name)
        return sa.cast(column, sa.Text).label(column.name)


def plan(connection: Connection, spec: FeedSpec, day: date, cursor: str | None, place: Mapping[str, Any]) -> Query:
    """The query for one delivery.

    With a change column and a cursor: rows from cursor less overlap. Else with a day column: rows of the
    service day. Else the whole table. Raises `Stop` CH-PULL-032 (table), 033 (column), 037 (cursor).
    """
    source = spec.source
    assert isinstance(source, DatabaseSource)
    schema, _, name = source.table.rpartition(".")
    columns = columns_of(connection, name, schema or None, place)
    table = sa.table(name, *(sa.column(column) for column in columns), schema=schema or None)
    for needed in _needed(spec, source):
        if needed not in columns:
            near = _near(needed, columns)
            raise Stop("CH-PULL-033", **{**place, "table": source.table, "column": needed, "near": near})
    order = [spec.fields[key].source for key in spec.identity.key]
    order += [extra for extra in (source.cursor, source.day_column) if extra and extra not in order]
    return Query(
        table=table,
        columns=columns,
        where=tuple(_where(spec, day, cursor, Table(columns, connection.dialect.name, place))),
        order=tuple(order),
        cursor=source.cursor,
        dialect=connection.dialect.name,
        ceiling=_ceiling(spec, day, columns, connection.dialect.name),
        missing=tuple(field.source for field in spec.fields.values() if _top(field.source) not in columns),
    )


def _needed(spec: FeedSpec, source: DatabaseSource) -> list[str]:
    fields = [spec.fields[key].source for key in spec.identity.key]
    fields += [field.source for field in spec.fields.values() if field.required]
    return [*filter(None, (source.day_column, source.cursor)), *fields]


def _ceiling(spec: FeedSpec, day: date, columns: Columns, dialect: str) -> str | int | None:
    source = spec.source
    if not isinstance(source, DatabaseSource) or not source.cursor:
        return None
    latest = max(now(), day_bounds(day)[1]) + CLOCK_SKEW
    return stored(spec, source.cursor, columns[source.cursor], dialect).ceiling(latest)


def _top(name: str) -> str:
    """The column that holds a dotted path (a JSON column)."""
    return name.partition(".")[0]


def columns_of(connection: Connection, name: str, schema: str | None, place: Mapping[str, Any]) -> Columns:
    """Columns of a table or view and their declared types; raises `Stop` CH-PULL-032 when there is none."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(name, schema=schema):
        names = inspector.get_table_names(schema) + inspector.get_view_names(schema)
        shown = f"{schema}.{name}" if schema else name
        raise Stop("CH-PULL-032", **{**place, "table": shown, "near": _near(name, names)})
    return {str(column["name"]): column["type"] for column in inspector.get_columns(name, schema=schema)}


def _near(name: str, names: Iterable[str]) -> str:
    known = sorted(names)
    near = difflib.get_close_matches(name, known, 5, 0.5) or known[:10]
    return ", ".join(near) or "nothing that we may see"


def _where(spec: FeedSpec, day: date, cursor: str | None, known: Table) -> list[sa.ColumnElement[bool]]:
    source = spec.source
    assert isinstance(source, DatabaseSource)
    if source.cursor and cursor is not None:
        shape = stored(spec, source.cursor, known.columns[source.cursor], known.dialect)
        try:
            start = shape.after(cursor, timedelta(minutes=source.overlap_minutes))
        except ValueError as error:
            wrong = {**known.place, "column": source.cursor, "value": cursor, "detail": str(error)}
            raise Stop("CH-PULL-037", **wrong) from None
        return [sa.column(source.cursor) >= start]
    if source.day_column:
        shape = stored(spec, source.day_column, known.columns[source.day_column], known.dialect)
        first, after = day_bounds(day)
        column: sa.ColumnClause[Any] = sa.column(source.day_column)
        return [column >= shape.value(first), column < shape.value(after)]
    return []
