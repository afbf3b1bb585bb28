"""A table of an exchange database: declared types, primary key, a few rows."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cityhub.draft.sample import Path, Sample
from cityhub.errors import Usage
from connectors.database import connected, where
from connectors.db_engine import explain_database
from connectors.db_query import Columns, columns_of
from connectors.look.stub import stub
from connectors.retry import Policy

ROWS = 500
_TYPES: tuple[tuple[Any, str], ...] = (
    (sa.Boolean, "boolean"), (sa.Integer, "integer"), (sa.DateTime, "timestamp"), (sa.Date, "date"),
    (sa.Float, "double"), (sa.Numeric, "decimal"),
)  # fmt: skip


def look(address: str, table: str | None, day: date, *, feed: str, known: dict[str, Any]) -> Sample:
    """The table of a SQLAlchemy URL; raises what a connection raises, `Usage` CH-DRAFT-005 without a table."""
    address, _, behind = address.partition("#")
    table = table or behind or None
    login: dict[str, Any] = {key: known[key] for key in ("user", "password") if key in known}
    source: dict[str, Any] = {"kind": "database", "address": address, **login, "table": table or "?"}
    spec = stub(source, feed)
    url, place = where(spec, day)
    with closing(connected(spec, url, place, Policy(deadline_s=60))) as connection:
        try:
            if table is None:
                raise Usage("CH-DRAFT-005", address=place["address"], tables=_tables(connection))
            schema, _, name = table.rpartition(".")
            columns = columns_of(connection, name, schema or None, place)
            rows = _rows(connection, name, schema or None, columns)
            key = sa.inspect(connection).get_pk_constraint(name, schema=schema or None).get("constrained_columns") or []
        except (DBAPIError, SQLAlchemyError) as error:
            raise explain_database(error, url, place, table=str(table)) from error
    types = {column: kind for column, form in columns.items() if (kind := _type(form))}
    notes: dict[Path, str] = {("table",): f"{len(columns)} columns"}
    return Sample(source, tuple(rows), name, notes, types, tuple(map(str, key)))


def _rows(connection: Connection, name: str, schema: str | None, columns: Columns) -> list[dict[str, Any]]:
    """A few rows as texts, as the load gets them; bytes are left out."""
    plain = [column for column, form in columns.items() if not isinstance(form, sa.LargeBinary)]
    table = sa.table(name, *(sa.column(column) for column in plain), schema=schema)
    chosen = [sa.cast(table.c[column], sa.Text).label(column) for column in plain]
    return [dict(row._mapping) for row in connection.execute(sa.select(*chosen).select_from(table).limit(ROWS))]


def _tables(connection: Connection) -> str:
    inspector = sa.inspect(connection)
    return ", ".join([*inspector.get_table_names(), *inspector.get_view_names()][:20]) or "none that we may see"


def _type(form: Any) -> str | None:
    if str(form).upper() == "TINYINT(1)" or getattr(form, "display_width", None) == 1:
        return "boolean"
    return next((kind for of, kind in _TYPES if isinstance(form, of)), None)
