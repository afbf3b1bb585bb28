"""One personal value at landing's edge: judged while it is in clear, then hashed, masked or dropped for good.

What lands is a token, `~hub:<h|m|d>:<reason>:<text>`: how it was protected, why the row is refused (empty: it is
not), and what stands in its place. The load takes text and reason over and protects nothing a second time; it
knows from the manifest, never from a value's looks, that a source column holds tokens. A word that means
"missing" stays as it is, since nobody is behind it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import FieldSpec
from warehouse.compile_types import narrow

How = Literal["hash", "mask", "drop"]
TOKEN = "~hub:"
WITHHELD = "~hub:w::"
_LETTER = {"hash": "h", "mask": "m", "drop": "d"}
_REMEMBERED = 100_000
# What the macro hub_narrow does.
_NARROW = str.maketrans(
    "".join(chr(code) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B)))
    + "\u3000\xa0\ufeff",
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz   ",
)


def hub_text(text: str) -> str:
    """As the macro of that name: full-width letters and digits narrow, blanks around it gone."""
    return (text if text.isascii() else text.translate(_NARROW)).strip(" \t\n\r")


def hub_hash(key: str, text: str) -> str:
    """As the macro of that name: 64 hexadecimal digits."""
    inner = hashlib.sha256((key + text).encode("utf-8", "surrogatepass")).hexdigest()
    return hashlib.sha256((key + inner).encode()).hexdigest()


def hub_mask(text: str) -> str:
    """As the macro of that name: 138****78, and one character of short values."""
    return f"{text[:3]}****{text[-2:]}" if len(text) >= 8 else f"{text[:1]}****"


@dataclass
class Seal:
    """How one source column is protected. `memory` spares hashing the same person again; it is never written."""

    source: str
    how: How
    key: str
    missing: frozenset[str] = frozenset({""})
    codes: dict[str, str] = field(default_factory=dict)
    keep_unknown: bool = True
    pattern: re.Pattern[str] | None = None
    memory: dict[str, str] = field(default_factory=dict, repr=False)

    def __call__(self, text: str) -> str:
        """The token for a received text; the text itself where it means that there is no value."""
        found = self.memory.get(text)
        if found is None:
            found = self._token(text)
            if len(self.memory) >= _REMEMBERED:
                self.memory.clear()
            self.memory[text] = found
        return found

    def _token(self, text: str) -> str:
        value = hub_text(text)
        if value in self.missing:
            return text
        reason = ""
        if self.pattern is not None and not self.pattern.fullmatch(value):
            reason = "pattern"
        if self.codes and value not in self.codes and not self.keep_unknown:
            reason = "unknown_code"
        value = self.codes.get(value, value)
        shown = {"hash": hub_hash(self.key, value), "mask": hub_mask(value), "drop": "****"}[self.how]
        return f"{TOKEN}{_LETTER[self.how]}:{reason}:{shown}"


def withheld(key: str, text: str) -> str:
    """What stands in the place of a line or value in which nobody can say where the personal part is."""
    return WITHHELD + hub_hash(key, text)


def seals(spec: FeedSpec, key: str) -> dict[str, Seal]:
    """Source column → how it is protected, for all personal fields of a spec. Raises `Stop` CH-PERS-003."""
    return {
        item.source: _seal(spec, name, item, item.personal, key)
        for name, item in spec.fields.items()
        if item.personal != "no"
    }


def _seal(spec: FeedSpec, name: str, item: FieldSpec, how: How, key: str) -> Seal:
    try:
        # ASCII: the engine's \d means 0 to 9, too.
        pattern = re.compile(item.pattern, re.ASCII) if item.pattern else None
    except re.error as error:
        raise Stop("CH-PERS-003", feed=spec.feed, field=name, detail=str(error)) from None
    return Seal(
        source=item.source,
        how=how,
        key=key,
        missing=frozenset({"", *(narrow(word) for word in item.missing)}),
        codes={narrow(have): want for have, want in item.codes.items()},
        keep_unknown=item.unknown_code == "keep",
        pattern=pattern,
    )
