"""Days that a load changed after their indicators were computed, and what must be computed again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import duckdb

from cityhub.clock import month_bounds
from indicators import derived
from indicators.definitions import Definition

_MARKS = "SELECT DISTINCT table_name, service_day, load_id FROM dirty_day ORDER BY ALL"
_KNOWN = "SELECT DISTINCT period FROM indicator_value WHERE period_kind = 'day'"
_CARRIED = """
SELECT DISTINCT code, period FROM indicator_value
WHERE period_kind = 'day' AND contains(reason, 'carried forward since')
"""
_STAGE = (
    "CREATE OR REPLACE TEMP TABLE marks AS SELECT unnest(from_json($rows,"
    ' \'[{"table_name":"VARCHAR","day":"DATE","load_id":"VARCHAR"}]\'), recursive := true)'
)
_CLEAR = """
DELETE FROM dirty_day d WHERE EXISTS (
    SELECT 1 FROM marks m
    WHERE m.table_name = d.table_name AND m.day = d.service_day AND m.load_id = d.load_id)
"""


@dataclass(frozen=True)
class Mark:
    """One load changed one day of one canonical table."""

    table_name: str
    day: date
    load_id: str


def marks(con: duckdb.DuckDBPyConnection) -> list[Mark]:
    """All marks that no run has dealt with."""
    return [Mark(*row) for row in con.execute(_MARKS).fetchall()]


def clear(con: duckdb.DuckDBPyConnection, done: list[Mark]) -> None:
    """Remove these marks and no newer ones, inside the caller's transaction."""
    if not done:
        return
    rows = [asdict(mark) | {"day": mark.day.isoformat()} for mark in done]
    con.execute(_STAGE, {"rows": json.dumps(rows)})
    con.execute(_CLEAR)


def plan(con: duckdb.DuckDBPyConnection, definitions: dict[str, Definition], found: list[Mark]) -> dict[date, set[str]]:
    """Day → codes to compute again. Only days that have values already: a day not computed yet takes its rows
    when its turn comes. A counter's delta reaches into the next day. Where rows count on the day of an event
    of theirs, all later computed days of the month may have changed with them. A day whose value is carried forward
    follows the days before it."""
    todo: dict[date, set[str]] = {}
    for day, code in causes(definitions, found, known_days(con), carried_days(con)):
        todo.setdefault(day, set()).add(code)
    return todo


def known_days(con: duckdb.DuckDBPyConnection) -> set[date]:
    """Days that have values."""
    return {date.fromisoformat(row[0]) for row in con.execute(_KNOWN).fetchall()}


def carried_days(con: duckdb.DuckDBPyConnection) -> dict[str, set[date]]:
    """Code → days whose value is that of an earlier day."""
    carried: dict[str, set[date]] = {}
    for code, day in con.execute(_CARRIED).fetchall():
        carried.setdefault(code, set()).add(date.fromisoformat(day))
    return carried


def causes(
    definitions: dict[str, Definition], found: list[Mark], known: set[date], carried: Mapping[str, set[date]]
) -> dict[tuple[date, str], set[str]]:
    """(computed day, code) → the loads that changed rows behind it."""
    loads: dict[tuple[date, str], set[str]] = {}
    for mark in found:
        for definition in definitions.values():
            if mark.table_name not in definition.reads():
                continue
            if definition.by == "event":
                end = month_bounds(f"{mark.day:%Y-%m}")[1]
                days = {day for day in known if mark.day <= day < end}
            else:
                days = {mark.day, *_next(definition, mark.day)} & known
            days |= {day for day in carried.get(definition.code, set()) if day > mark.day}
            for day in days:
                loads.setdefault((day, definition.code), set()).add(mark.load_id)
    return loads


def _next(definition: Definition, day: date) -> set[date]:
    looks_back = any("$day_before" in text for _, text in definition.statements())
    looks_back = looks_back or derived.looks_back(definition.derived)
    return {day + timedelta(days=1)} if looks_back else set()


def last_day(con: duckdb.DuckDBPyConnection, month: str) -> date:
    """The last computed day of a month, to which its month values reach."""
    days = [row[0] for row in con.execute(_KNOWN).fetchall() if row[0].startswith(month)]
    return date.fromisoformat(max(days)) if days else month_bounds(month)[0]
