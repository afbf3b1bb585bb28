"""One column of a source as a field of the spec, with what was guessed and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cityhub.draft import personal
from cityhub.draft.sample import Sample, columns, flat
from cityhub.draft.values import MISSING, Look, bare, is_identity, look, unit_in
from cityhub.draft.words import Word, Words, plain
from cityhub.spec.units import FACTORS, factor

MOST_CODES = 12
_FREE = {"district", "name", "address", "note", "evidence", "provenance"}  # texts that no list can hold
_COUNTED = ("count", "users", "points", "seq")
RESERVED = {"service_day", "unit_code", "lon_wgs84", "lat_wgs84"}


@dataclass
class Drafted:
    """One field: our `name`, its entry in the spec, why it is so, what its values look like."""

    name: str
    entry: dict[str, Any]
    look: Look
    word: Word | None = None
    why: list[str] = field(default_factory=list)

    @property
    def source(self) -> str:
        """The source's name."""
        return str(self.entry["from"])

    @property
    def unique(self) -> bool:
        """Whether every row has a value and no two the same."""
        return len(self.look.filled) == len(set(self.look.filled)) > 0


def looks(sample: Sample) -> dict[str, Look]:
    """Every column of the sample as it looks."""
    found = columns(flat(row) for row in sample.rows)
    names = dict.fromkeys([*found, *sample.types])
    return {
        name: look(name, found.get(name, []), decimal=sample.decimal, declared=sample.types.get(name)) for name in names
    }


def drafted(sample: Sample, words: Words, taken: Mapping[str, Drafted]) -> list[Drafted]:
    """The fields of all columns; those in `taken` (by source name, from a template) stay as they are."""
    made: list[Drafted] = []
    found_all = looks(sample)
    for own in _own(found_all, taken):
        del found_all[own]
    used = {item.name for item in taken.values()}
    placed = words.placed(found_all)
    for number, (source, found) in enumerate(found_all.items(), 1):
        if source in taken:
            made.append(taken[source])
            continue
        word = words.find(source, found, placed=placed)
        name, why = _name(source, word, used, number)
        used.add(name)
        item = Drafted(name, {"from": source}, found, word, [why])
        describe(item, words)
        made.append(item)
    _unswap(made)
    return made


def _own(found: Mapping[str, Look], taken: Mapping[str, Drafted]) -> list[str]:
    """What the gateway adds to messages and no field is needed for; the topic stays where no column names a device."""
    named = any(is_identity(name) for name in found if not name.startswith("_"))
    drop = {"_received_at"} | ({"_topic"} if named else set())
    return [name for name in found if name in drop and name not in taken]


def _name(source: str, word: Word | None, used: set[str], number: int) -> tuple[str, str]:
    if word is not None and word.name not in used:
        return word.name, "by its name" if plain(bare(source)) == plain(word.title) else f"{source} is {word.title}"
    if word is not None:
        return _free(f"{word.name}_{number}", used), f"{source} is {word.title} too, a name of its own would be better"
    narrow = unicodedata.normalize("NFKC", source)
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", narrow)
    snake = re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")
    if not snake or not snake[0].isalpha() or re.search(r"[^\x00-\x7f]", narrow):
        return _free(f"column_{number}", used), f"no word of the synonym list is {source}, give it a name"
    return _free(f"{snake}_value" if snake in RESERVED else snake, used), "named as the source names it"


def _free(name: str, used: set[str]) -> str:
    while name in used:
        name += "_2"
    return name


def describe(item: Drafted, words: Words) -> None:
    """Fill the entry: type, format, unit, bounds, codes, words for nothing, personal."""
    found, entry, word = item.look, item.entry, item.word
    text_word = word is not None and word.type == "text"
    kind = "text" if found.numbers and found.type != "boolean" and text_word else found.type
    if word is not None and word.type == "boolean" and found.type in {"integer", "boolean"}:
        kind = "boolean"
    if kind in {"integer", "double"}:
        kind = _number_type(item)
    if kind != "text":
        entry.setdefault("type", kind)
    if found.format != "iso" and kind in {"timestamp", "date"}:
        entry["format"] = found.format
    if found.why:
        item.why.append(found.why)
    if word is not None:
        own = bare(item.source)
        entry.setdefault("title", own if re.search(r"[\u4e00-\u9fff]", own) else word.title)
    if kind in {"integer", "double", "decimal"}:
        _measure(item)
    _personal(item)
    if kind == "text" and "personal" not in entry:
        _codes(item, words)
    if found.odd:
        entry["missing"] = [*MISSING, *found.odd]
        item.why.append(f"{', '.join(found.odd)} taken as missing")


