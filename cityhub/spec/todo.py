"""`TODO` in a spec: a place that a tool left to a person. A spec with one is not finished, whatever its type says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TODO = "TODO"


def todos(data: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The paths of all values that are TODO or begin with `TODO `; what records hold (`given`) may be anything."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key != "given":
                yield from todos(value, (*at, key))
    elif isinstance(data, (list, tuple)):
        for number, value in enumerate(data):
            yield from todos(value, (*at, number))
    elif isinstance(data, str) and (data == TODO or data.startswith((f"{TODO} ", f"{TODO}:"))):
        yield at


def filled(data: Any, key: str = "") -> Any:
    """A draft whose TODO is filled with something of the right kind: for trying it, never for keeping it."""
    if isinstance(data, Mapping):
        return {name: filled(value, str(name)) for name, value in data.items()}
    if isinstance(data, list):
        return [filled(item) for item in data]
    return "wgs84" if data == TODO and key == "system" else data
