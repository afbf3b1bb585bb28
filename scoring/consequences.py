"""What follows from a unit's result: places, money, counters through the year."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from scoring import prizes, rank
from scoring.numbers import text
from scoring.period import Kind, kind
from scoring.prizes import Fired, Standing
from scoring.result import Consequence, MonthScore, Place, Step, UnitInput
from scoring.rules import CountTrigger, PlaceTrigger
from scoring.scheme import Scheme
from scoring.switches import Choices


def standings(
    scheme: Scheme,
    scores: Mapping[str, MonthScore],
    choices: Choices,
    kind: Kind = "month",
    found: Mapping[str, UnitInput] | None = None,
    flags: Mapping[str, frozenset[str]] | None = None,
) -> dict[str, Standing]:
    """unit → standing. `found`: what else is known of a unit; `flags`: findings that hold for it."""
    placed = rank.places({unit: (item.league, item.score) for unit, item in scores.items()}, choices)
    made: dict[str, Standing] = {}
    for unit, item in scores.items():
        marks = (flags or {}).get(unit, frozenset())
        band = rank.grade(scheme, item.score, choices, kind, marks)
        made[unit] = Standing(
            league=item.league,
            score=item.score,
            place=placed[unit],
            grade=band,
            first_and_best_grade=placed[unit].rank == 1 and rank.is_best(scheme, band),
            last_and_failed=is_last(placed[unit], choices) and failed(scheme, item.score, choices),
            final=item.final,
            flags=marks,
            persons=found[unit].persons if found and unit in found else 1,
        )
    return made


def is_last(place: Place, choices: Choices) -> bool:
    """Last of its group; a unit that is first as well counts as first, but for the literal reading."""
    return place.from_bottom == 1 if choices["groups"] == "separate_literal" else place.last


def failed(scheme: Scheme, score: Decimal, choices: Choices) -> bool:
    """不及格, by the line that the switch draws."""
    if choices["fail_line"] == "below_60":
        return scheme.literal_fail is not None and score < scheme.literal_fail
    band = rank.grade(scheme, score, choices)
    return band is not None and band.id == scheme.grades[-1].id


def of_earlier(
    scheme: Scheme, earlier: Mapping[str, tuple[MonthScore, ...]], choices: Choices
) -> dict[str, dict[str, Standing]]:
    """month → unit → standing, ranked again under the switches in force."""
    return {
        month: standings(scheme, {item.unit: item for item in scores}, choices) for month, scores in earlier.items()
    }


def fire(
    scheme: Scheme,
    unit: str,
    choices: Choices,
    *,
    period: str,
    now: Standing,
    earlier: Mapping[str, Mapping[str, Standing]],
    awarded: Fired,
    trace: list[Step],
) -> list[Consequence]:
    """The rules of the period that fire for a unit, in the scheme's order; `awarded`: those of whole groups."""
    fired: list[tuple[Consequence, Step]] = []
    for rule in scheme.consequences:
        if (rule.id, unit) in awarded:
            given = awarded[rule.id, unit]
            fired.append((given, prizes.step(rule, given, choices)))
            continue
        if not prizes.due(rule, kind(period), choices):
            continue
        tied = ""
        if isinstance(rule.trigger, PlaceTrigger):
            why = _placed(scheme, rule.trigger, now.place, choices)
            tied = f"并列 {now.place.tied} 个单位" if now.place.tied > 1 else ""
        elif isinstance(rule.trigger, CountTrigger):
            why = _counted(rule.trigger, unit, choices, period=period, now=now, earlier=earlier)
        else:
            continue
        if why is None:
            continue
        money = Decimal(0) if rule.cash_yuan is None else prizes.shared(rule.cash_yuan, now.place, choices)
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


def _placed(scheme: Scheme, trigger: PlaceTrigger, place: Place, choices: Choices) -> str | None:
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
