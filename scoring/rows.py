"""Results as rows of the tables `score` and `ranking`; numbers as exact text, traces as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from scoring.gather import Gathered, completeness
from scoring.numbers import text
from scoring.result import ComponentResult, EventResult, Step, UnitResult
from scoring.scheme import Scheme
from scoring.store import Row
from scoring.switches import Choices


def score_rows(result: UnitResult, gathered: Gathered, choices: Choices) -> list[Row]:
    """Rows of `score`: components with their members and indicators behind them, then the events together.

    Only rows without a dot in `component` carry points, so that the points of a unit add up to its score.
    """
    behind = gathered.digital.get(result.unit)
    rows: list[Row] = []
    for part in result.components:
        steps = [step for step in result.trace if step.rule == part.component]
        lines: tuple[ComponentResult, ...] = ()
        if behind is not None and part.component == gathered.policy_component:
            steps, lines = [*behind.steps, *steps], behind.lines
        rows.append(_part(result.unit, part, {"reason": part.reason, "steps": plain_steps(steps)}))
        rows += [_part(result.unit, line, {"reason": line.reason}) for line in lines]
    added = result.score is not None and choices["event_points"] == "after_weighting"
    rows.append(
        {
            "unit_code": result.unit,
            "component": "events",
            "weight": None,
            "value": text(result.event_points),
            "points": text(result.event_points) if added else None,
            "state": "ok",
            "source": "manual_event" if result.events else None,
            "trace": _json({"events": [_event(item) for item in result.events]}),
        }
    )
    return rows


def _part(unit: str, part: ComponentResult, trace: dict[str, Any]) -> Row:
    return {
        "unit_code": unit,
        "component": part.component,
        "weight": None if part.weight is None else text(part.weight.quantize(Decimal("0.000001"))),
        "value": text(part.value),
        "points": text(part.points),
        "state": part.state,
        "source": part.source,
        "trace": _json(trace),
    }


def _event(item: EventResult) -> dict[str, Any]:
    return {
        "rule": item.event.rule,
        "title": item.title,
        "level": item.event.level,
        "count": item.event.count,
        "event_id": item.event.event_id,
        "on": item.event.on.isoformat() if item.event.on else None,
        "evidence": item.event.evidence,
        "stated": text(item.stated),
        "counted": text(item.counted),
        "effect": item.effect,
        "clause": item.clause,
    }


def ranking_rows(results: list[UnitResult], gathered: Gathered, choices: Choices, rules: Scheme) -> list[Row]:
    """Rows of `ranking`, one a unit; a unit without a score stands there with its reason and no rank."""
    shares = completeness(gathered)
    return [
        {
            "league": result.league,
            "unit_code": result.unit,
            "unit_name": result.name or result.unit,
            "score": text(result.score),
            "grade": result.grade_zh,
            "rank": result.rank,
            "state": result.state,
            "reason": result.reason,
            "completeness": text(shares[result.unit]),
            "trace": _json({"complete": gathered.inputs.complete, **_whole(result, choices, rules)}),
        }
        for result in results
    ]


def _whole(result: UnitResult, choices: Choices, rules: Scheme) -> dict[str, Any]:
    return {
        "scheme": rules.scheme,
        "version": rules.version,
        "switches": choices.by_id(),
        "shown": result.shown,
        "grade_id": result.grade,
        "raw": text(result.raw),
        "event_points": text(result.event_points),
        "money_yuan": text(result.money_yuan),
        "consequences": [asdict(item) | {"money_yuan": text(item.money_yuan)} for item in result.consequences],
        "steps": plain_steps(list(result.trace)),
    }


def plain_steps(steps: list[Step]) -> list[dict[str, Any]]:
    """Steps as dictionaries, empty parts left out."""
    return [{key: value for key, value in asdict(step).items() if value not in (None, {}, "")} for step in steps]


def _json(value: dict[str, Any]) -> str:
    return json.dumps({key: item for key, item in value.items() if item not in (None, [])}, ensure_ascii=False)
