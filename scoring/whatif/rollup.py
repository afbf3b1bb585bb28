"""Weeks into months, months into quarters, quarters into the year: each level is judged by the same engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from cityhub.errors import Usage
from scoring import period as periods
from scoring.engine import compute
from scoring.numbers import exact, quotient, text
from scoring.result import Inputs, Settled, State, Step, UnitInput, UnitResult
from scoring.scheme import Scheme
from scoring.switches import Choices
from scoring.whatif import names, units
from scoring.whatif.file import Case, Entry, UnitIn

Results = dict[str, tuple[UnitResult, ...]]


@dataclass(frozen=True)
class _Value:
    """A score that longer periods are made from: exact, so that equal means stay equal through every level."""

    score: Fraction | None
    state: State
    reason: str | None = None


@dataclass
class _Levels:
    """Everything of the file, by period and unit; results as they are made."""

    scheme: Scheme
    case: Case
    choices: Choices
    given: dict[str, dict[str, Entry]]
    results: Results = field(default_factory=dict)
    values: dict[tuple[str, str], _Value] = field(default_factory=dict)


def run(scheme: Scheme, case: Case, choices: Choices) -> tuple[tuple[UnitResult, ...], Results]:
    """The results of the period and of the periods that it is made from."""
    levels = _Levels(scheme, case, choices, {unit.unit: _given(unit, case) for unit in case.units})
    wanted = _needed(levels, case.period)
    for period in sorted(wanted, key=lambda name: (list(periods.SHAPES).index(periods.kind(name)), name)):
        _judge(levels, period)
    now = levels.results.pop(case.period)
    return now, levels.results


def _given(unit: UnitIn, case: Case) -> dict[str, Entry]:
    """What the file says of a unit, by week and month; its own entry is for the file's period."""
    if unit.since is not None and unit.until is not None and unit.until < unit.since:
        raise Usage("CH-SCORE-004", problem="until is before since", unit=unit.unit)
    found: dict[str, Entry] = {}
    for kind, entries in (("week", unit.weeks), ("month", unit.months)):
        for name, entry in units.entries(entries, unit.unit).items():
            if periods.kind(name) != kind:
                raise Usage("CH-SCORE-004", problem=f"{name} is not a {kind}", unit=unit.unit)
            found[name] = entry
    if unit.given or not found:
        if case.period in found:
            raise Usage("CH-SCORE-004", problem=f"{case.period} stands twice", unit=unit.unit)
        found[case.period] = unit
    return found


def _needed(levels: _Levels, period: str) -> set[str]:
    """The period and those below it that some unit has numbers for or that lie between."""
    kind = periods.kind(period)
    found = {period}
    if kind == "week":
        return found
    weeks = periods.weeks_of(period, levels.choices["week_month"])
    known = {name for entries in levels.given.values() for name in entries}
    found |= {week for week in weeks if week in known}
    if kind != "month":
        found |= set(periods.months_of(period))
    if kind == "year":
        found |= set(periods.quarters_of(period))
    return found


def _judge(levels: _Levels, period: str) -> None:
    """All units that are assessed in a period: their own numbers, or the mean of what it is made from."""
    made: list[UnitInput] = []
    for unit in levels.case.units:
        entry = levels.given[unit.unit].get(period)
        below = _parts(levels, period)
        if entry is not None:
            _no_twin(levels, unit, period)
            made.append(units.unit_input(levels.scheme, unit, entry, levels.choices))
        elif below and any(_expected(levels, unit, part) for part in below):
            value, settled = _mean(levels, unit, period, below)
            levels.values[period, unit.unit] = value
            league = names.league(levels.scheme, unit.league, unit.unit)
            made.append(UnitInput(unit.unit, league, {}, name=unit.name, settled=settled, persons=unit.persons))
    over = levels.case.complete or period != levels.case.period
    inputs = Inputs(period, tuple(_open(item, over) for item in made), dict(levels.choices.options), over)
    levels.results[period] = tuple(compute(levels.scheme, inputs))
    for result in levels.results[period]:
        score = None if result.score is None else Fraction(result.score)
        levels.values.setdefault((period, result.unit), _Value(score, result.state, result.reason))


