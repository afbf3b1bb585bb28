"""What follows from the result of a whole group or from a grade: prizes, deposits, money by rank, listings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from scoring import rank
from scoring.numbers import plain, text
from scoring.period import Kind
from scoring.result import Consequence, Place, Step
from scoring.rules import (
    AmountTrigger,
    AnnualTrigger,
    ConsequenceRule,
    DepositTrigger,
    FlagTrigger,
    GradeTrigger,
    PlaceTrigger,
)
from scoring.scheme import Grade, Scheme
from scoring.switches import Choices

FEN = Decimal("0.01")
ZERO = Decimal(0)
Fired = dict[tuple[str, str], Consequence]


@dataclass(frozen=True)
class Standing:
    """A unit's result as consequences see it."""

    league: str
    score: Decimal
    place: Place
    grade: Grade | None
    first_and_best_grade: bool
    last_and_failed: bool
    final: bool
    flags: frozenset[str] = frozenset()
    persons: int = 1


def due(rule: ConsequenceRule, kind: Kind, choices: Choices) -> bool:
    """Whether a rule is asked at a period of that kind; a switch may move the first's cash to the year."""
    if (
        isinstance(rule.trigger, PlaceTrigger)
        and rule.cash_yuan is not None
        and choices["first_place_cash"] == "annual"
    ):
        return kind == "year"
    return rule.cadence in {kind, "any"}


def award(scheme: Scheme, kind: Kind, now: Mapping[str, Standing], choices: Choices) -> Fired:
    """(rule, unit) → what fires, for the rules that are not places or counters of one unit."""
    fired: Fired = {}
    for rule in scheme.consequences:
        if not due(rule, kind, choices):
            continue
        if isinstance(rule.trigger, AnnualTrigger):
            fired |= _annual_prizes(scheme, rule, rule.trigger, now, choices)
            continue
        for unit, standing in now.items():
            found = _single(scheme, rule, standing, choices)
            if found is not None:
                fired[rule.id, unit] = found
    return fired


def step(rule: ConsequenceRule, found: Consequence, choices: Choices) -> Step:
    """The line of the trace."""
    return Step(
        rule=rule.id,
        what="、".join(found.action) + (f"：{found.note}" if found.note else ""),
        inputs={},
        result=f"{text(found.money_yuan)} 元" if found.money_yuan else "执行",
        clause=rule.clause,
        switch="，".join(f"{name}={choices.by_id()[name]}" for name in rule.switches) or None,
    )


def _single(scheme: Scheme, rule: ConsequenceRule, standing: Standing, choices: Choices) -> Consequence | None:
    trigger, grade = rule.trigger, standing.grade
    if isinstance(trigger, GradeTrigger) and grade is not None and grade.id == trigger.grade:
        return _consequence(rule, ZERO, f"等次 {grade.title.zh}")
    if isinstance(trigger, FlagTrigger) and trigger.event in standing.flags:
        return _consequence(rule, ZERO, None)
    if isinstance(trigger, DepositTrigger) and grade is not None and standing.league in trigger.factors:
        return _deposit(rule, trigger, standing, grade)
    if isinstance(trigger, AmountTrigger):
        return _amount(scheme, rule, standing, choices)
    return None


def _deposit(rule: ConsequenceRule, trigger: DepositTrigger, standing: Standing, grade: Grade) -> Consequence:
    """`money_yuan` is what the result gives (bonus) or takes (the deposit that is kept), for all who paid."""
    deposit = trigger.amount_yuan * trigger.factors[standing.league]
    times = trigger.bonus.get(grade.id)
    each = -deposit if times is None else deposit * times
    said = "不予返还" if times is None else f"予以返还，另奖励 {text(each)} 元"
    note = f"等次 {grade.title.zh}，每人保证金 {text(deposit)} 元{said}，{standing.persons} 人"
    return _consequence(rule, plain(each * standing.persons), note)


def _amount(scheme: Scheme, rule: ConsequenceRule, standing: Standing, choices: Choices) -> Consequence | None:
    if choices["unset_values"] != "config_only":
        return None
    place = standing.place
    for rung in scheme.amounts.get(standing.league, []):
        if place.rank <= rung.to_rank:
            tied = f"，并列 {place.tied} 个单位" if place.tied > 1 else ""
            money = shared(rung.cash_yuan, place, choices)
            return _consequence(rule, money, f"第 {place.rank} 名，共 {place.size} 个单位{tied}")
    return None


def shared(money: Decimal, place: Place, choices: Choices) -> Decimal:
    """Full money for each of those who are tied, or an equal part where a switch says so."""
    if choices["ties"] == "competition_split" and place.tied > 1:
        return (money / place.tied).quantize(FEN, rounding=ROUND_DOWN)
    return money


def _annual_prizes(
    scheme: Scheme, rule: ConsequenceRule, trigger: AnnualTrigger, now: Mapping[str, Standing], choices: Choices
) -> Fired:
    """Prizes go down one table of all units (one 一等奖, two 二等奖 in the county). Where a tie needs more
    prizes than there are, the tied units are named and people decide: no money is computed for them."""
    eligible = {unit: standing.score for unit, standing in now.items() if standing.score >= trigger.min_score}
    prizes = [prize for prize in trigger.prizes for _ in range(prize.count)]
    if choices["annual_prizes"] == "none_unless_all" and len(eligible) < len(prizes):
        return {}
    fired: Fired = {}
    for score in sorted(set(eligible.values()), reverse=True):
        units = [unit for unit, mean in eligible.items() if mean == score]
        if choices["prize_gate"] == "first_needs_best" and prizes and prizes[0] == trigger.prizes[0]:
            best = rank.is_best(scheme, rank.grade(scheme, score, choices))
            prizes = prizes if best else [prize for prize in prizes if prize != trigger.prizes[0]]
        if not prizes:
            break
        offered = prizes[: len(units)]
        settled = len(offered) == len(units) and len({prize.title for prize in offered}) == 1
        for unit in units:
            if settled:
                fired[rule.id, unit] = _consequence(rule, offered[0].cash_yuan, None, offered[0].title)
            else:
                titles = "、".join(dict.fromkeys(prize.title for prize in offered))
                fired[rule.id, unit] = _consequence(rule, ZERO, f"{len(units)} 个单位并列，由人决定", titles)
        prizes = prizes[len(units) :]
    return fired


def _consequence(rule: ConsequenceRule, money: Decimal, note: str | None, title: str | None = None) -> Consequence:
    action = tuple(rule.action) if title is None else (title,)
    return Consequence(rule.id, rule.kind, action, rule.clause, money, rule.by, note)
