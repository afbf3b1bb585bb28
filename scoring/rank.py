"""Grades and ranks, on the exact score unless a switch says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from scoring.numbers import rounded
from scoring.period import Kind
from scoring.result import Place
from scoring.scheme import Grade, Scheme
from scoring.switches import Choices


def grade(
    scheme: Scheme,
    score: Decimal,
    choices: Choices,
    kind: Kind = "month",
    flags: frozenset[str] = frozenset(),
) -> Grade | None:
    """The band that holds the score: lower bounds are inclusive. None where the period has no grade.

    A finding that keeps a unit from a grade of the year puts it into the next one.
    """
    if choices["unset_values"] != "config_only" or (kind != "year" and choices["month_grades"] == "year_only"):
        return None
    judged = rounded(score) if choices["grade_rounding"] == "rounded_2" else score
    blocked = {rule.blocks_grade for rule in scheme.events if rule.id in flags and kind == "year"}
    for band in scheme.grades:
        if (band.min is None or judged >= band.min) and band.id not in blocked:
            return band
    return None


def is_best(scheme: Scheme, band: Grade | None) -> bool:
    """Whether it is the scheme's best grade."""
    return band is not None and band.id == scheme.best_grade


def group_of(league: str, choices: Choices) -> str:
    """The table a league is ranked in."""
    return "all" if choices["groups"] == "joint" else league


def places(scores: Mapping[str, tuple[str, Decimal]], choices: Choices) -> dict[str, Place]:
    """unit → place, from unit → (league, score); only units with a score come in.

    Competition ranking 1-2-2-4: the number of better units plus one; dense 1-2-2-3: of better scores.
    """
    judged = {
        unit: (group_of(league, choices), rounded(score) if choices["ties"] == "rounded_share" else score)
        for unit, (league, score) in scores.items()
    }
    found: dict[str, Place] = {}
    for unit, (group, score) in judged.items():
        others = [value for other, value in judged.values() if other == group]
        dense = choices["ties"] == "dense_share"
        above = [value for value in others if value > score]
        below = [value for value in others if value < score]
        found[unit] = Place(
            group=group,
            rank=1 + len(set(above) if dense else above),
            from_bottom=1 + len(set(below) if dense else below),
            tied=others.count(score),
            size=len(others),
        )
    return found