def _open(unit: UnitInput, over: bool) -> UnitInput:
    if over or unit.settled is None:
        return unit
    settled = Settled(unit.settled.score, "provisional", unit.settled.reason or "本期未结束", unit.settled.steps)
    return UnitInput(unit.unit, unit.league, {}, name=unit.name, settled=settled, persons=unit.persons)


def _no_twin(levels: _Levels, unit: UnitIn, period: str) -> None:
    """Where a period is given and so is one inside it, one of the two would not count."""
    kind = periods.kind(period)
    inside = [] if kind == "week" else periods.weeks_of(period, levels.choices["week_month"])
    inside += [] if kind in {"week", "month"} else periods.months_of(period)
    for part in inside:
        if part in levels.given[unit.unit]:
            problem = f"{period} is given, and so is {part}, which belongs to it"
            raise Usage("CH-SCORE-004", problem=problem, unit=unit.unit)


def _parts(levels: _Levels, period: str) -> list[str]:
    """What a period is the mean of, under the switches in force."""
    kind, choices = periods.kind(period), levels.choices
    if kind == "month" or (kind == "quarter" and choices["quarter_basis"] == "weeks"):
        return periods.weeks_of(period, choices["week_month"])
    if kind == "quarter" or (kind == "year" and choices["year_basis"] == "months"):
        return periods.months_of(period)
    return periods.quarters_of(period) if kind == "year" else []


def _expected(levels: _Levels, unit: UnitIn, period: str) -> bool:
    """Whether a unit is assessed in a period: in a week when it is there all week, in a longer one when it is
    there in any of its weeks, or when the file has numbers for it."""
    if period in levels.given[unit.unit]:
        return True
    if periods.kind(period) != "week":
        weeks = periods.weeks_of(period, levels.choices["week_month"])
        months = [] if periods.kind(period) == "month" else periods.months_of(period)
        return any(_expected(levels, unit, part) for part in [*weeks, *months])
    first, after = periods.bounds(period)
    joined = unit.since is None or unit.since <= first
    return joined and (unit.until is None or unit.until >= after - timedelta(days=1))


def _mean(levels: _Levels, unit: UnitIn, period: str, parts: list[str]) -> tuple[_Value, Settled]:
    """The mean of the parts that are expected of a unit. One that has no score holds the period, or is left out
    and named, as the switch says."""
    expected = [part for part in parts if _expected(levels, unit, part)]
    values = {part: levels.values.get((part, unit.unit), _Value(None, "missing")) for part in expected}
    scores = {part: value.score for part, value in values.items() if value.score is not None}
    gaps = [part for part in expected if part not in scores]
    weak = [part for part, value in values.items() if value.score is not None and value.state != "ok"]
    reason = "；".join(
        said for said in (gaps and f"缺 {'、'.join(gaps)}", weak and f"暂定 {'、'.join(weak)}") if said
    ) or None  # fmt: skip
    held = not scores or (bool(gaps) and levels.choices["gaps"] == "hold")
    state: State = "missing" if not scores else "provisional" if gaps or weak else "ok"
    mean = None if held else sum(scores.values(), Fraction(0)) / len(scores)
    shown = None if mean is None else decimal(mean)
    step = Step(
        rule=periods.kind(period),
        what=f"{period}：{len(scores)} 期的平均，应有 {len(expected)} 期",
        inputs=_shown(values),
        result=text(shown) or "暂定，不出成绩",
        clause=levels.scheme.formula,
        switch="，".join(levels.choices.cite(name) for name in ("quarter_basis", "week_month", "gaps", "year_basis")),
    )
    return _Value(mean, state, reason), Settled(shown, state, reason, (step,))


def _shown(values: Mapping[str, _Value]) -> dict[str, str]:
    return {part: "" if value.score is None else text(decimal(value.score)) or "" for part, value in values.items()}


def decimal(value: Fraction) -> Decimal:
    """Exact where it ends, else half up at 16 places."""
    with exact():
        return quotient(Decimal(value.numerator), Decimal(value.denominator))
