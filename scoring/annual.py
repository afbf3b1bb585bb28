"""The year: mean of the months; grade, rank and prizes come from the engine. Pure, like the month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from scoring import period
from scoring.engine import compute
from scoring.numbers import exact, plain, quotient, rounded, text
from scoring.result import Consequence, Inputs, MonthScore, Place, Settled, Step, UnitInput, UnitResult
from scoring.scheme import Scheme
from scoring.switches import Choices


@dataclass(frozen=True)
class YearResult:
    """A unit's year. `months` are those that the mean is over; `score` is None where twelve are wanted."""

    unit: str
    league: str
    year: str
    months: tuple[str, ...]
    score: Decimal | None
    grade: str | None
    place: Place | None
    consequences: tuple[Consequence, ...]
    money_yuan: Decimal
    trace: tuple[Step, ...]


def compute_year(
    scheme: Scheme,
    year: str,
    months: Mapping[str, tuple[MonthScore, ...]],
    switches: Mapping[str, str] | None = None,
) -> list[YearResult]:
    """Annual results from the months `YYYY-MM` of the year; months that are not final do not count."""
    choices = scheme.choices(dict(switches or {}))
    means = annual_means(scheme, year, months, choices)
    units = tuple(UnitInput(unit, mean.league, {}, settled=mean.settled) for unit, mean in means.items())
    return [
        _year(result, means[result.unit].months)
        for result in compute(scheme, Inputs(year, units, dict(switches or {})))
    ]


@dataclass(frozen=True)
class Mean:
    """A unit's annual mean, ready to be judged."""

    league: str
    months: tuple[str, ...]
    settled: Settled


def annual_means(
    scheme: Scheme, year: str, months: Mapping[str, tuple[MonthScore, ...]], choices: Choices
) -> dict[str, Mean]:
    """unit → its mean, for units with a final month in the year; the league is that of the newest month."""
    of_unit: dict[str, dict[str, MonthScore]] = {}
    for month in sorted(name for name in months if name.startswith(f"{year}-")):
        for item in months[month]:
            if item.final:
                of_unit.setdefault(item.unit, {})[month] = item
    with exact():
        return {
            unit: Mean(found[max(found)].league, tuple(found), _settled(scheme, found, choices))
            for unit, found in of_unit.items()
        }


def _settled(scheme: Scheme, found: Mapping[str, MonthScore], choices: Choices) -> Settled:
    mean = _mean(found, choices)
    step = Step(
        rule="annual_mean",
        what=f"年度考核成绩=月度考核成绩平均值，{len(found)} 个月",
        inputs={month: text(item.score) or "" for month, item in found.items()},
        result=text(mean) or "月份不齐，暂无",
        clause=scheme.annual_clause,
        switch="，".join(choices.cite(name) for name in ("annual_months", "annual_basis", "annual_mean")),
    )
    if mean is None:
        return Settled(None, "provisional", f"只有 {len(found)} 个月，须满十二个月", (step,))
    return Settled(mean, steps=(step,))


def _mean(found: Mapping[str, MonthScore], choices: Choices) -> Decimal | None:
    way = choices["annual_months"]
    if way == "all_twelve" and len(found) < 12:
        return None
    basis, decimals = choices["annual_basis"].split("_")
    values = {
        month: item.raw if basis == "raw" and item.raw is not None else item.score for month, item in found.items()
    }
    if decimals == "rounded":
        values = {month: rounded(value) for month, value in values.items()}
    weights = {month: Decimal(period.days(month) if choices["annual_mean"] == "by_days" else 1) for month in values}
    whole = Decimal(12) if way == "missing_as_zero" else sum(weights.values(), Decimal(0))
    mean = quotient(sum((weights[month] * value for month, value in values.items()), Decimal(0)), whole)
    if choices["event_points"] == "annual_only":
        mean += sum((item.event_points for item in found.values()), Decimal(0))
    return plain(mean)


def _year(result: UnitResult, months: tuple[str, ...]) -> YearResult:
    return YearResult(
        unit=result.unit,
        league=result.league,
        year=result.period,
        months=months,
        score=result.score,
        grade=result.grade,
        place=result.place,
        consequences=result.consequences,
        money_yuan=result.money_yuan,
        trace=result.trace,
    )
