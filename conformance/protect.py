"""Values of people replaced by others of the same form: the same value gives the same one, nobody gets back."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets as random
from typing import Any

from cityhub.spec.feed import FeedSpec
from conformance.records import Record, put, value

_CJK = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉"


class Protector:
    """One key a recording, kept nowhere."""

    def __init__(self) -> None:
        self._key = random.token_bytes(32)

    def record(self, spec: FeedSpec, row: Record) -> Record:
        """The record with its personal fields replaced, and with every column that the spec does not know: nobody
        has said what stands there."""
        known = {field.source for field in spec.fields.values()}
        tops = {source.split(".")[0] for source in known}
        for name in row:
            if name not in known and name not in tops and not name.startswith("_"):
                row = {**row, name: self._any(row[name])}
        for field in spec.fields.values():
            found = value(row, field.source)
            if field.personal != "no" and found is not None:
                row = put(row, field.source, self._fitting(found, field.pattern))
        return row

    def _any(self, found: Any) -> Any:
        if isinstance(found, dict):
            return {name: self._any(inner) for name, inner in found.items()}
        if isinstance(found, list):
            return [self._any(inner) for inner in found]
        return found if found is None or isinstance(found, bool) else self._like(found)

    def _fitting(self, found: Any, pattern: str | None) -> Any:
        new = self._like(found)
        if pattern and re.fullmatch(pattern, str(found)) and not re.fullmatch(pattern, str(new)):
            return re.sub(r"[0-9]", "0", str(found))
        return new

    def _like(self, found: Any) -> Any:
        text = str(found)
        digest = hmac.new(self._key, text.encode(), hashlib.sha512).digest()
        new = "".join(_same_kind(char, digest[place % len(digest)]) for place, char in enumerate(text))
        if isinstance(found, int):
            return int(new)
        return float(new) if isinstance(found, float) else new


def _same_kind(char: str, drawn: int) -> str:
    if char.isascii() and char.isdigit():
        return str(1 + drawn % 9)
    if char.isascii() and char.isalpha():
        return chr(ord("A" if char.isupper() else "a") + drawn % 26)
    return char if char.isascii() else _CJK[drawn % len(_CJK)]
