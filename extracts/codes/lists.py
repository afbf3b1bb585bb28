"""Lists of codes with validity dates, sources and confidence, read from `data/*.yaml`; looked up for a day.

Confidence, from the surest: `seen` in several independent public sources, `seen-1` in one, `derived` from what was seen
but printed nowhere, `memory` not read anywhere. What is not in a list is not known: a look-up answers None, and
nobody guesses.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from cityhub.errors import Usage

FOLDER = Path(__file__).parent / "data"
NAMES = ("divisions", "classes_2007", "classes_2013", "classes_2026", "units")
CONFIDENCE = ("seen", "seen-1", "derived", "memory")
SENDABLE: Final = "seen-1"  # what is less sure goes upward only where somebody said so
_NAMES = {"from": "valid_from", "to": "valid_to"}


@dataclass(frozen=True)
class Code:
    """One code of a list. `valid_from` (inclusive) and `valid_to` (exclusive) are None where no end is known; `kind` is
    `part` or `matter` for classes; `later` is the code of the newest list for the same thing; `source` are keys of the
    list's sources."""

    code: str
    name: str
    confidence: str
    source: tuple[str, ...]
    valid_from: date | None = None
    valid_to: date | None = None
    kind: str | None = None
    level: str | None = None
    later: str | None = None

    def valid(self, on: date) -> bool:
        """Whether it is in force on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True)
class CodeList:
    """All codes of one list, valid or not. `sources`: what was read, by key."""

    id: str
    title_zh: str
    title_en: str
    standard: str
    sources: dict[str, str]
    codes: tuple[Code, ...]


def sure(confidence: str, floor: str) -> bool:
    """Whether a confidence is at least another one."""
    return CONFIDENCE.index(confidence) <= CONFIDENCE.index(floor)


@cache
def read(name: str) -> CodeList:
    """One list; raises `Usage` CH-CODE-001 for one that there is not, CH-CODE-002 for a broken file."""
    if name not in NAMES:
        raise Usage("CH-CODE-001", list=name, found=", ".join(NAMES))
    return parse(FOLDER / f"{name}.yaml")


def parse(path: Path) -> CodeList:
    """The list of a file; raises `Usage` CH-CODE-002 where a row is no code, has no source, is in no major class of its
    block, or where two rows claim one code on one day."""
    content = document(path)
    try:
        codes = tuple(code for block in content["blocks"] for code in _block(block, content))
        title = content["title"]
        found = CodeList(content["list"], title["zh"], title["en"], content["standard"], content["sources"], codes)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Usage("CH-CODE-002", file=path.name, detail=f"{type(error).__name__}: {error}") from None
    _no_two(found, path.name)
    return found


def document(path: Path) -> Any:
    """A data file as it is."""
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def find(name: str, code: str, on: date, kind: str | None = None) -> Code | None:
    """The code as the list has it on a day; None where it is not known or not in force then."""
    return next((item for item in of(name, code) if item.valid(on) and kind in {None, item.kind}), None)


def of(name: str, code: str) -> tuple[Code, ...]:
    """All entries of a code, of any time and kind."""
    return _by_code(name).get(code, ())


@cache
def _by_code(name: str) -> dict[str, tuple[Code, ...]]:
    found: dict[str, tuple[Code, ...]] = {}
    for item in read(name).codes:
        found[item.code] = (*found.get(item.code, ()), item)
    return found


def _block(block: dict[str, Any], content: dict[str, Any]) -> list[Code]:
    """The codes of one block: what its rows do not say the block says, and what it does not say the file."""
    shared = {key: value for key, value in block.items() if key not in {"entries", "majors"}}
    ends = {key: content[key] for key in ("from", "to") if key in content}
    codes = [_code(ends | shared | row) for row in block["entries"]]
    for made in codes:
        missing = [key for key in made.source if key not in content["sources"]]
        if missing or not made.source:
            raise ValueError(f"{made.code}: its source {', '.join(missing) or 'is missing'} is none of the file's")
        if "majors" in block and made.code[:2] not in block["majors"]:
            raise ValueError(f"{made.code}: no major class {made.code[:2]}")
    return codes


def _code(row: dict[str, Any]) -> Code:
    values = {_NAMES.get(key, key): value for key, value in row.items()}
    made = Code(**values | {"source": tuple(values.get("source", ()))})
    if made.confidence not in CONFIDENCE or not isinstance(made.code, str) or not isinstance(made.name, str):
        raise ValueError(f"{made.code}: code and name are texts, confidence is one of {', '.join(CONFIDENCE)}")
    if made.valid_from and made.valid_to and made.valid_from >= made.valid_to:
        raise ValueError(f"{made.code} ends before it begins")
    return made


def _no_two(found: CodeList, file: str) -> None:
    spans: dict[tuple[str, str | None], list[tuple[date, date]]] = defaultdict(list)
    for one in found.codes:
        begin, end = one.valid_from or date.min, one.valid_to or date.max
        for other_begin, other_end in spans[one.code, one.kind]:
            if max(begin, other_begin) < min(end, other_end):
                raise Usage("CH-CODE-002", file=file, detail=f"{one.code} stands twice for {max(begin, other_begin)}")
        spans[one.code, one.kind].append((begin, end))
