"""Identifiers cut into their parts: unit grids, parts, matters, each by the widths of its standard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from extracts.codes import lists


@dataclass(frozen=True)
class Layout:
    """How one kind of identifier is put together: name and width of each part, from left to right."""

    id: str
    title_zh: str
    title_en: str
    standard: str
    pattern: str
    parts: tuple[tuple[str, int], ...]
    confidence: str
    source: str
    valid_from: date | None = None
    valid_to: date | None = None
    kind: str | None = None
    classes: str | None = None

    def cut(self, text: str) -> dict[str, str] | None:
        """The parts by name; None where the text is no such identifier."""
        if not re.fullmatch(self.pattern, text):
            return None
        found, at = {}, 0
        for name, width in self.parts:
            found[name], at = text[at : at + width], at + width
        return found


@cache
def layouts() -> dict[str, Layout]:
    """All layouts by id."""
    items = lists.document(lists.FOLDER / "identifiers.yaml")["identifiers"]
    return {item["id"]: _layout(item) for item in items}


def _layout(item: dict[str, Any]) -> Layout:
    title, parts = item["title"], tuple(item["parts"].items())
    return Layout(
        item["id"], title["zh"], title["en"], item["standard"], item["pattern"], parts, item["confidence"],
        item["source"], item.get("from"), item.get("to"), item.get("kind"), item.get("classes"),
    )  # fmt: skip
