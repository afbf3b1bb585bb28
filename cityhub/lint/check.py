"""All that can be said of one spec file by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cityhub.lint import meaning, places
from cityhub.lint.document import Document
from cityhub.lint.problem import Problem, problem
from cityhub.lint.shape import is_secret, shown, translated
from cityhub.lint.text import parsed
from cityhub.spec.feed import FeedSpec
from cityhub.spec.todo import todos

_LEADING_ZERO = re.compile(r"[-+]?0\d+")
_TODO = re.compile(r"#.*\bTODO\b")


@dataclass(frozen=True)
class Linted:
    """A file as far as it could be read; `spec` is None where a model refuses it."""

    document: Document | None
    spec: FeedSpec | None
    problems: tuple[Problem, ...]


def lint(path: Path) -> Linted:
    """Read a spec file and name every mistake in it. Raises OSError for a file that cannot be opened."""
    raw, file = path.read_bytes(), str(path)
    document, text, found = parsed(raw, file)
    if document is None:
        return Linted(None, None, in_order([*found, *_noted(text, file, set())]))
    found += _open(document, text.splitlines())
    found += _noted(text, file, {item.line for item in found if item.error.code == "CH-REG-035"})
    spec, shape, whole = translated(document)
    for item in [*shape, *_literals(document), *meaning.problems(document), *places.problems(document)]:
        if not any((item.line, item.key) == (have.line, have.key) and have.key for have in found):
            found.append(item)
    if whole is not None and not any(item.severity == "error" for item in found):
        found.append(problem("CH-REG-019", file, 1, problem=whole))
    return Linted(document, spec, in_order(found))


def in_order(found: list[Problem]) -> tuple[Problem, ...]:
    """Errors and warnings by line."""
    return tuple(sorted(found, key=lambda item: (item.file, item.line, item.severity, item.key)))


def _open(document: Document, lines: list[str]) -> list[Problem]:
    """Values that a draft left to a person; a mistake at the same key is the same gap."""
    found = []
    for path in todos(document.data):
        key = shown(path)
        told = lines[document.line(path) - 1].strip()[:80]  # the draft's comment says what is wanted
        found.append(problem("CH-REG-035", document.file, document.line(path), key, told=told))
    return found


def _noted(text: str, file: str, known: set[int]) -> list[Problem]:
    """Lines with a TODO in a comment, or anywhere in a file that cannot be read."""
    lines = enumerate(text.splitlines(), 1)
    hits = [(number, line) for number, line in lines if _TODO.search(line) and number not in known]
    return [problem("CH-REG-035", file, number, told=line.strip()[:80]) for number, line in hits]


def _literals(document: Document) -> list[Problem]:
    """Codes that YAML takes for numbers or dates: 01 becomes 1, and a record holds no dates."""
    found = []
    for path, mark in document.marks.items():
        zero = mark.read_as == "number" and _LEADING_ZERO.fullmatch(mark.text)
        dated = mark.read_as == "date" and path[:1] == ("examples",)
        if mark.plain and (zero or dated) and not is_secret(path):
            read_as = "the number " + str(int(mark.text)) if zero else "a date"
            found.append(problem("CH-REG-007", document.file, mark.line, shown(path), value=mark.text, read_as=read_as))
    return found
