"""Months that build on one another: counters through the year, and the year itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from cityhub.errors import Usage
from scoring import period as periods
from scoring import rank
from scoring.annual import Mean, annual_means
from scoring.engine import compute
from scoring.numbers import exact, quotient
from scoring.result import Consequence, Event, Inputs, MonthScore, Settled, UnitInput, UnitResult
from scoring.rules import CountTrigger
from scoring.scheme import Component, Scheme
from scoring.switches import Choices
from scoring.whatif import names, units
from scoring.whatif.file import Case, Entry, UnitIn

Months = dict[str, tuple[UnitResult, ...]]


def of_month(scheme: Scheme, case: Case, choices: Choices) -> tuple[tuple[UnitResult, ...], Months]:
    """A month, with the months before it that the file holds."""
    inputs = {unit.unit: _months(unit) for unit in case.units}
    for unit in case.units:
        mine = inputs[unit.unit]
        if unit.given and case.period in mine:
            raise Usage("CH-SCORE-004", problem=f"{case.period} stands twice", unit=unit.unit)
        if unit.given or unit.events or not mine:
            mine[case.period] = unit
    results = _in_order(scheme, case, choices, inputs)
    now = results.pop(case.period, ())
    return now, {month: found for month, found in results.items() if month < case.period}


def of_year(scheme: Scheme, case: Case, choices: Choices) -> tuple[tuple[UnitResult, ...], Months]:
    """A year: its months in order, then their mean, judged. A unit that joined late or was merged away has the
    months that it has."""
    inputs = {unit.unit: _months(unit) for unit in case.units}
    flags: dict[str, set[str]] = {unit.unit: set() for unit in case.units}
    for unit in case.units:
        if unit.components or unit.score is not None:
            raise Usage("CH-SCORE-004", problem=f"a year is made from months: {case.period}", unit=unit.unit)
        if not any(month.startswith(f"{case.period}-") for month in inputs[unit.unit]):
            raise Usage("CH-SCORE-004", problem=f"{unit.unit} has no months of {case.period}", unit=unit.unit)
        _spread_events(scheme, unit, inputs[unit.unit], flags[unit.unit], case.period)
    months = _in_order(scheme, case, choices, inputs, complete=True)
    of_the_year = {month: found for month, found in months.items() if month.startswith(f"{case.period}-")}
    scores = {month: _scores(found) for month, found in of_the_year.items()}
    means = annual_means(scheme, case.period, scores, choices)
    for name, found in _found_flags(scheme, of_the_year, choices).items():
        flags[name] |= found
    made: list[UnitInput] = []
    for unit in case.units:
        last = max(month for month in inputs[unit.unit] if month.startswith(f"{case.period}-"))
        league = names.league(scheme, inputs[unit.unit][last].league or unit.league, unit.unit)
        settled = _settled(unit.unit, means.get(unit.unit), of_the_year, case.complete)
        marked = frozenset(flags[unit.unit]) | _flags(scheme, unit.unit, of_the_year)
        made.append(
            UnitInput(unit.unit, league, {}, name=unit.name, settled=settled, flags=marked, persons=unit.persons)
        )
    results = compute(scheme, Inputs(case.period, tuple(made), dict(choices.options)))
    return tuple(_with_counters(scheme, result, of_the_year) for result in results), months


def _settled(unit: str, mean: Mean | None, months: Months, complete: bool) -> Settled:
    """A unit's mean; provisional while one of its months is, or while the year is not over."""
    settled = mean.settled if mean else Settled(None, "provisional", "没有最终的月度成绩")
    open_months = [
        f"{month} {result.reason or result.state}"
        for month, results in months.items()
        for result in results
        if result.unit == unit and result.state != "ok"
    ]
    reasons = [settled.reason, *open_months, None if complete else "本年未结束"]
    said = "；".join(reason for reason in reasons if reason)
    return replace(settled, state="provisional", reason=said) if said else settled


def _months(unit: UnitIn) -> dict[str, Entry]:
    found = units.entries(unit.months, unit.unit)
    for month in found:
        if periods.kind(month) != "month":
            raise Usage("CH-SCORE-004", problem=f"{month} is not a month", unit=unit.unit)
    return found