def _number_type(item: Drafted) -> str:
    """Whole numbers in a sample are no promise: only what is counted is an integer, money and weights are exact."""
    word = item.word
    if word is not None and word.exact:
        return "decimal"
    counted = word is not None and word.unit is None and word.name.endswith(_COUNTED)
    return "integer" if item.look.type == "integer" and (counted or (word is None and item.look.declared)) else "double"


def _measure(item: Drafted) -> None:
    """Unit and bounds of a number."""
    word, entry, found = item.word, item.entry, item.look
    unit = unit_in(item.source)
    bounded = word is not None and (word.min is not None or word.max is not None)
    if word is None or not bounded:
        item.why.append(f"{found.seen()}, unit {unit or 'unknown'}; add min and max")
    if word is None:
        return
    if word.name in {"lon", "lat"}:
        if found.typical is not None and abs(found.typical) > 1e6:
            entry |= {"unit": "1e-6deg", "to": "deg"}
            item.why.append("millionths of a degree")
    elif word.unit is not None:
        set_unit(item, word.unit, unit)
    for side in ("min", "max"):
        if getattr(word, side) is not None:
            entry.setdefault(side, getattr(word, side))
    low, high = entry.get("min"), entry.get("max")
    scale = float(factor(entry.get("unit", ""), entry.get("to", "")) or 1)
    beyond = sum(
        (low is not None and v * scale < low) or (high is not None and v * scale > high) for v in found.numbers
    )
    if beyond and word.name not in {"lon", "lat"}:
        item.why.append(f"{beyond} of {len(found.numbers)} values lie outside {low} … {high}: wrong unit or name?")


def set_unit(item: Drafted, ours: str, theirs: str | None) -> None:
    """From the source's unit to ours; the size of the values decides where the name does not say."""
    high = item.look.high
    if theirs is None and high is not None and not _within(item, high, ours, ours):
        fitting = [u for u, to in FACTORS if to == ours and _within(item, high, u, ours)]
        if len(fitting) == 1:
            theirs = fitting[0]
            item.why.append(f"{item.look.seen()}: too large or small for {ours}, so {theirs}")
    if theirs is None:
        item.why.append(f"taken as {ours}")
    elif theirs != ours and factor(theirs, ours) is not None:
        item.entry |= {"unit": theirs, "to": ours}
        item.why.append(f"{theirs} stored as {ours}")
    elif theirs != ours:
        item.why.append(f"the name says {theirs}, the hub has no factor to {ours}")


def _within(item: Drafted, value: float, unit: str, ours: str) -> bool:
    low = item.entry.get("min", item.word.min if item.word else None)
    high = item.entry.get("max", item.word.max if item.word else None)
    number = abs(value) * float(factor(unit, ours) or 1)
    smallest = 0 if high is None else high / 2000  # grams would fit below any bound
    return (high is None or number <= high) and (low is None or number >= low) and (number == 0 or number >= smallest)


def _personal(item: Drafted) -> None:
    form = personal.guess(item.source, item.look.filled)
    how = item.word.personal if item.word else "no"
    if how == "no" and form:
        how = "hash"
    if how != "no" and "personal" not in item.entry:
        item.entry.pop("type", None)
        item.entry["personal"] = how
        item.why.append(f"about a person ({form or 'by its name'}): {how}")


def _codes(item: Drafted, words: Words) -> None:
    """A code list where few short texts come again and again."""
    counts = item.look.distinct
    named = item.word is not None and (item.word.name in _FREE or item.word.name.endswith(("_id", "_no", "_name")))
    if named or is_identity(item.source) or not 2 <= len(counts) <= MOST_CODES:
        return
    if len(item.look.filled) < 3 * len(counts) or any(len(text) > 16 for text in counts):
        return
    item.entry["codes"] = {text: words.values.get(text, text) for text in counts}
    item.entry["unknown_code"] = "keep"
    item.why.append(f"{len(counts)} texts seen; put the hub's words on the right")


def _unswap(items: list[Drafted]) -> None:
    """Longitude in the column that is named latitude and the other way round: say so and read them crosswise."""
    found = {item.name: item for item in items if item.name in {"lon", "lat"} and item.look.typical is not None}
    if len(found) < 2:
        return
    lon, lat = (abs(found[name].look.typical or 0) for name in ("lon", "lat"))
    lon, lat = (value / 1e6 if value > 1e6 else value for value in (lon, lat))
    if 3 <= lon <= 54 and 73 <= lat <= 136:
        one, other = found["lon"], found["lat"]
        one.entry["from"], other.entry["from"] = other.entry["from"], one.entry["from"]
        one.look, other.look = other.look, one.look
        for item in (one, other):
            item.why = [f"longitude and latitude look swapped at the source: values of {item.source} fit {item.name}"]
