"""Fill derived tables by service day: only days that are computed, written only where they came out otherwise.

The engine asks for a day right before it computes the day's indicators. A run that dies between the two leaves rows
that the next run replaces: the marks of changed days stay until the indicators are written.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from cityhub import log
from cityhub.errors import Stop
from cityhub.settings import Settings
from indicators import derived
from indicators.derived import Derived
from indicators.limit import bound
from indicators.period import Period
from warehouse import lake
from warehouse.names import identifier
from warehouse.tables import stored_types

_log = log.get("cityhub.indicators")


def refresh(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    period: Period,
    *,
    tables: Iterable[str],
    absent: set[str],
    idle: Iterable[str] = (),
) -> dict[str, Stop]:
    """Bring the day's rows of every derived table that reads one of `tables` up to date, in one commit; `idle` ones are
    known to be so.

    Gives the tables that could not be made: they keep the rows they had, no value may come from them, and the
    others are done.
    """
    asked = set(tables)
    errors: dict[str, Stop] = {}
    changed: list[tuple[Derived, dict[str, str]]] = []
    for table in derived.read_all().values():
        if not asked & set(table.reads) or table.table in idle or {table.table, *table.reads} & absent:
            continue
        try:
            types = make(con, table, period)
        except Stop as error:
            errors[table.table] = error
            log.event(_log, "derived_failed", code=error.code, table=table.table)
            continue
        if _differs(con, table, period, types):
            changed.append((table, types))
    if changed:
        names = ", ".join(table.table for table, _ in changed)
        with lake.write(con, settings, f"derived {period.name}: {names}"):
            for table, types in changed:
                replace(con, table, period, types)
    return errors


def make(con: duckdb.DuckDBPyConnection, table: Derived, period: Period) -> dict[str, str]:
    """The day's rows as the temporary table `made_<table>`; gives the table's columns beside `service_day` with their
    types. Raises `Stop` CH-IND-003 when the SQL cannot be run."""
    types = {name: kind for name, kind in stored_types(con, table.table).items() if name != "service_day"}
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_made(table)} AS {table.sql}", bound(table.sql, period, table.limits)
        )
        con.execute(f"SELECT {', '.join(map(identifier, types))} FROM {_made(table)} LIMIT 0")
    except duckdb.Error as error:
        detail = str(error).splitlines()[0]
        raise Stop("CH-IND-003", indicator=table.table, detail=detail, period=period.name) from error
    return types


def replace(con: duckdb.DuckDBPyConnection, table: Derived, period: Period, types: Iterable[str]) -> None:
    """Put the made rows in place of the day's, inside the caller's transaction."""
    name = identifier(table.table)
    columns = ", ".join(map(identifier, types))
    con.execute(f"DELETE FROM lake.main.{name} WHERE service_day = $day", {"day": period.first})
    con.execute(
        f"INSERT INTO lake.main.{name} (service_day, {columns})"
        f" SELECT $day, {columns} FROM {_made(table)} ORDER BY {', '.join(map(identifier, table.key))}",
        {"day": period.first},
    )


def _made(table: Derived) -> str:
    return identifier(f"made_{table.table}")


def _differs(con: duckdb.DuckDBPyConnection, table: Derived, period: Period, types: dict[str, str]) -> bool:
    made = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in types.items())
    held = ", ".join(map(identifier, types))
    new, old = f"(SELECT {made} FROM {_made(table)})", "(SELECT * FROM held)"
    row = con.execute(
        f"WITH held AS (SELECT {held} FROM lake.main.{identifier(table.table)} WHERE service_day = $day)"
        f" SELECT EXISTS ({new} EXCEPT ALL {old}) OR EXISTS ({old} EXCEPT ALL {new})",
        {"day": period.first},
    ).fetchone()
    return bool(row and row[0])
