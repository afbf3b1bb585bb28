"""The year: mean of the months, grade, rank, prizes. Pure, like the month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from scoring import rank
from scoring.numbers import exact, plain, quotient, rounded, text
from scoring.result import Consequence, MonthScore, Place, Step
from scoring.scheme import AnnualTrigger, ConsequenceRule, Scheme
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
    with exact():
        of_unit: dict[str, dict[str, MonthScore]] = {}
        for month in sorted(name for name in months if name.startswith(f"{year}-")):
            for item in months[month]:
                if item.final:
                    of_unit.setdefault(item.unit, {})[month] = item
        means = {unit: _mean(found, choices) for unit, found in of_unit.items()}
        leagues = {unit: found[max(found)].league for unit, found in of_unit.items()}
        placed = rank.places({unit: (leagues[unit], mean) for unit, mean in means.items() if mean is not None}, choices)
        prizes = _prizes(scheme, means, placed, choices)
        return [
            _year(
                scheme,
                choices,
                unit=unit,
                league=leagues[unit],
                year=year,
                found=found,
                mean=means[unit],
                place=placed.get(unit),
                fired=prizes[unit],
            )
            for unit, found in of_unit.items()
        ]


def _mean(found: Mapping[str, MonthScore], choices: Choices) -> Decimal | None:
    way = choices["annual_months"]
    if way == "all_twelve" and len(found) < 12:
        return None
    basis, decimals = choices["annual_basis"].split("_")
    values = [(item.raw if basis == "raw" and item.raw is not None else item.score) for item in found.values()]
    if decimals == "rounded":
        values = [rounded(value) for value in values]
    mean = quotient(sum(values, Decimal(0)), Decimal(12 if way == "missing_as_zero" else len(values)))
    if choices["event_points"] == "annual_only":
        mean += sum((item.event_points for item in found.values()), Decimal(0))
    return plain(mean)


def _year(
    scheme: Scheme,
    choices: Choices,
    *,
    unit: str,
    league: str,
    year: str,
    found: Mapping[str, MonthScore],
    mean: Decimal | None,
    place: Place | None,
    fired: list[Consequence],
) -> YearResult:
    step = Step(
        rule="annual_mean",
        what=f"年度考核成绩=月度考核成绩平均值，{len(found)} 个月",
        inputs={month: text(item.score) or "" for month, item in found.items()},
        result=text(mean) or "月份不齐，暂无",
        clause="四、计分方式：年度考核成绩=月度考核成绩平均值",
        switch=f"{choices.cite('annual_months')}，{choices.cite('annual_basis')}",
    )
    return YearResult(
        unit=unit,
        league=league,
        year=year,
        months=tuple(found),
        score=mean,
        grade=None if mean is None else rank.grade(scheme, mean, choices).id,
        place=place,
        consequences=tuple(fired),
        money_yuan=sum((item.money_yuan for item in fired), Decimal(0)),
        trace=(
            step,
            *(Step(c.rule, "、".join(c.action), {}, text(c.money_yuan) or "", c.clause) for c in fired),
        ),
    )


def _prizes(
    scheme: Scheme, means: Mapping[str, Decimal | None], placed: Mapping[str, Place], choices: Choices
) -> dict[str, list[Consequence]]:
    given: dict[str, list[Consequence]] = {unit: [] for unit in means}
    for rule in scheme.consequences:
        if isinstance(rule.trigger, AnnualTrigger):
            _annual_prizes(scheme, rule, rule.trigger, means=means, given=given, choices=choices)
        elif rule.cash_yuan is not None and choices["first_place_cash"] == "annual":
            for unit, place in placed.items():
                if place.rank == 1:
                    given[unit].append(_prize(rule, rule.action[0], rule.cash_yuan, None))
    return given


def _annual_prizes(
    scheme: Scheme,
    rule: ConsequenceRule,
    trigger: AnnualTrigger,
    *,
    means: Mapping[str, Decimal | None],
    given: dict[str, list[Consequence]],
    choices: Choices,
) -> None:
    """Prizes go down one table of all units (one 一等奖, two 二等奖 in the county). Where a tie needs more
    prizes than there are, the tied units are named and people decide: no money is computed for them."""
    eligible = {unit: mean for unit, mean in means.items() if mean is not None and mean >= trigger.min_score}
    wanted = sum(prize.count for prize in trigger.prizes)
    if choices["annual_prizes"] == "none_unless_all" and len(eligible) < wanted:
        return
    order = sorted(set(eligible.values()), reverse=True)
    prizes = [prize for prize in trigger.prizes for _ in range(prize.count)]
    for score in order:
        units = [unit for unit, mean in eligible.items() if mean == score]
        if choices["prize_gate"] == "first_needs_best" and prizes and prizes[0] == trigger.prizes[0]:
            best = rank.grade(scheme, score, choices).id == scheme.best_grade
            prizes = prizes if best else [prize for prize in prizes if prize != trigger.prizes[0]]
        if not prizes:
            return
        offered = prizes[: len(units)]
        settled = len(offered) == len(units) and len({prize.title for prize in offered}) == 1
        for unit in units:
            if settled:
                given[unit].append(_prize(rule, offered[0].title, offered[0].cash_yuan, None))
            else:
                titles = "、".join(dict.fromkeys(prize.title for prize in offered))
                given[unit].append(_prize(rule, titles, Decimal(0), f"{len(units)} 个单位并列，由人决定"))
        prizes = prizes[len(units) :]


def _prize(rule: ConsequenceRule, title: str, money: Decimal, note: str | None) -> Consequence:
    return Consequence(rule.id, rule.kind, (title,), rule.clause, money, rule.by, note)
