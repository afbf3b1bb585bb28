"""The synonym list: what platforms call a thing and what the hub calls it (`feeds/words/synonyms.yaml`)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from cityhub.draft.values import Look, bare, unit_in
from cityhub.settings import REPOSITORY
from cityhub.spec.units import factor

_PAIR = ("lon", "lat")
FILE = Path("words") / "synonyms.yaml"


@dataclass(frozen=True)
class Word:
    """One of our names. `type`: number, time, boolean or text; `unit` is that of our name; bounds in that unit."""

    name: str
    words: tuple[str, ...]
    type: str = "text"
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    personal: str = "no"
    exact: bool = False

    @property
    def title(self) -> str:
        """The Chinese title."""
        return self.words[0]

    def suits(self, found: Look) -> bool:
        """Whether values that look so can be what the name means."""
        if not found.filled:
            return True
        if self.type == "number":
            return bool(found.numbers)
        if self.type == "time":
            return found.type in {"timestamp", "date"}
        if self.type == "boolean":
            return found.type == "boolean" or set(found.distinct) <= {"0", "1"}
        return found.type not in {"timestamp", "date"}

    def holds(self, value: float | None, unit: str | None) -> bool:
        """Whether a typical value, converted from its unit, lies within the bounds."""
        if value is None:
            return True
        if self.name in {"lon", "lat"}:  # also in millionths, also in each other's column
            return 3 <= abs(value) / (1e6 if abs(value) > 1e6 else 1) <= 136
        scale = factor(unit, self.unit) if unit and self.unit else 1
        number = value * float(scale if scale is not None else 1)
        return (self.min is None or number >= self.min) and (self.max is None or number <= self.max)


@dataclass(frozen=True)
class Words:
    """The whole list. `values` maps words in records, `districts` codes and names of districts to units."""

    names: tuple[Word, ...]
    values: dict[str, str] = field(default_factory=dict)
    districts: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _by_word(self) -> dict[str, list[Word]]:
        found: dict[str, list[Word]] = {}
        for word in self.names:
            for text in dict.fromkeys(plain(item) for item in (word.name, *word.words)):
                found.setdefault(text, []).append(word)
        return found

    def named(self, name: str) -> Word | None:
        """The entry of one of our names."""
        return next((word for word in self.names if word.name == name), None)

    def placed(self, sources: Iterable[str]) -> bool:
        """Whether columns with these names can be a pair of coordinates: WD alone is a temperature."""
        known = {text for source in sources for text in (plain(source.rpartition(".")[2]),)}
        return all(any(plain(w) in known for word in self.names if word.name == n for w in word.words) for n in _PAIR)

    def find(self, source: str, found: Look, *, placed: bool = True) -> Word | None:
        """What a source's column probably is: by its name, among several by type, unit and size of its values.
        `placed`: there is a pair of coordinates among the columns."""
        last = source.rpartition(".")[2]
        unit = unit_in(last)
        tries = dict.fromkeys((plain(last), plain(bare(last))))
        candidates = [
            word
            for text in tries
            for word in self._by_word.get(text, ())
            if word.suits(found) and (placed or word.name not in _PAIR)
        ]
        if unit is not None:
            candidates = [w for w in candidates if w.unit and factor(unit, w.unit) is not None] or candidates
        fitting = [word for word in candidates if word.holds(found.typical, unit)]
        return next(iter(fitting or candidates), None)


def plain(name: str) -> str:
    """A name as it is compared: no case, width, separators."""
    return re.sub(r"[\s_\-./:：]", "", unicodedata.normalize("NFKC", name)).lower()


def load(feeds: Path) -> Words:
    """The list of an installation's feeds folder, else the one that is shipped."""
    path = next(folder / FILE for folder in (feeds, REPOSITORY / "feeds") if (folder / FILE).is_file())
    raw: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    names = tuple(Word(name, tuple(map(str, item.pop("words"))), **item) for name, item in raw["names"].items())
    return Words(names, dict(raw.get("values", {})), dict(raw.get("districts", {})))
