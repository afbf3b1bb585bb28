"""A draft as a YAML file that people read: one line a thing, guesses as comments at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cityhub.draft.compose import Draft
from cityhub.draft.sample import Path
from cityhub.spec.emit import block, flow, scalar
from cityhub.spec.todo import todos

SCHEMA = "# yaml-language-server: $schema=../feed.schema.json"


def text(draft: Draft, heading: list[str]) -> str:
    """The whole file. `heading` are comment lines for its top."""
    lines = [SCHEMA, *(f"# {line}".rstrip() for line in [*heading, *draft.remarks])]
    for name, value in draft.data.items():
        lines += _entry(name, value, (name,), 0, draft)
    return "\n".join(lines) + "\n"


def _entry(key: str, value: Any, path: Path, indent: int, draft: Draft) -> list[str]:
    pad = " " * indent
    note = draft.notes.get(path, "")
    head = f"{pad}{scalar(str(key))}:"
    inner = [where for where in draft.notes if len(where) > len(path) and where[: len(path)] == path]
    open_todo = isinstance(value, Mapping) and any(todos(value)) and len(path) == 1
    if (
        isinstance(value, Mapping)
        and value
        and (inner or open_todo or (path[0] in {"fields", "source"} and indent == 0))
    ):
        below = [line for name, item in value.items() for line in _entry(name, item, (*path, name), indent + 2, draft)]
        return [head + _comment(note), *below]
    if isinstance(value, list) and value and len(path) == 1:
        return [head + _comment(note), *(f"{pad}  - {flow(item)}" for item in value)]
    if path[0] == "fields" or len(flow(value)) < 200:
        body = f" {scalar(value)}" if not isinstance(value, (Mapping, list)) else f" {flow(value)}"
    else:
        body = block(value, indent)
    if any(todos(value)):
        note = f"fill in: {note}" if note else "fill in"  # the word itself must vanish with the value
    return [head + body + _comment(note)]


def _comment(note: str) -> str:
    return f"  # {' '.join(note.split())}" if note else ""
