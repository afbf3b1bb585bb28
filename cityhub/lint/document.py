"""A spec file as data whose every key knows its line and how it was written; keys that stand twice are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]
_TRUE = {"true", "yes", "on", "y"}


@dataclass(frozen=True)
class Mark:
    """Where a value stands and what was typed; `plain`: without quotes."""

    line: int
    text: str = ""
    plain: bool = False
    read_as: str = "text"


@dataclass
class Document:
    """`data` holds plain Python values; `twice` are (path, first line, second line) of repeated keys."""

    file: str
    data: dict[str, Any]
    marks: dict[Path, Mark] = field(default_factory=dict)
    twice: list[tuple[Path, int, int]] = field(default_factory=list)

    def get(self, *path: str | int) -> Any:
        """The value at a path, None where there is none."""
        node: Any = self.data
        for step in path:
            if isinstance(node, dict):
                node = node.get(step)
            elif isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node):
                node = node[step]
            else:
                return None
        return node

    def count(self, *path: str | int) -> int:
        """The number of items of a list at a path, 0 where there is none."""
        found = self.get(*path)
        return len(found) if isinstance(found, list) else 0

    def mapping(self, *path: str | int) -> dict[str, Any]:
        """The mapping at a path, an empty one where there is none."""
        found = self.get(*path)
        return found if isinstance(found, dict) else {}

    def words(self, *path: str | int) -> list[str]:
        """The texts of a list at a path."""
        found = self.get(*path)
        return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []

    def text(self, *path: str | int) -> str | None:
        """The text at a path, None for anything else."""
        found = self.get(*path)
        return found if isinstance(found, str) else None

    def line(self, path: Path) -> int:
        """The line of a path, or of what is nearest above it."""
        for length in range(len(path), 0, -1):
            mark = self.marks.get(tuple(str(step) if not isinstance(step, int) else step for step in path[:length]))
            if mark:
                return mark.line
        return 1


def compose(text: str, file: str) -> Document:
    """Read a text. Raises ruamel's MarkedYAMLError when it is no YAML, ValueError when it holds no mapping."""
    node = YAML(typ="safe", pure=True).compose(text)
    document = Document(file, {})
    if not isinstance(node, MappingNode):
        raise ValueError("no mapping")
    document.data = _value(node, (), document)
    return document


def _value(node: Node, path: Path, document: Document) -> Any:
    if isinstance(node, MappingNode):
        return dict(_entries(node, path, document))
    if isinstance(node, SequenceNode):
        for number, item in enumerate(node.value):
            document.marks[(*path, number)] = _mark(item, item)
        return [_value(item, (*path, number), document) for number, item in enumerate(node.value)]
    assert isinstance(node, ScalarNode)
    return _scalar(node)


def _entries(node: MappingNode, path: Path, document: Document) -> Iterator[tuple[Any, Any]]:
    first: dict[str, int] = {}
    for key, value in node.value:
        if key.value == "<<" and isinstance(value, MappingNode):
            yield from _entries(value, path, document)
            continue
        name, line = str(key.value), int(key.start_mark.line) + 1
        at = (*path, name)
        if name in first:
            document.twice.append((at, first[name], line))
        first.setdefault(name, line)
        document.marks[at] = _mark(key, value)
        yield (_scalar(key) if isinstance(key, ScalarNode) else name), _value(value, at, document)


def _mark(key: Node, value: Node) -> Mark:
    line = int(key.start_mark.line) + 1
    if not isinstance(value, ScalarNode):
        return Mark(line, read_as="list" if isinstance(value, SequenceNode) else "mapping")
    return Mark(line, value.value, value.style in {None, ""}, _kind(value))


def _kind(node: ScalarNode) -> str:
    words = {"int": "number", "float": "number", "bool": "true/false", "timestamp": "date", "null": "nothing"}
    return words.get(str(node.tag).rsplit(":", 1)[-1], "text")


def _scalar(node: ScalarNode) -> Any:
    text = str(node.value)
    kind = str(node.tag).rsplit(":", 1)[-1]
    readers: dict[str, Callable[[str], Any]] = {
        "null": lambda _: None,
        "bool": lambda typed: typed.lower() in _TRUE,
        "int": _whole,
        "float": lambda typed: float(typed.replace("_", "").replace(".inf", "inf").replace(".nan", "nan")),
        "timestamp": lambda typed: (date if len(typed) == len("2026-11-20") else datetime).fromisoformat(typed),
    }
    try:
        return readers[kind](text) if kind in readers else text
    except ValueError:
        return text


def _whole(typed: str) -> int:
    plain = typed.replace("_", "")
    return int(plain, 0) if plain.lower().lstrip("+-")[:2] in {"0x", "0o", "0b"} else int(plain)


__all__ = ["Document", "Mark", "MarkedYAMLError", "Path", "compose"]
