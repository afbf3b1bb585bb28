"""What follows from a month's result: places, money, counters through the year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from scoring import rank
from scoring.numbers import text
from scoring.result import Consequence, MonthScore, Place, Step
from scoring.scheme import ConsequenceRule, CountTrigger, PlaceTrigger, Scheme
from scoring.switches import Choices

FEN = Decimal("0.01")


@dataclass(frozen=True)
class Standing:
    """A unit's month as counters see it."""

    score: Decimal
    place: Place
    first_and_best_grade: bool
    last_and_failed: bool
    final: bool


def standings(scheme: Scheme, scores: Mapping[str, tuple[str, Decimal, bool]], choices: Choices) -> dict[str, Standing]:
    """unit → standing, from unit → (league, score, final)."""
    placed = rank.places({unit: (league, score) for unit, (league, score, _) in scores.items()}, choices)
    return {
        unit: Standing(
            score=score,
            place=placed[unit],
            first_and_best_grade=placed[unit].rank == 1 and rank.grade(scheme, score, choices).id == scheme.best_grade,
            last_and_failed=is_last(placed[unit], choices) and failed(scheme, score, choices),
            final=final,
        )
        for unit, (_, score, final) in scores.items()
    }


def is_last(place: Place, choices: Choices) -> bool:
    """Last of its group; a unit that is first as well counts as first, but for the literal reading."""
    return place.from_bottom == 1 if choices["groups"] == "separate_literal" else place.last


def failed(scheme: Scheme, score: Decimal, choices: Choices) -> bool:
    """不及格, by the line that the switch draws."""
    if choices["fail_line"] == "below_60":
        return score < scheme.literal_fail
    return rank.grade(scheme, score, choices).id == scheme.grades[-1].id


def of_earlier(
    scheme: Scheme, earlier: Mapping[str, tuple[MonthScore, ...]], choices: Choices
) -> dict[str, dict[str, Standing]]:
    """month → unit → standing, ranked again under the switches in force."""
    return {
        month: standings(scheme, {m.unit: (m.league, m.score, m.final) for m in scores}, choices)
        for month, scores in earlier.items()
    }


def fire(
    scheme: Scheme,
    unit: str,
    choices: Choices,
    *,
    period: str,
    now: Standing,
    earlier: Mapping[str, Mapping[str, Standing]],
    trace: list[Step],
) -> list[Consequence]:
    """The monthly rules that fire for a unit, in the scheme's order."""
    fired: list[tuple[Consequence, Step]] = []
    for rule in scheme.consequences:
        tied = ""
        if isinstance(rule.trigger, PlaceTrigger):
            why = _placed(scheme, rule, rule.trigger, now.place, choices)
            tied = f"并列 {now.place.tied} 个单位" if now.place.tied > 1 else ""
        elif isinstance(rule.trigger, CountTrigger):
            why = _counted(rule.trigger, unit, choices, period=period, now=now, earlier=earlier)
        else:
            continue
        if why is None:
            continue
        money = _money(rule, now.place, choices)
        consequence = Consequence(rule.id, rule.kind, tuple(rule.action), rule.clause, money, rule.by, tied or None)
        step = Step(
            rule=rule.id,
            what=f"{'、'.join(rule.action)}：{why}",
            inputs={"rank": str(now.place.rank), "of": str(now.place.size)},
            result=f"{text(money)} 元" if money else "执行",
            clause=rule.clause,
            switch="，".join(f"{name}={choices.by_id()[name]}" for name in rule.switches) or None,
        )
        fired.append((consequence, step))
    fired = _most_severe(scheme, fired, choices)
    trace.extend(step for _, step in fired)
    return [consequence for consequence, _ in fired]


def _placed(scheme: Scheme, rule: ConsequenceRule, trigger: PlaceTrigger, place: Place, choices: Choices) -> str | None:
    if rule.cash_yuan is not None and choices["first_place_cash"] == "annual":
        return None
    literal = choices["groups"] == "separate_literal"
    places = 1 if place.size < scheme.small_group and not literal else trigger.places
    top = place.rank <= places
    if trigger.side == "top":
        return f"第 {place.rank} 名，共 {place.size} 个单位" if top else None
    on_top = place.rank <= (1 if place.size < scheme.small_group else _top_places(scheme))
    if place.from_bottom > places or (on_top and not literal):
        return None
    return f"倒数第 {place.from_bottom} 名，共 {place.size} 个单位"


def _top_places(scheme: Scheme) -> int:
    """How many first places earn a reward: those units are not among the last as well."""
    return max(
        (rule.trigger.places for rule in scheme.consequences
         if isinstance(rule.trigger, PlaceTrigger) and rule.trigger.side == "top"),
        default=1,
    )  # fmt: skip


def _money(rule: ConsequenceRule, place: Place, choices: Choices) -> Decimal:
    if rule.cash_yuan is None:
        return Decimal(0)
    if choices["ties"] == "competition_split" and place.tied > 1:
        return (rule.cash_yuan / place.tied).quantize(FEN, rounding=ROUND_DOWN)
    return rule.cash_yuan


def previous(month: str) -> str:
    """The calendar month before, `2025-12` for `2026-01`."""
    year, number = (int(part) for part in month.split("-"))
    return f"{year - 1}-12" if number == 1 else f"{year}-{number - 1:02d}"


def _counted(
    trigger: CountTrigger,
    unit: str,
    choices: Choices,
    *,
    period: str,
    now: Standing,
    earlier: Mapping[str, Mapping[str, Standing]],
) -> str | None:
    reward = trigger.condition == "first_and_best_grade"
    if not getattr(now, trigger.condition):
        return None
    way = choices["reward_counting"] if reward else choices["penalty_counting"]
    rolling = not reward and way == "rolling_12_months"
    window = [month for month in _window(period, rolling) if month < period]

    def met(month: str) -> bool:
        standing = earlier.get(month, {}).get(unit)
        return standing is not None and bool(getattr(standing, trigger.condition))

    if trigger.consecutive or (reward and way == "consecutive"):
        months = [period]
        for _ in range(trigger.times - 1):
            before = previous(months[0])
            # Two running months are two running months over New Year as well only where the window rolls.
            if before not in window or not met(before):
                return None
            months.insert(0, before)
        return f"连续 {trigger.times} 次：{'、'.join(months)}"
    months = [month for month in window if met(month)] + [period]
    times = len(months)
    if reward and way == "cumulative_reset":
        fires = times % trigger.times == 0
    elif not reward and choices["repeat_penalties"] == "exactly":
        fires = times == trigger.times
    else:
        fires = times >= trigger.times
    return f"第 {times} 次：{'、'.join(months)}" if fires else None


def _window(period: str, rolling: bool) -> list[str]:
    """The months that count, the present one last: its calendar year, or twelve months."""
    months = [period]
    while len(months) < 12 and (rolling or not months[0].endswith("-01")):
        months.insert(0, previous(months[0]))
    return months


def _most_severe(
    scheme: Scheme, fired: list[tuple[Consequence, Step]], choices: Choices
) -> list[tuple[Consequence, Step]]:
    """Of the counted penalties only the last in the scheme's order, where the switch says so."""
    if choices["penalty_counting"] != "calendar_year_most_severe":
        return fired
    counted = {
        rule.id
        for rule in scheme.consequences
        if isinstance(rule.trigger, CountTrigger) and rule.trigger.condition == "last_and_failed"
    }
    worst = [item.rule for item, _ in fired if item.rule in counted][-1:]
    return [pair for pair in fired if pair[0].rule not in counted or pair[0].rule in worst]
