"""Compute indicators: a day, a month so far, and what late rows changed.

Every definition × unit in scope × period gets a row. A run reads one snapshot and writes only rows that
changed, in one transaction, together with the marks of changed days that it has dealt with: a second run
writes nothing. A definition that fails leaves the others alone.

A month is provisional when any of its days up to `as_of` lacks a delivery, counted from the first delivery
that the feed ever made: a fresh installation is not to blame for the days before it existed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb

from cityhub import log
from cityhub.clock import month_of
from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_good
from indicators import definitions as catalogue
from indicators import delivered, derive, derived, dirty, kept, month, restated, run, store, views
from indicators.definitions import Definition
from indicators.delivered import Deliveries, Standing
from indicators.period import Period, around, of_day, of_month
from indicators.restated import Cause
from indicators.run import ASSESSED, COUNTY, Sums
from indicators.summary import Summary, merge
from indicators.values import Value, carry, settle
from warehouse import lake

_log = log.get("cityhub.indicators")
_UNITS = """
SELECT kind, unit_code FROM unit
WHERE (valid_from IS NULL OR valid_from < $end) AND (valid_to IS NULL OR valid_to >= $first)
ORDER BY sort, unit_code
"""


@dataclass
class Work:
    """One connection with the definitions, their views and the specs that fill the tables."""

    con: duckdb.DuckDBPyConnection
    settings: Settings
    definitions: dict[str, Definition]
    specs: dict[str, FeedSpec]
    absent: set[str]
    errors: list[str]
    plan: str | None = None
    facts: set[str] = field(default_factory=set)  # canonical tables that definitions read
    broken: dict[str, Stop] = field(default_factory=dict)  # derived tables that could not be made


def compute_day(settings: Settings, day: date, *, folder: Path = catalogue.FOLDER) -> Summary:
    """All indicators of one service day, hours included, from what the warehouse holds now. `folder` holds the
    definitions, of all four functions."""
    with _open(settings, folder) as work:
        return _day(work, day)


def compute_month(settings: Settings, name: str, as_of: date, *, folder: Path = catalogue.FOLDER) -> Summary:
    """All indicators of the month `2026-11` from its first day to `as_of`; days must have been computed."""
    with _open(settings, folder) as work:
        kept.keep(work.con, work.facts)
        inside = {day for day in dirty.known_days(work.con) | {as_of} if month_of(day) == name}
        return _compute(work, _long(work, name, as_of, inside), set(work.definitions), [])


def compute_dirty(settings: Settings, *, folder: Path = catalogue.FOLDER) -> Summary:
    """Recompute the days that late rows changed, and their months, then clear the marks."""
    with _open(settings, folder) as work:
        return _dirty(work)


def compute_night(settings: Settings, day: date, *, folder: Path = catalogue.FOLDER) -> Summary:
    """The whole of a night on one connection: the day, days changed by late rows, the month so far."""
    with _open(settings, folder) as work:
        # A month that already reached this day is restated by another run; one that grows by a day is not.
        again = _cause(work, dirty.marks(work.con)) if day in dirty.known_days(work.con) else None
        parts = [_day(work, day), _dirty(work)]
        parts.append(_compute(work, _long(work, month_of(day), day, {day}), set(work.definitions), [], again))
        return merge(parts)


def compute_again(
    settings: Settings,
    days: Iterable[date] = (),
    *,
    tables: set[str] | None = None,
    codes: set[str] | None = None,
    folder: Path = catalogue.FOLDER,
    plan: str | None = None,
) -> Summary:
    """Days that have values, computed again, and their months, with all that late rows changed.

    `tables`: the definitions that read one of these canonical tables or the hub's own; `codes`: these definitions
    also; neither: all. `plan` stands beside what comes out otherwise in the table `restatement`.
    """
    with _open(settings, folder) as work:
        work.plan = plan
        every = set(work.definitions)
        if tables is not None or codes is not None:
            reading = (tables or set()) | (catalogue.HUB_TABLES if tables else set())
            every = {code for code, item in work.definitions.items() if reading & set(item.reads())} | (codes or set())
        return _dirty(work, dict.fromkeys(set(days) & dirty.known_days(work.con), every))


@contextmanager
def _open(settings: Settings, folder: Path) -> Iterator[Work]:
    found = catalogue.read_all(folder)
    with lake.lock(settings, "indicators"):
        con = lake.connect(settings)
        try:
            facts = {table for item in found.values() for table in item.reads()}
            facts |= {name for table in derived.read_all().values() for name in table.reads}
            absent = views.create(con, facts | derived.REFERENCE_TABLES | set(derived.read_all()))
            yield Work(con, settings, found, _specs(settings), absent, [], facts=facts - catalogue.HUB_TABLES)
        finally:
            con.close()


def _specs(settings: Settings) -> dict[str, FeedSpec]:
    """Specs that can be read; a broken one costs its own indicators (no feed fills their table) only."""
    specs, errors = read_good(settings.feeds)
    for error in errors:
        log.event(_log, "spec_skipped", code=error.code, file=error.place.get("file"))
    return specs


def _day(work: Work, day: date) -> Summary:
    marks = [mark for mark in _marks(work) if mark.day == day]
    return _compute(work, [of_day(day)], set(work.definitions), marks, _cause(work, marks))


def _dirty(work: Work, more: dict[date, set[str]] | None = None) -> Summary:
    """Days that late rows changed, and `more`: day → codes."""
    marks = _marks(work)
    plan = dirty.plan(work.con, work.definitions, marks)
    for day, codes in (more or {}).items():
        plan.setdefault(day, set()).update(codes)
    cause = _cause(work, marks)
    parts: list[Summary] = []
    for day, codes in sorted(plan.items()):
        moved = None if day in (more or {}) else {mark.table_name for mark in marks if mark.day == day}
        parts.append(_compute(work, [of_day(day)], codes, [], cause, moved=moved))
    months: dict[str, set[str]] = {}
    for day, codes in plan.items():
        months.setdefault(month_of(day), set()).update(codes)
    for name, codes in sorted(months.items()):
        inside = {day for day in plan if month_of(day) == name}
        parts.append(_compute(work, _long(work, name, dirty.last_day(work.con, name), inside), codes, [], cause))
    parts.append(_compute(work, [], set(), marks))
    return merge(parts)


def _marks(work: Work) -> list[dirty.Mark]:
    """The changed days, and the small tables as they stand after them."""
    marks = dirty.marks(work.con)
    kept.keep(work.con, work.facts)
    return marks


def _long(work: Work, name: str, as_of: date, days: set[date]) -> list[Period]:
    """The month up to a day, and the weeks, quarter, year and season of `days`, as far as they are computed."""
    return [of_month(name, as_of), *around(days, dirty.known_days(work.con) | {as_of})]


def _cause(work: Work, marks: list[dirty.Mark]) -> Cause:
    return restated.cause(
        dirty.causes(work.definitions, marks, dirty.known_days(work.con), dirty.carried_days(work.con)), work.plan
    )


def _compute(
    work: Work,
    periods: list[Period],
    codes: set[str],
    marks: list[dirty.Mark],
    cause: Cause | None = None,
    *,
    moved: set[str] | None = None,
) -> Summary:
    """The values of these codes; `moved`: the canonical tables whose rows of this day changed, where that is known."""
    wanted = [work.definitions[code] for code in sorted(codes)]
    values: list[Value] = []
    read = {table for item in wanted for table in item.reads()}
    work.broken = {}
    for period in periods:
        if period.kind == "day":
            idle = set() if moved is None else derived.idle({name for item in wanted for name in item.derived}, moved)
            work.broken |= derive.refresh(work.con, work.settings, period, tables=read, absent=work.absent, idle=idle)
    work.errors = [error.text() for error in work.broken.values()]
    work.con.execute("BEGIN")  # one snapshot for all definitions
    try:
        for period in periods:
            values += _values(work, wanted, period)
        changed = store.changed(work.con, values)
        new = store.changed_definitions(work.con, wanted)
    finally:
        work.con.execute("COMMIT")
    if changed or new or marks:
        name = ", ".join(period.name for period in periods) or "late rows"
        with lake.write(work.con, work.settings, f"indicators {name}"):
            store.put_definitions(work.con, new)
            if changed:
                store.put(work.con, changed, cause)
            dirty.clear(work.con, marks)
    states = Counter(value.state for value in values)
    for period in periods:
        log.event(_log, "indicators", interval=period.name, rows=len(values), changed=len(changed), **states)
    return Summary(
        tuple(period.name for period in periods),
        len(values),
        len(changed),
        dict(states),
        tuple(sorted({v.code for v in values if v.state == "missing" and v.period_kind != "hour"})),
        tuple(work.errors),
    )


def _values(work: Work, wanted: list[Definition], period: Period) -> list[Value]:
    asked = [item for item in wanted if period.kind in {"day", "month", *item.grain.time}]
    if not asked:
        return []
    units: dict[str, list[str]] = {}
    for kind, code in work.con.execute(_UNITS, {"first": period.first, "end": period.end}).fetchall():
        units.setdefault(kind, []).append(code)
    if not units:
        raise Stop("CH-IND-005")
    ledger = delivered.read(work.con, work.specs, period.first, period.end)
    stored = month.Stored() if period.kind == "day" else month.read(work.con, period)
    values: list[Value] = []
    for definition in asked:
        scope = {kind: units.get(kind, []) for kind in (*definition.unit_columns, COUNTY)}
        values += _definition(work, definition, period, ledger=ledger, stored=stored, scope=scope)
    return values


def _definition(
    work: Work,
    definition: Definition,
    period: Period,
    *,
    ledger: Deliveries,
    stored: month.Stored,
    scope: dict[str, list[str]],
) -> list[Value]:
    standing = ledger.standing(definition, period)
    if lacking := [table for table in (*definition.reads(), *definition.derived) if table in work.absent]:
        standing = replace(standing, missing=f"the table {lacking[0]} does not exist")
    if broken := [work.broken[table] for table in definition.derived if table in work.broken]:
        standing = replace(standing, missing=f"{broken[0].code}: {broken[0].part('why')}")
    if standing.carried and not standing.missing:
        return _carried(work, definition, period, scope=scope, standing=standing)
    whole: dict[str, list[Sums]] = {}
    hours: dict[str, list[Sums]] = {}
    if not standing.missing:
        try:
            if period.kind != "day" and definition.roll_up == "sum":
                by_unit, standing = month.of_days(stored, definition, period, ledger, standing=standing)
                for kind, units in scope.items():
                    of_kind = units if kind in ASSESSED else [unit for unit in by_unit if unit.startswith(f"{kind}:")]
                    whole[kind] = [by_unit[unit] for unit in of_kind if unit in by_unit]
            else:
                if definition.hour_sql and period.kind == "day":
                    hours = run.sums(work.con, definition, definition.hour_sql, period)
                whole = run.by_unit(hours)
                if definition.sql:
                    whole = run.sums(work.con, definition, definition.sql, period)
        except Stop as error:
            work.errors.append(error.text())
            log.event(_log, "definition_failed", code=error.code, indicator=definition.code)
            standing = replace(standing, missing=f"{error.code}: {error.part('why')}")
            whole = hours = {}
    values = list(_rows(definition, period.kind, period.name, scope=scope, found=whole, standing=standing))
    if definition.hour_sql and period.kind == "day":
        for hour in range(24):
            name = f"{period.name}T{hour:02d}"
            of_hour = {kind: [row for row in rows if row.hour == hour] for kind, rows in hours.items()}
            values += _rows(definition, "hour", name, scope=scope, found=of_hour, standing=standing)
    return values


def _carried(
    work: Work, definition: Definition, period: Period, *, scope: dict[str, list[str]], standing: Standing
) -> list[Value]:
    """The day's values are those of the last good day, marked; a unit without one there, and every hour, is missing."""
    earlier = store.of_day(work.con, definition.code, str(standing.carried))
    gone = replace(standing, missing=f"{standing.provisional}, which has no value")
    missing = _rows(definition, period.kind, period.name, scope=scope, found={}, standing=gone)
    values = [carry(earlier.get(value.unit_code), value, standing) for value in missing]
    if definition.hour_sql:
        gone = replace(standing, missing=f"{standing.provisional}; hours are not carried forward")
        for hour in range(24):
            values += _rows(definition, "hour", f"{period.name}T{hour:02d}", scope=scope, found={}, standing=gone)
    return values


def _rows(
    definition: Definition,
    kind: str,
    name: str,
    *,
    scope: dict[str, list[str]],
    found: dict[str, list[Sums]],
    standing: Standing,
) -> Iterator[Value]:
    for unit_kind, units in scope.items():
        rows = found.get(unit_kind, [])
        by_unit = {row.unit: row for row in rows}
        # Things have a row where rows name them; nobody knows which ones are missing.
        for unit in units if unit_kind in ASSESSED else sorted(unit for unit in by_unit if unit is not None):
            sums = (rows[0] if rows else None) if unit_kind == COUNTY else by_unit.get(unit)
            yield settle(definition, unit, kind, name, sums=sums, standing=standing)
