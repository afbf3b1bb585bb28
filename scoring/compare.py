"""Two results of the same units side by side: other switches, another scheme, or other inputs; unit by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scoring.numbers import exact, text
from scoring.result import ComponentResult, UnitResult
from scoring.scheme import Scheme
from scoring.switches import Choices

Tree = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """One of the two: its scheme, its switches, its results."""

    scheme: Scheme
    choices: Choices
    period: str
    results: Sequence[UnitResult]


def compare(first: Side, second: Side) -> Tree:
    """What differs: the switches, and for every unit score, grade, rank, consequences, money and components."""
    a = {result.unit: result for result in first.results}
    b = {result.unit: result for result in second.results}
    units = [_unit(name, a.get(name), b.get(name)) for name in dict.fromkeys([*a, *b])]
    return {
        "a": _head(first),
        "b": _head(second),
        "switches": _switches(first, second),
        "changed": sum(unit["changed"] for unit in units),
        "units": units,
    }


def _head(side: Side) -> Tree:
    return {
        "scheme": side.scheme.scheme,
        "version": side.scheme.version,
        "title": side.scheme.title.model_dump(),
        "period": side.period,
        "switches": side.choices.by_id(),
    }


def _switches(first: Side, second: Side) -> dict[str, Tree]:
    """id → its two options, for those that differ or that only one side has."""
    a, b = first.choices.by_id(), second.choices.by_id()
    return {
        name: {"a": a.get(name), "b": b.get(name)} for name in dict.fromkeys([*a, *b]) if a.get(name) != b.get(name)
    }


def _unit(name: str, a: UnitResult | None, b: UnitResult | None) -> Tree:
    there = b or a
    assert there is not None, "a unit stands on one side at least"
    found: Tree = {"unit": name, "name": there.name or name, "a": _short(a), "b": _short(b)}
    with exact():
        found |= {
            "score_change": _change(a.score if a else None, b.score if b else None),
            "rank_change": None if not a or not b or a.rank is None or b.rank is None else b.rank - a.rank,
            "money_change": _change(a.money_yuan if a else None, b.money_yuan if b else None),
            "consequences_gone": _apart(a, b),
            "consequences_new": _apart(b, a),
            "components": _components(a, b),
        }
    return found | {"changed": found["a"] != found["b"]}


def _short(result: UnitResult | None) -> Tree | None:
    if result is None:
        return None
    return {
        "league": result.league,
        "score": text(result.score),
        "grade": result.grade_zh,
        "rank": result.rank,
        "state": result.state,
        "consequences": [item.rule for item in result.consequences],
        "money_yuan": text(result.money_yuan),
    }


def _change(a: Decimal | None, b: Decimal | None) -> str | None:
    return None if a is None or b is None else text(b - a)


def _apart(one: UnitResult | None, other: UnitResult | None) -> list[str]:
    """Rules that fire on one side only."""
    there = {item.rule for item in other.consequences} if other else set()
    return [item.rule for item in one.consequences if item.rule not in there] if one else []


def _components(a: UnitResult | None, b: UnitResult | None) -> list[Tree]:
    """Components whose value or points differ."""
    left = {part.component: part for part in a.components} if a else {}
    right = {part.component: part for part in b.components} if b else {}
    return [
        {"component": name, "a": _part(left.get(name)), "b": _part(right.get(name))}
        for name in dict.fromkeys([*left, *right])
        if _part(left.get(name)) != _part(right.get(name))
    ]


def _part(part: ComponentResult | None) -> Tree | None:
    if part is None:
        return None
    return {"value": text(part.value), "points": text(part.points), "rank": part.place.rank if part.place else None}
