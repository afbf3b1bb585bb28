"""A trial as one JSON document: numbers as exact text, grades in Chinese with their ids beside, rule ids in order."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from cityhub.errors import Usage
from scoring.explain_text import STATES, step_line
from scoring.numbers import text
from scoring.result import ComponentResult, EventResult, UnitResult
from scoring.rows import plain_steps
from scoring.rules import HumanTrigger
from scoring.scheme import Scheme
from scoring.whatif.run import Trial

Tree = dict[str, Any]


def tree(trial: Trial, only: str | None = None) -> Tree:
    """The whole answer, or that for one unit; raises `Usage` CH-SCORE-006 for a unit that is not there."""
    rules = trial.scheme
    results = trial.results if only is None else (_find(trial, only),)
    found: Tree = {
        "scheme": rules.scheme,
        "version": rules.version,
        "title": rules.title.model_dump(),
        "period": trial.period,
        "switches": trial.choices.by_id(),
        "switches_named": [
            {
                "id": switch.id,
                "name": switch.name,
                "question": switch.question,
                "option": trial.choices[switch.name],
                "meaning": switch.options[trial.choices[switch.name]],
                "default": switch.default,
            }
            for switch in rules.switches
        ],
        "judged_by_people": [
            {"rule": rule.id, "when": rule.trigger.when, "action": rule.action}
            for rule in rules.consequences
            if isinstance(rule.trigger, HumanTrigger)
        ],
        "units": [_unit(rules, result, trial) for result in results],
    }
    configured = {name: rules.model_dump(mode="json")[name] for name in rules.configurable}
    return found | ({"config": configured} if configured else {})


def lines(trial: Trial, unit: str) -> list[str]:
    """Every step of a unit, as the explanation of a published score has them."""
    result = _find(trial, unit)
    head = f"{result.name or result.unit}（{result.unit}）{result.period} {trial.scheme.title.zh}"
    score = text(result.score) or "暂无"
    steps = [step_line(number, step) for number, step in enumerate(plain_steps(list(result.trace)), 1)]
    said = f"  成绩 {score}　等次 {result.grade_zh or '—'}　名次 {result.rank or '—'}　{STATES[result.state]}"
    return [head, said, *([f"  原因 {result.reason}"] if result.reason else []), *steps]


def _find(trial: Trial, unit: str) -> UnitResult:
    for result in trial.results:
        if unit in {result.unit, result.name}:
            return result
    raise Usage("CH-SCORE-006", unit=unit, near=", ".join(result.unit for result in trial.results))


def _unit(rules: Scheme, result: UnitResult, trial: Trial) -> Tree:
    found: Tree = _short(rules, result) | {
        "unit": result.unit,
        "name": result.name or result.unit,
        "league": result.league,
        "league_zh": rules.league(result.league).title.zh,
        "raw": text(result.raw),
        "event_points": text(result.event_points),
        "in_force": result.state == "ok",
        "consequence_details": [_plain(asdict(item)) for item in result.consequences],
        "components": [_component(part) for part in result.components],
        "events": [_event(item) for item in result.events],
        "trace": plain_steps(list(result.trace)),
    }
    if result.handover is not None:
        found["handover"] = result.handover
    parts = {
        period: _short(rules, item)
        for period, results in trial.parts.items()
        for item in results
        if item.unit == result.unit
    }
    if parts:
        earned = sum((Decimal(part["money_yuan"]) for part in parts.values()), result.money_yuan)
        found |= {"periods": parts, "money_yuan_with_periods": text(earned)}
    return found


def _short(rules: Scheme, result: UnitResult) -> Tree:
    """What a period says of a unit in one line."""
    return {
        "score": text(result.score),
        "shown": result.shown,
        "grade": result.grade_zh,
        "grade_id": result.grade,
        "grade_en": next((band.title.en for band in rules.grades if band.id == result.grade), None),
        "rank": result.rank,
        "of": None if result.place is None else result.place.size,
        "tied": None if result.place is None else result.place.tied,
        "state": result.state,
        "reason": result.reason,
        "consequences": [item.rule for item in result.consequences],
        "money_yuan": text(result.money_yuan),
    }


def _component(part: ComponentResult) -> Tree:
    found: Tree = {
        "component": part.component,
        "title": part.title,
        "weight": text(part.weight),
        "value": text(part.value),
        "points": text(part.points),
        "state": part.state,
        "reason": part.reason,
    }
    if part.place is not None:
        found |= {"rank": part.place.rank, "of": part.place.size, "tied": part.place.tied}
    return found


def _event(item: EventResult) -> Tree:
    return {
        "rule": item.event.rule,
        "event_id": item.event.event_id,
        "stated": text(item.stated),
        "counted": text(item.counted),
        "effect": item.effect,
    }


def _plain(item: Tree) -> Tree:
    return {key: text(value) if isinstance(value, Decimal) else value for key, value in item.items()}
