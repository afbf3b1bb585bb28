"""From an entry of the inputs file to what the engine reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from cityhub.clock import SHANGHAI
from cityhub.errors import Usage
from scoring.numbers import number, text
from scoring.result import Event, Settled, Step, UnitInput, Value, Violation
from scoring.scheme import Scheme
from scoring.switches import Choices
from scoring.whatif import names
from scoring.whatif.file import Entries, Entry, EventIn, Number, UnitIn, ViolationIn


def entries(given: Entries, unit: str) -> dict[str, Entry]:
    """Period → entry, from a mapping or a list; a bare number is a score that is there already."""
    if isinstance(given, dict):
        return {name: item if isinstance(item, Entry) else _bare(item) for name, item in given.items()}
    found: dict[str, Entry] = {}
    for item in given:
        if item.period in found:
            raise Usage("CH-SCORE-004", problem=f"{item.period} stands twice", unit=unit)
        found[item.period] = item
    return found


def _bare(score: Number) -> Entry:
    """A score alone; without one the period is there and everything in it is missing."""
    return Entry(components={}) if score is None else Entry(score=score)


def unit_input(scheme: Scheme, unit: UnitIn, entry: Entry, choices: Choices) -> UnitInput:
    """One unit in one period."""
    whose = names.league(scheme, entry.league or unit.league, unit.unit)
    if entry.score is not None and entry.components is not None:
        raise Usage("CH-SCORE-004", problem="a score and components: one of them is too many", unit=unit.unit)
    given = names.components(scheme, entry.components or {}, unit.unit)
    violations = unit.violations
    return UnitInput(
        unit=unit.unit,
        league=whose,
        name=unit.name,
        components={name: _value(value, name, unit.unit) for name, value in given.items()},
        events=tuple(event(item) for item in entry.events),
        violations=None if violations is None else tuple(_violation(scheme, item, unit.unit) for item in violations),
        settled=_settled(entry.score, unit.unit),
        persons=unit.persons,
    )


def event(given: EventIn) -> Event:
    """An event of the engine."""
    return Event(given.rule, given.level, given.count, given.event_id, given.date, given.evidence, given.note)


def _value(value: Number | dict[str, Number], name: str, unit: str) -> Value | Mapping[str, Value]:
    if isinstance(value, dict):
        return {
            member: None if item is None else number(item, field=f"{name}.{member}", unit=unit)
            for member, item in value.items()
        }
    return None if value is None else number(value, field=name, unit=unit)


def _settled(score: Number, unit: str) -> Settled | None:
    if score is None:
        return None
    value = number(score, field="score", unit=unit)
    return Settled(value, steps=(Step("given", "成绩由输入文件给出", {}, text(value) or ""),))


def _violation(scheme: Scheme, given: ViolationIn, unit: str) -> Violation:
    if scheme.ledger is None:
        raise Usage("CH-SCORE-004", problem=f"scheme {scheme.scheme} has no ledger of violations", unit=unit)
    kind = names.resolve("violation", scheme.ledger.violations, given.type, unit)
    owner = next(item.owner for item in scheme.ledger.violations if item.id == kind)
    by = owner if given.reporter is None else names.resolve("reporter", scheme.ledger.reporters, given.reporter, unit)
    points = None if given.points is None else number(given.points, field=f"points of {kind}", unit=unit)
    if points is not None and points < 0:
        raise Usage("CH-SCORE-004", problem=f"points of {kind} are taken: write them over 0", unit=unit)
    return Violation(kind, given.plate.strip(), _local(given.at), by, given.id, points)


def _local(at: dt.datetime) -> dt.datetime:
    """Local time; one without a zone is local already."""
    return at if at.tzinfo is None else at.astimezone(SHANGHAI).replace(tzinfo=None)