def _in_order(
    scheme: Scheme,
    case: Case,
    choices: Choices,
    inputs: Mapping[str, Mapping[str, Entry]],
    complete: bool = False,
) -> Months:
    """Month after month, each with those before it. `complete`: all of them are over."""
    results: Months = {}
    for month in sorted({month for entries in inputs.values() for month in entries}):
        if month > case.period and periods.kind(case.period) == "month":
            continue
        made = tuple(
            units.unit_input(scheme, unit, inputs[unit.unit][month], choices)
            for unit in case.units
            if month in inputs[unit.unit]
        )
        over = complete or case.complete or month != case.period
        earlier = {before: _scores(found) for before, found in results.items()}
        results[month] = tuple(compute(scheme, Inputs(month, made, dict(choices.options), over, earlier)))
    return results


def _scores(results: tuple[UnitResult, ...]) -> tuple[MonthScore, ...]:
    return tuple(
        MonthScore(item.unit, item.league, item.score, item.raw, item.event_points, item.state == "ok")
        for item in results
        if item.score is not None
    )


def _spread_events(scheme: Scheme, unit: UnitIn, months: dict[str, Entry], flags: set[str], year: str) -> None:
    """Events that stand beside a year go to the month of their date; a flag without one holds for the year."""
    kinds = {rule.id: rule.kind for rule in scheme.events}
    for given in unit.events:
        event: Event = units.event(given)
        scheme.event(event.rule)
        if event.on is None and kinds[event.rule] == "flag":
            flags.add(event.rule)
            continue
        month = None if event.on is None else f"{event.on:%Y-%m}"
        if month is None or month not in months:
            problem = f"event {event.event_id or event.rule} of {year} needs a date in one of the unit's months"
            raise Usage("CH-SCORE-004", problem=problem, unit=unit.unit)
        months[month] = months[month].model_copy(update={"events": [*months[month].events, given]})


def _flags(scheme: Scheme, unit: str, months: Months) -> frozenset[str]:
    known = {rule.id for rule in scheme.events if rule.kind == "flag"}
    return frozenset(
        item.event.rule
        for results in months.values()
        for result in results
        if result.unit == unit
        for item in result.events
        if item.event.rule in known and (item.event.on is None or periods.contains(result.period, item.event.on))
    )


def _found_flags(scheme: Scheme, months: Months, choices: Choices) -> dict[str, set[str]]:
    """Who lost most points of a component, on average over the months, in the unit's group."""
    found: dict[str, set[str]] = {}
    if choices["veto_source"] != "most_points_lost":
        return found
    for rule in scheme.events:
        if rule.component is None:
            continue
        lost = _lost(scheme, scheme.component(rule.component), months, choices)
        for group in {group for group, _ in lost.values()}:
            most = max(points for other, points in lost.values() if other == group)
            for unit, (other, points) in lost.items():
                if other == group and points == most > 0:
                    found.setdefault(unit, set()).add(rule.id)
    return found


def _lost(scheme: Scheme, component: Component, months: Months, choices: Choices) -> dict[str, tuple[str, Decimal]]:
    """unit → its group and the points that it lost of a component in a month of the mean."""
    points: dict[str, list[Decimal]] = {}
    groups: dict[str, str] = {}
    with exact():
        whole = (component.weight or Decimal(1)) * scheme.scale.max
        for results in months.values():
            for result in results:
                for part in result.components:
                    if part.component == component.id and part.points is not None and result.state == "ok":
                        points.setdefault(result.unit, []).append(whole - part.points)
                        groups[result.unit] = rank.group_of(result.league, choices)
        return {
            unit: (groups[unit], quotient(sum(values, Decimal(0)), Decimal(len(values))))
            for unit, values in points.items()
        }


def _with_counters(scheme: Scheme, result: UnitResult, months: Months) -> UnitResult:
    """What was counted through the year stands beside what the year itself brings; places stay with their month."""
    order = [rule.id for rule in scheme.consequences]
    counted: dict[str, list[str]] = {}
    first: dict[str, Consequence] = {}
    for rule in scheme.consequences:
        if not isinstance(rule.trigger, CountTrigger):
            continue
        for month, results in months.items():
            for item in (fired for r in results if r.unit == result.unit for fired in r.consequences):
                if item.rule == rule.id:
                    counted.setdefault(rule.id, []).append(month)
                    first.setdefault(rule.id, item)
    added = [replace(first[name], note="、".join(found)) for name, found in counted.items()]
    both = sorted([*result.consequences, *added], key=lambda item: order.index(item.rule))
    return replace(result, consequences=tuple(both))
