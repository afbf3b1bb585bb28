"""Whether a column holds personal data that nobody marked: its name and a sample of its values, never one of them.

A check digit with a birthday is proof enough for an identity card; eleven digits that begin like a mobile number are
not, since meters and lamps have such numbers too: the column's name must say so, or the value stand in a free text,
or nearly all values fit and begin in as many ways as those of people do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from cityhub import personal
from warehouse.personal.seal import TOKEN

Kind = Literal["id_card", "mobile", "name", "old_id_card"]
KINDS: dict[Kind, str] = {
    "id_card": "identity-card numbers",
    "mobile": "mobile numbers",
    "name": "names of people",
    "old_id_card": "numbers that may be identity cards of before 1999",
}
# As the engine writes it, and coarse: what it finds is looked at again here.
CANDIDATE = r"(^|[^0-9])(1[3-9][0-9]{9}|[1-9][0-9]{16}[0-9Xx]|[1-9][0-9]{14})([^0-9]|$)"
_PHONE = re.compile(r"(?i)电话|手机|联系方式|号码簿|phone|mobile|\btel|tel$|lxdh|lxfs|sjh|dhhm|caller")
_PERSON = re.compile(
    r"(?i)姓名|联系人|负责人|司机|驾驶员|投诉人|举报人|caller|contact|person_?name|(^|_)(xm|lxr|jsy|name)$"
)
_CARD = re.compile(r"(?i)身份证|证件|sfz|id_?card|idno|zjh")
MOST_FIT, SOME_FIT = 0.8, 0.5
WAYS = 3  # of beginning, among numbers of many people


@dataclass(frozen=True)
class Suspect:
    """A column, what it seems to hold, in how many of how many values, and the shape of one: 138****xx."""

    column: str
    kind: Kind
    values: int
    of: int
    shape: str

    @property
    def share(self) -> float:
        """Part of the values looked at."""
        return self.values / self.of if self.of else 0.0


def suspects(
    columns: Mapping[str, Iterable[str]], today: date, titles: Mapping[str, str] | None = None
) -> list[Suspect]:
    """What unmarked columns seem to hold; `titles`: further names of a column (ours, the Chinese one)."""
    found = []
    for column, values in columns.items():
        texts = [text.strip() for text in values if text and not text.startswith(TOKEN)]
        suspect = judge(column, f"{column} {(titles or {}).get(column, '')}", texts, len(texts), today)
        if suspect is not None:
            found.append(suspect)
    return found


def judge(column: str, names: str, texts: list[str], of: int, today: date) -> Suspect | None:
    """The strongest suspicion about one column; `texts` are its values or those among `of` that are candidates."""
    words = names.split()
    named = {
        kind: any(pattern.search(word) for word in words)
        for kind, pattern in (("mobile", _PHONE), ("name", _PERSON), ("card", _CARD))
    }
    cards = [match[1] for text in texts for match in personal.ID_CARD.finditer(text)]
    good = [card for card in cards if personal.is_id_card(card, today)]
    if good and len(good) >= SOME_FIT * len(cards):  # of numbers that only look alike, one in eleven passes
        return Suspect(column, "id_card", len(good), of, personal.shape(good[0]))
    phones = [(text, match) for text in texts if (match := personal.MOBILE.search(text))]
    if phones and (named["mobile"] or _free(phones) or _all_alike([match[1] for _, match in phones], of)):
        return Suspect(column, "mobile", len(phones), of, personal.shape(phones[0][1][1]))
    if named["name"]:
        people = [text for text in texts if personal.NAME.fullmatch(text) and text[0] in personal.SURNAMES]
        if people and len(people) >= SOME_FIT * len(texts):
            return Suspect(column, "name", len(people), of, personal.shape(people[0]))
    old = [text for text in texts if personal.is_old_id_card(text, today)]
    if old and named["card"] and len(old) >= MOST_FIT * len(texts):
        return Suspect(column, "old_id_card", len(old), of, personal.shape(old[0]))
    return None


def _free(phones: list[tuple[str, re.Match[str]]]) -> bool:
    """Whether a number stands inside a text with Chinese words: nobody writes the number of a lamp so."""
    return any(match[0] != text and any(char >= "\u2e80" for char in text) for text, match in phones)


def _all_alike(numbers: list[str], of: int) -> bool:
    return len(numbers) >= MOST_FIT * of and len(numbers) >= 5 and len({number[:3] for number in numbers}) >= WAYS


def may_be_names(names: str) -> bool:
    """Whether a column's names say that people stand in it."""
    return any(_PERSON.search(word) for word in names.split())
