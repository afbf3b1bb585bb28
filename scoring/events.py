"""Bonus and deduction events: month, level, stacking, caps. Each event says what became of its points."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from cityhub.errors import Usage
from scoring import period as periods
from scoring.numbers import text
from scoring.result import Event, EventResult, Step, UnitInput
from scoring.rules import EventRule
from scoring.scheme import Scheme
from scoring.switches import Choices, unknown

ZERO = Decimal(0)


@dataclass(frozen=True)
class _Line:
    event: Event
    rule: EventRule
    stated: Decimal
    counted: Decimal
    effect: str


def apply(scheme: Scheme, unit: UnitInput, period: str, choices: Choices, trace: list[Step]) -> list[EventResult]:
    """The unit's events of the month in the order of date and number, each with its points that count.

    Raises `Usage` CH-SCORE-002 for an unknown rule or level, CH-SCORE-004 for a count under 1.
    """
    ordered = sorted(unit.events, key=lambda e: (e.on.isoformat() if e.on else "", e.event_id or "", e.rule))
    lines = [_stated(scheme, event, unit.unit, choices) for event in ordered]
    lines = [_of_month(line, period) for line in lines]
    if choices["event_stacking"] == "highest_per_event":
        lines = _highest(lines)
    lines = _capped(scheme, lines, choices)
    for line in lines:
        trace.append(
            Step(
                rule=line.rule.id,
                what=f"{line.rule.title}：{line.effect}",
                inputs={
                    "event_id": line.event.event_id or "",
                    "level": line.event.level or "",
                    "count": str(line.event.count),
                    "date": line.event.on.isoformat() if line.event.on else "",
                    "stated": text(line.stated) or "",
                },
                result=text(line.counted) or "",
                clause=line.rule.clause,
                switch=choices.cite("event_points"),
            )
        )
    return [
        EventResult(line.event, line.rule.title, line.rule.clause, line.stated, line.counted, line.effect)
        for line in lines
    ]


def _stated(scheme: Scheme, event: Event, unit: str, choices: Choices) -> _Line:
    rule = scheme.event(event.rule)
    if event.count < 1:
        raise Usage("CH-SCORE-004", problem=f"event {event.event_id or event.rule}: count under 1", unit=unit)
    if isinstance(rule.points, dict):
        if event.level not in rule.points:
            raise unknown(f"level of {rule.id}", str(event.level), list(rule.points), unit=unit)
        points = rule.points[event.level]
    else:
        points = ZERO if rule.points is None else rule.points
    times = 1 if choices["event_unit"] == "record" else event.count
    stated = rule.sign * points * times
    return _Line(event, rule, stated, stated, "标记，不计分" if rule.kind == "flag" else "计入")


def _of_month(line: _Line, period: str) -> _Line:
    if in_period(line.event, period):
        return line
    return replace(line, counted=ZERO, effect=f"属 {line.event.on:%Y-%m}，不计入 {period}")


def in_period(event: Event, period: str) -> bool:
    """Whether its date, where it has one, is in the period."""
    return event.on is None or periods.contains(period, event.on)


def flags(scheme: Scheme, unit: UnitInput, period: str) -> frozenset[str]:
    """The findings of kind flag that hold for a unit in a period, its shorter periods' included."""
    known = {rule.id for rule in scheme.events if rule.kind == "flag"}
    return unit.flags | {event.rule for event in unit.events if event.rule in known and in_period(event, period)}


def _highest(lines: list[_Line]) -> list[_Line]:
    """Of records with the same rule and event number only the one with the most points counts."""
    best: dict[tuple[str, str], int] = {}
    for index, line in enumerate(lines):
        if not line.event.event_id or not line.counted:
            continue
        key = (line.rule.id, line.event.event_id)
        if key not in best or abs(line.counted) > abs(lines[best[key]].counted):
            best[key] = index
    kept = set(best.values())
    return [
        line
        if index in kept or not line.event.event_id or not line.counted
        else replace(line, counted=ZERO, effect="同一事件只计最高一级，不重复计")
        for index, line in enumerate(lines)
    ]


def _capped(scheme: Scheme, lines: list[_Line], choices: Choices) -> list[_Line]:
    for rule in scheme.events:
        if rule.cap is None:
            continue
        scope = (
            {item.id for item in scheme.events if item.kind == rule.kind}
            if choices["bonus_cap_scope"] == "all_bonuses"
            else {rule.id}
        )
        left = rule.cap.points
        capped: list[_Line] = []
        for line in lines:
            if line.rule.id not in scope or not line.counted:
                capped.append(line)
                continue
            room = min(abs(line.counted), left)
            left -= room
            if room < abs(line.counted):
                note = f"单月不超过 {text(rule.cap.points)} 分，计 {text(room)} 分"
                capped.append(replace(line, counted=rule.sign * room, effect=note))
            else:
                capped.append(line)
        lines = capped
    return lines
