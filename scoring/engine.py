"""The score of a month: pure functions from a scheme and its inputs to results, each with its trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cityhub.errors import Usage
from scoring import components, consequences, events, rank
from scoring.numbers import exact, plain, rounded, text
from scoring.result import ComponentResult, EventResult, Inputs, Place, State, Step, UnitInput, UnitResult
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


def compute(scheme: Scheme, inputs: Inputs) -> list[UnitResult]:
    """The results of all units, in the order given.

    A unit without a score has no rank and holds no place in its group. Raises `Usage` CH-SCORE-002 for an id
    that the scheme does not have (component, member, rule, level, league, switch) and CH-SCORE-004 for a unit
    that stands twice.
    """
    choices = scheme.choices(dict(inputs.switches))
    seen: set[str] = set()
    for unit in inputs.units:
        if unit.unit in seen:
            raise Usage("CH-SCORE-004", problem=f"unit {unit.unit} stands twice", unit=unit.unit)
        seen.add(unit.unit)
        scheme.league(unit.league)
    with exact():
        drafts = [_draft(scheme, unit, inputs, choices) for unit in inputs.units]
        now = consequences.standings(
            scheme,
            {d.unit.unit: (d.unit.league, d.score, d.state == "ok") for d in drafts if d.score is not None},
            choices,
        )
        earlier = consequences.of_earlier(
            scheme,
            {month: scores for month, scores in inputs.earlier.items() if month < inputs.period},
            choices,
        )
        return [_result(scheme, draft, choices, period=inputs.period, now=now, earlier=earlier) for draft in drafts]


def _draft(scheme: Scheme, unit: UnitInput, inputs: Inputs, choices: Choices) -> _Draft:
    trace: list[Step] = []
    applied = events.apply(scheme, unit, inputs.period, choices, trace)
    net = sum((item.counted for item in applied), ZERO)
    into = choices["event_points"]
    extra = {scheme.event_component: net} if into == "to_component" else {}
    weighed = components.weigh(scheme, unit, choices, trace, extra)
    raw, parts = weighed.raw, list(weighed.parts)
    top = [part for part in parts if "." not in part.component]
    missing = [part for part in top if part.value is None]
    trace.append(_weighting(scheme, top, raw))
    score = raw
    if raw is not None and into == "after_weighting":
        score = plain(raw + net)
        if applied:
            trace.append(_adding(raw, net, score, choices))
    if score is not None and choices["clamp"] == "stored":
        score = min(max(score, scheme.scale.min), scheme.scale.max)
        trace.append(Step("clamp", "限制在 0 至 100", {}, text(score) or "", switch=choices.cite("clamp")))
    state, reason = _state(top, missing, raw, inputs.complete)
    return _Draft(unit, trace, parts, applied, raw, score, state, reason)


def _weighting(scheme: Scheme, top: list[ComponentResult], raw: Decimal | None) -> Step:
    return Step(
        rule="weighted_sum",
        what="加权：" + " + ".join(f"{_cut(p.weight)}×{text(p.value) or '缺'}" for p in top),
        inputs={part.component: text(part.points) or "" for part in top},
        result=text(raw) or "暂定，不出总分",
        clause=scheme.formula,
    )


def _cut(weight: Decimal | None) -> str:
    return "缺" if weight is None else text(rounded(weight, 6)) or ""


def _adding(raw: Decimal, net: Decimal, score: Decimal, choices: Choices) -> Step:
    return Step(
        rule="events",
        what="加减分加到加权成绩",
        inputs={"weighted_sum": text(raw) or "", "events": text(net) or ""},
        result=text(score) or "",
        switch=choices.cite("event_points"),
    )


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


def _result(
    scheme: Scheme,
    draft: _Draft,
    choices: Choices,
    *,
    period: str,
    now: Mapping[str, consequences.Standing],
    earlier: Mapping[str, Mapping[str, consequences.Standing]],
) -> UnitResult:
    trace, score = draft.trace, draft.score
    standing = now.get(draft.unit.unit)
    band = None if score is None else rank.grade(scheme, score, choices)
    fired = []
    if score is not None and band is not None and standing is not None:
        trace.append(
            Step(
                rule="grade",
                what=f"等次：{band.title.zh}",
                inputs={"score": text(score) or ""},
                result=band.id,
                clause="四、计分方式",
                switch=choices.cite("grade_rounding"),
            )
        )
        trace.append(_ranking(standing.place, score, choices))
        fired = consequences.fire(
            scheme, draft.unit.unit, choices, period=period, now=standing, earlier=earlier, trace=trace
        )
    shown = None
    if score is not None:
        limited = min(max(score, scheme.scale.min), scheme.scale.max) if choices["clamp"] == "display" else score
        shown = format(rounded(limited), "f")
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
    )


def _ranking(place: Place, score: Decimal, choices: Choices) -> Step:
    tied = f"，{place.tied} 个单位并列" if place.tied > 1 else ""
    return Step(
        rule="rank",
        what=f"第 {place.rank} 名，共 {place.size} 个有成绩的单位{tied}",
        inputs={"score": text(score) or ""},
        result=str(place.rank),
        clause="七（二）1：每月考核数据排出名次",
        switch=f"{choices.cite('ties')}，{choices.cite('groups')}",
    )
