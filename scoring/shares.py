"""Which components a unit is scored by, and what share of the score each one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from cityhub.errors import Usage
from scoring.result import Step, UnitInput, Value
from scoring.scheme import Component, Scheme
from scoring.switches import Choices, unknown

ONE = Decimal(1)


@dataclass(frozen=True)
class Shares:
    """Parts with their weights, which are shares of `base`. `in_points`: numbers come weighted already."""

    parts: tuple[Component, ...]
    own: Mapping[str, Decimal]
    base: Decimal
    in_points: bool


def shares(scheme: Scheme, league: str, choices: Choices) -> Shares:
    """Weights of the components, of the league, or equal ones where the scheme states none."""
    parts = [item for item in scheme.components if not item.line and applies(scheme, item, league, choices)]
    order = scheme.orders.get(choices["class_order"])
    if order is not None:
        parts.sort(key=lambda item: order.index(item.id) if item.id in order else len(order))
    stated = {item.id: item.weight for item in parts if item.weight is not None}
    if choices["unset_values"] == "config_only":
        stated |= scheme.weights.get(league, {})
    own = stated or {item.id: ONE for item in parts}
    base = ONE if stated else Decimal(len(parts))
    return Shares(tuple(parts), own, base, choices["input_scale"] == "points")


def applies(scheme: Scheme, component: Component, league: str, choices: Choices) -> bool:
    """Whether a component is there for a league under the switches in force."""
    return of_league(scheme, component, league) and in_force(component, choices)


def of_league(scheme: Scheme, component: Component, league: str) -> bool:
    """Whether a league is scored by a component."""
    if scheme.weights and not component.line:
        return component.id in scheme.weights.get(league, {})
    return not component.leagues or league in component.leagues


def in_force(component: Component, choices: Choices) -> bool:
    """Whether the switches let a component in."""
    return all(choices[name] == option for name, option in component.when.items())


def check(scheme: Scheme, unit: UnitInput, choices: Choices, trace: list[Step]) -> None:
    """Raises `Usage` CH-SCORE-002 for a component or member id that the scheme does not have for the unit's league,
    CH-SCORE-004 for a number over a component's maximum. What a switch leaves out is said in the trace."""
    for name, value in unit.components.items():
        component = scheme.component(name)
        if not of_league(scheme, component, unit.league):
            there_are = [item.id for item in scheme.components if of_league(scheme, item, unit.league)]
            raise unknown(f"component of league {unit.league}", name, there_are, unit=unit.unit)
        if not in_force(component, choices):
            cited = "，".join(choices.cite(switch) for switch in component.when)
            trace.append(Step(name, f"{component.title.zh}不计", {}, "不计", component.clause, cited))
        if isinstance(value, Mapping):
            _check_members(component, value, unit.unit)
        elif component.combine == "weighted" and value is not None:
            problem = f"{name} has parts of its own: give {', '.join(item.id for item in component.members)}"
            raise Usage("CH-SCORE-004", problem=problem, unit=unit.unit)


def _check_members(component: Component, values: Mapping[str, Value], unit: str) -> None:
    known = [member.id for member in component.members]
    for name in values:
        if name not in known:
            raise unknown(f"member of {component.id}", name, known or ["(none)"], unit=unit)
