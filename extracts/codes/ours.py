"""Our own words as classes of the standard in force: data, with what each is worth. What has no class stays without."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from cityhub.errors import Usage
from extracts.codes import lists

LIST = "classes_2026"
MEANINGS = ("same", "near")
KEYS = {"code", "meaning", "among", "why"}


@dataclass(frozen=True)
class Word:
    """One value of a column of ours. `code`: its class, None where there is none or where it is one of `among`;
    `confidence`: that of the code, but `derived` where only the meaning is near; `why`: what is to be known."""

    value: str
    kind: str
    code: str | None = None
    confidence: str | None = None
    among: tuple[str, ...] = ()
    why: str | None = None


@dataclass(frozen=True)
class Column:
    """The words of `table.column`; the only one of `table.*` is `*`, for every row."""

    column: str
    feed: str
    kind: str
    valid_from: date
    words: dict[str, Word]


@cache
def columns() -> dict[str, Column]:
    """All columns that are mapped; raises `Usage` CH-CODE-002 for a class that the list does not have."""
    content = lists.document(lists.FOLDER / "ours.yaml")
    try:
        made = [_column(item, content["from"]) for item in content["columns"]]
    except (KeyError, TypeError, ValueError) as error:
        raise Usage("CH-CODE-002", file="ours.yaml", detail=f"{type(error).__name__}: {error}") from None
    return {item.column: item for item in made}


def find(column: str, value: str, on: date) -> Word | None:
    """The word of a value; None where nobody has said anything about it for the day."""
    known = columns().get(column)
    if known is None or on < known.valid_from:
        return None
    word = known.words.get(value)
    if word and word.code and lists.find(LIST, word.code, on, word.kind) is None:
        return None
    return word


def _column(item: dict[str, Any], since: date) -> Column:
    words = {value: _word(value, item["kind"], row, since) for value, row in item["values"].items()}
    return Column(item["column"], item["feed"], item["kind"], since, words)


def _word(value: str, kind: str, row: dict[str, Any], since: date) -> Word:
    if row.keys() - KEYS:
        raise ValueError(f"{value}: what is {', '.join(sorted(row.keys() - KEYS))}")
    code, among, why = row.get("code"), tuple(row.get("among", ())), row.get("why")
    known = {named: lists.find(LIST, named, since, kind) for named in (*among, *([code] if code else ()))}
    lost = [named for named, entry in known.items() if entry is None]
    if lost or (code is not None) != ("meaning" in row) or (code is None and not why):
        raise ValueError(f"{value}: {', '.join(lost) or 'a code with its meaning, or why there is none'}")
    if code is None:
        return Word(value, kind, among=among, why=why)
    if row["meaning"] not in MEANINGS:
        raise ValueError(f"{value}: meaning is one of {', '.join(MEANINGS)}")
    entry = known[code]
    assert entry is not None  # lost would have it
    return Word(value, kind, code, entry.confidence if row["meaning"] == "same" else "derived", why=why)
