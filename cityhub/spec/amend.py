"""Small changes of a spec's text that leave all else as it stands: comments, order, spacing and quotes.

Each function takes the text of a spec and gives the changed one, or None where the text is written in a way that it
cannot change safely. Positions come from the YAML parser, the change itself is one of text.
"""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from cityhub.spec.feed import FeedSpec

_PLAIN = re.compile(r"[A-Za-z\u4e00-\u9fff][\w\u4e00-\u9fff.-]*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def valid(text: str) -> bool:
    """Whether the text is a spec."""
    try:
        FeedSpec.model_validate(YAML().load(text))
    except (ValidationError, YAMLError):
        return False
    return True


def scalar(value: str) -> str:
    """A text as YAML writes it."""
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if plain else json.dumps(value, ensure_ascii=False)


def set_key(text: str, field: str, key: str, value: str) -> str | None:
    """The field with this key and value, in place of the value that it has or behind its `from`."""
    node = _field(text, field)
    if node is None or "from" not in node:
        return None
    if key in node:
        return _replaced(text, node.lc.value(key), node[key], scalar(value))
    line, column = node.lc.value("from")
    end = _end_of(text, line, column, node["from"])
    if end is None:
        return None
    if node.fa.flow_style():
        return text[:end] + f", {key}: {scalar(value)}" + text[end:]
    indent = " " * node.lc.key("from")[1]
    at = _line_end(text, end)
    return text[:at] + f"\n{indent}{key}: {scalar(value)}" + text[at:]


def add_field(text: str, name: str, source: str, note: str) -> str | None:
    """One more field behind the last one, with a comment."""
    raw = _load(text)
    fields = raw.get("fields") if raw is not None else None
    if fields is None or fields.fa.flow_style() or name in fields:
        return None
    lines = text.split("\n")
    end = _block_end(raw, lines, "fields")
    indent = " " * fields.lc.key(next(iter(fields)))[1]
    lines.insert(end, f"{indent}{name}: {{from: {scalar(source)}}} # {note}")
    return "\n".join(lines)


def remove_field(text: str, name: str) -> str | None:
    """The spec without the field."""
    raw = _load(text)
    fields = raw.get("fields") if raw is not None else None
    if fields is None or fields.fa.flow_style() or name not in fields or len(fields) == 1:
        return None
    lines = text.split("\n")
    first = fields.lc.key(name)[0]
    after = [fields.lc.key(other)[0] for other in fields if fields.lc.key(other)[0] > first]
    end = _trimmed(lines, first + 1, min(after, default=_block_end(raw, lines, "fields")))
    return "\n".join(lines[:first] + lines[end:])


def set_contract(text: str, kind: str, reaction: str) -> str | None:
    """The contract with this reaction to a kind of change."""
    raw = _load(text)
    if raw is None:
        return None
    if "contract" not in raw:
        lines = text.split("\n")
        end = _block_end(raw, lines, "fields")
        lines[end:end] = ["", f"contract: {{{kind}: {reaction}}}"]
        return "\n".join(lines)
    node = raw["contract"]
    if not node:
        return None
    if kind in node:
        return _replaced(text, node.lc.value(kind), node[kind], reaction)
    first = next(iter(node))
    line, column = node.lc.key(first)
    at = _offset(text, line, column)
    rest = ", " if node.fa.flow_style() else "\n" + " " * column
    return text[:at] + f"{kind}: {reaction}{rest}" + text[at:]


def _load(text: str) -> Any:
    try:
        raw = YAML().load(text)
    except YAMLError:
        return None
    return raw if hasattr(raw, "lc") else None


def _field(text: str, field: str) -> Any:
    raw = _load(text)
    node = raw.get("fields", {}).get(field) if raw is not None else None
    return node if hasattr(node, "lc") else None


def _replaced(text: str, position: tuple[int, int], old: object, new: str) -> str | None:
    end = _end_of(text, *position, old)
    return None if end is None else text[: _offset(text, *position)] + new + text[end:]


def _end_of(text: str, line: int, column: int, value: object) -> int | None:
    """Where a scalar ends that begins there."""
    at = _offset(text, line, column)
    for form in (json.dumps(str(value), ensure_ascii=False), f"'{value}'", str(value)):
        if text.startswith(form, at):
            return at + len(form)
    return None


def _offset(text: str, line: int, column: int) -> int:
    return sum(len(item) + 1 for item in text.split("\n")[:line]) + column


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _block_end(raw: Any, lines: list[str], key: str) -> int:
    """The number of the line behind the last one of a top-level block."""
    first = raw.lc.key(key)[0]
    after = [raw.lc.key(other)[0] for other in raw if raw.lc.key(other)[0] > first]
    return _trimmed(lines, first + 1, min(after, default=len(lines)))


def _trimmed(lines: list[str], first: int, end: int) -> int:
    """The end of a block without the empty lines and comments that stand before what follows it."""
    while end > first and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end
