"""Ids of a scheme as people write them: the id itself, another name that the scheme lists, or the Chinese title."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from cityhub.errors import Usage
from scoring.rules import Title
from scoring.scheme import Component, Scheme
from scoring.switches import unknown
from scoring.whatif.file import Number


class Known(Protocol):
    """What has an id, a title and other names."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> Title: ...
    @property
    def aliases(self) -> list[str]: ...


def find(items: Iterable[Known], name: str) -> str | None:
    """The id, or None for a name that none of them has."""
    there = list(items)
    for item in there:
        if item.id == name:
            return item.id
    return next((item.id for item in there if name == item.title.zh or name in item.aliases), None)


def resolve(kind: str, items: Iterable[Known], name: str, unit: str) -> str:
    """The id; raises `Usage` CH-SCORE-002 that names what is unknown."""
    there = list(items)
    found = find(there, name)
    if found is None:
        raise unknown(kind, name, [item.id for item in there], unit=unit)
    return found


def league(scheme: Scheme, name: str | None, unit: str) -> str:
    """A league's id; a scheme with a single league needs none to be named."""
    if name is not None:
        return resolve("league", scheme.leagues, name, unit)
    if len(scheme.leagues) == 1:
        return scheme.leagues[0].id
    problem = f"unit {unit} has no league ({', '.join(item.id for item in scheme.leagues)})"
    raise Usage("CH-SCORE-004", problem=problem, unit=unit)


Values = dict[str, Number | dict[str, Number]]


def components(scheme: Scheme, given: Mapping[str, Number | dict[str, Number]], unit: str) -> Values:
    """Numbers under the ids of the scheme; a member may stand under a name of its own (`city_on_site`)."""
    found: Values = {}
    for name, value in given.items():
        top = find(scheme.components, name)
        if top is not None:
            _put(found, scheme.component(top), value, unit)
            continue
        holder, member = _member(scheme, name, unit)
        if isinstance(value, dict):
            raise Usage("CH-SCORE-004", problem=f"{name} is one number, not several", unit=unit)
        _put(found, holder, {member: value}, unit)
    return found


def _member(scheme: Scheme, name: str, unit: str) -> tuple[Component, str]:
    for component in scheme.components:
        for member in component.members:
            if name in member.aliases:
                return component, member.id
    raise unknown("component", name, [item.id for item in scheme.components], unit=unit)


def _put(found: Values, component: Component, value: Number | dict[str, Number], unit: str) -> None:
    before = found.get(component.id)
    if isinstance(value, dict):
        value = _members(component, value, unit)
        if isinstance(before, dict) and not before.keys() & value.keys():
            found[component.id] = before | value
            return
    if component.id in found:
        raise Usage("CH-SCORE-004", problem=f"{component.id} stands twice", unit=unit)
    found[component.id] = value


def _members(component: Component, given: Mapping[str, Number], unit: str) -> dict[str, Number]:
    found: dict[str, Number] = {}
    for name, value in given.items():
        member = resolve(f"member of {component.id}", component.members, name, unit)
        if member in found:
            raise Usage("CH-SCORE-004", problem=f"{component.id}.{member} stands twice", unit=unit)
        found[member] = value
    return found
