"""The score of a period: pure functions from a scheme and its inputs to results, each with its trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from cityhub.errors import Usage
from scoring import components, consequences, events, ledger, prizes, rank, steps
from scoring import period as periods
from scoring.numbers import exact, plain, rounded, text
from scoring.prizes import Fired, Standing
from scoring.result import ComponentResult, EventResult, Inputs, MonthScore, Place, State, Step, UnitInput, UnitResult
from scoring.scheme import Scheme
from scoring.switches import Choices

ZERO = Decimal(0)


@dataclass
class _Draft:
    """A unit on its way: everything but its rank."""

    unit: UnitInput
    trace: list[Step]
    parts: list[ComponentResult]
    events: list[EventResult]
    raw: Decimal | None
    score: Decimal | None
    state: State
    reason: str | None
    balance: ledger.Balance | None = None


def compute(scheme: Scheme, inputs: Inputs) -> list[UnitResult]:
    """The results of all units, in the order given.

    A unit without a score has no rank and holds no place in its group. Raises `Usage` CH-SCORE-002 for an id
    that the scheme does not have (component, member, rule, level, league, switch), CH-SCORE-004 for a unit that
    stands twice and for a period that the scheme does not score, CH-SCORE-008 for what is no period.
    """
    choices = scheme.choices(dict(inputs.switches))
    kind = periods.kind(inputs.period)
    if kind not in scheme.cadences:
        problem = f"{scheme.scheme} scores {', '.join(scheme.cadences)}, not a {kind} ({inputs.period})"
        raise Usage("CH-SCORE-004", problem=problem)
    seen: set[str] = set()
    for unit in inputs.units:
        if unit.unit in seen:
            raise Usage("CH-SCORE-004", problem=f"unit {unit.unit} stands twice", unit=unit.unit)
        seen.add(unit.unit)
        scheme.league(unit.league)
    with exact():
        drafts = [_draft(scheme, unit, inputs, choices) for unit in inputs.units]
        if scheme.ranking == "each":
            _rank_each(drafts, choices)
        now = consequences.standings(
            scheme,
            {d.unit.unit: MonthScore(d.unit.unit, d.unit.league, d.score, final=d.state == "ok")
             for d in drafts if d.score is not None},
            choices,
            kind,
            {d.unit.unit: d.unit for d in drafts},
            {d.unit.unit: events.flags(scheme, d.unit, inputs.period) for d in drafts},
        )  # fmt: skip
        earlier = consequences.of_earlier(
            scheme,
            {month: scores for month, scores in inputs.earlier.items() if month < inputs.period},
            choices,
        )
        awarded = prizes.award(scheme, kind, now, choices)
        return [
            _result(scheme, draft, choices, period=inputs.period, now=now, earlier=earlier, awarded=awarded)
            for draft in drafts
        ]


def _draft(scheme: Scheme, unit: UnitInput, inputs: Inputs, choices: Choices) -> _Draft:
    if unit.settled is not None:
        given = unit.settled
        return _Draft(unit, list(given.steps), [], [], None, given.score, given.state, given.reason)
    trace: list[Step] = []
    if scheme.method == "ledger":
        events.apply(scheme, unit, inputs.period, choices, trace)  # a ledger has no event rules: this refuses them
        found = ledger.balance(scheme, unit, inputs.period, choices, trace)
        draft = _Draft(unit, trace, list(found.parts), [], found.score, found.score, found.state, found.reason, found)
        return draft if inputs.complete or found.score is None else _open(draft)
    applied = events.apply(scheme, unit, inputs.period, choices, trace)
    net = sum((item.counted for item in applied), ZERO)
    into = choices["event_points"]
    extra = {scheme.event_component: net} if into == "to_component" and scheme.event_component else {}
    weighed = components.weigh(scheme, unit, choices, trace, extra)
    raw, parts = weighed.raw, list(weighed.parts)
    top = [part for part in parts if "." not in part.component]
    missing = [part for part in top if part.value is None]
    trace.append(steps.weighting(scheme, top, raw, weighed.added, choices))
    score = raw
    if raw is not None and into == "after_weighting":
        score = plain(raw + net)
        if applied:
            trace.append(steps.adding(raw, net, score, choices))
    if score is not None and choices["clamp"] == "stored":
        score = min(max(score, scheme.scale.min), scheme.scale.max)
        trace.append(Step("clamp", "限制在 0 至 100", {}, text(score) or "", switch=choices.cite("clamp")))
    state, reason = _state(top, missing, raw, inputs.complete)
    if scheme.ranking == "each" and choices["overall_score"] == "none":
        raw = score = None
        reason = reason or f"各项分别排名，不设总分（{choices.cite('overall_score')}）"
    return _Draft(unit, trace, [*parts, *weighed.lines], applied, raw, score, state, reason)


def _open(draft: _Draft) -> _Draft:
    return replace(draft, state="provisional", reason="本期未结束")


def _state(
    top: list[ComponentResult], missing: list[ComponentResult], raw: Decimal | None, complete: bool
) -> tuple[State, str | None]:
    reasons = [part.reason or f"{part.title}暂定" for part in top if part.state != "ok"]
    if raw is None:
        return ("missing" if len(missing) == len(top) else "provisional"), "；".join(reasons)
    if not complete:
        reasons.append("本月未结束")
    weak = not complete or any(part.state == "provisional" for part in top)
    return ("provisional" if weak else "ok"), "；".join(reasons) or None


def _rank_each(drafts: list[_Draft], choices: Choices) -> None:
    """Every component ranks the units that have it."""
    ids = dict.fromkeys(part.component for draft in drafts for part in draft.parts)
    for name in ids:
        values = {
            draft.unit.unit: (draft.unit.league, part.value)
            for draft in drafts
            for part in draft.parts
            if part.component == name and part.value is not None
        }
        placed = rank.places(values, choices)
        for draft in drafts:
            draft.parts = [_with_place(part, name, placed.get(draft.unit.unit)) for part in draft.parts]


def _with_place(part: ComponentResult, name: str, place: Place | None) -> ComponentResult:
    return replace(part, place=place) if part.component == name else part


def _result(
    scheme: Scheme,
    draft: _Draft,
    choices: Choices,
    *,
    period: str,
    now: Mapping[str, Standing],
    earlier: Mapping[str, Mapping[str, Standing]],
    awarded: Fired,
) -> UnitResult:
    trace, score = draft.trace, draft.score
    standing = now.get(draft.unit.unit)
    band = standing.grade if standing else None
    fired = []
    if score is not None and standing is not None:
        if band is not None:
            trace.append(steps.grade(scheme, band, score, standing.flags, choices))
        trace.append(steps.ranking(scheme, standing.place, score, choices))
        fired = consequences.fire(
            scheme,
            draft.unit.unit,
            choices,
            period=period,
            now=standing,
            earlier=earlier,
            awarded=awarded,
            trace=trace,
        )
    shown = None
    if score is not None:
        limited = min(max(score, scheme.scale.min), scheme.scale.max) if choices["clamp"] == "display" else score
        shown = format(rounded(limited), "f")
    handed = {rule.id for rule in scheme.consequences if rule.handover} & {item.rule for item in fired}
    return UnitResult(
        unit=draft.unit.unit,
        league=draft.unit.league,
        period=period,
        score=score,
        raw=draft.raw,
        event_points=sum((item.counted for item in draft.events), ZERO),
        shown=shown,
        grade=band.id if band else None,
        grade_zh=band.title.zh if band else None,
        rank=standing.place.rank if standing else None,
        place=standing.place if standing else None,
        state=draft.state,
        reason=draft.reason,
        components=tuple(draft.parts),
        events=tuple(draft.events),
        consequences=tuple(fired),
        money_yuan=sum((item.money_yuan for item in fired), ZERO),
        trace=tuple(trace),
        name=draft.unit.name,
        handover=ledger.record(scheme, draft.unit, period, draft.balance, choices)
        if handed and draft.balance is not None and draft.state == "ok"
        else None,
    )
