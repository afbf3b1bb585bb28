"""Months written by hand for the engine: every component the same number unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from scoring import scheme
from scoring.engine import compute
from scoring.result import Event, Inputs, MonthScore, UnitInput, UnitResult, Value

RULES = scheme.load("qi-county")
CAMPAIGNS = [member.id for member in RULES.component("specials").members]
OFFICES = ("peace", "civil", "cgb", "garden")
PERIOD = "2026-11"


def unit(
    name: str,
    score: str = "80",
    *,
    league: str = "territory",
    specials: Mapping[str, str | None] | str | None = "same",
    events: tuple[Event, ...] = (),
    **components: str | None,
) -> UnitInput:
    """A unit whose components are all `score`, so that its weighted sum is `score`, but for what is given."""
    parts: dict[str, Value | Mapping[str, Value]] = {
        name: number(components.get(name, score)) for name in ("digital", *OFFICES)
    }
    if specials is None or isinstance(specials, str):
        parts["specials"] = {c: Decimal(score) for c in CAMPAIGNS} if specials == "same" else number(specials)
    else:
        parts["specials"] = {c: number(value) for c, value in specials.items()}
    return UnitInput(name, league, parts, events)


def number(text: str | None) -> Decimal | None:
    """None is missing."""
    return None if text is None else Decimal(text)


def month(
    *units: UnitInput,
    period: str = PERIOD,
    complete: bool = True,
    earlier: Mapping[str, tuple[MonthScore, ...]] | None = None,
    **switches: str,
) -> dict[str, UnitResult]:
    """Results by unit."""
    inputs = Inputs(period, units, switches, complete, earlier or {})
    return {result.unit: result for result in compute(RULES, inputs)}


def fired(result: UnitResult) -> list[str]:
    """Rule ids of a result's consequences."""
    return [item.rule for item in result.consequences]
