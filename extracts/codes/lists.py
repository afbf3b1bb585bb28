"""Lists of codes with validity dates and confidence, read from `data/*.yaml`; looked up for a day.

Confidence: `seen` in several independent public sources, `seen-1` in one, `memory` not read anywhere. What is not in a
list is not known: a look-up answers None, and nobody guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cityhub.errors import Usage

FOLDER = Path(__file__).parent / "data"
NAMES = ("divisions", "classes_2013", "classes_2026", "units")
CONFIDENCE = ("seen", "seen-1", "memory")


@dataclass(frozen=True)
class Code:
    """One code of a list. `valid_from` (inclusive) and `valid_to` (exclusive) are None where no end is known; `kind` is
    `part` or `matter` for classes; `former` is the code before it in the list that this one replaced."""

    code: str
    name: str
    confidence: str
    valid_from: date | None = None
    valid_to: date | None = None
    kind: str | None = None
    level: str | None = None
    former: str | None = None

    def valid(self, on: date) -> bool:
        """Whether it is in force on a day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True)
class CodeList:
    """All codes of one list, valid or not."""

    id: str
    title_zh: str
    title_en: str
    standard: str
    codes: tuple[Code, ...]


@cache
def read(name: str) -> CodeList:
    """One list; raises `Usage` CH-CODE-001 for one that there is not, CH-CODE-002 for a broken file."""
    if name not in NAMES:
        raise Usage("CH-CODE-001", list=name, found=", ".join(NAMES))
    return parse(FOLDER / f"{name}.yaml")


def parse(path: Path) -> CodeList:
    """The list of a file; raises `Usage` CH-CODE-002 where a row is no code, or two rows claim one code on one day."""
    content = document(path)
    try:
        codes = tuple(_code(item, content.get("from"), content.get("to")) for item in content["entries"])
        title = content["title"]
        found = CodeList(content["list"], title["zh"], title["en"], content["standard"], codes)
    except (KeyError, TypeError, ValueError) as error:
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
    return tuple(item for item in read(name).codes if item.code == code)


def _code(item: dict[str, Any], first: date | None, end: date | None) -> Code:
    values = {"valid_from": first, "valid_to": end} | {
        {"from": "valid_from", "to": "valid_to"}.get(key, key): value for key, value in item.items()
    }
    made = Code(**values)
    if made.confidence not in CONFIDENCE or not isinstance(made.code, str) or not isinstance(made.name, str):
        raise ValueError(f"{made.code}: code and name are texts, confidence is one of {', '.join(CONFIDENCE)}")
    if made.valid_from and made.valid_to and made.valid_from >= made.valid_to:
        raise ValueError(f"{made.code} ends before it begins")
    return made


def _no_two(found: CodeList, file: str) -> None:
    for number, one in enumerate(found.codes):
        for other in found.codes[:number]:
            same = (one.code, one.kind) == (other.code, other.kind)
            begin = max(one.valid_from or date.min, other.valid_from or date.min)
            if same and begin < min(one.valid_to or date.max, other.valid_to or date.max):
                raise Usage("CH-CODE-002", file=file, detail=f"{one.code} stands twice for {begin}")
