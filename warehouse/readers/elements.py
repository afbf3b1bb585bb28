"""The elements of a JSON array as they stand, also where one of them is no JSON."""

from __future__ import annotations

import re

_BOM = b"\xef\xbb\xbf"
_MARKS = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{},]', re.DOTALL)


def elements(array: bytes) -> list[bytes]:
    """The texts between the commas of an array; raises `ValueError` for what does not end where its array ends."""
    text = array.removeprefix(_BOM).strip()
    if text[:1] + text[-1:] != b"[]":
        raise ValueError("no array")
    found: list[bytes] = []
    depth, since = 0, 1
    for mark in _MARKS.finditer(text):
        sign = mark.group()
        depth += (sign in (b"[", b"{")) - (sign in (b"]", b"}"))
        ends = depth == 0
        if ends and mark.end() < len(text):
            raise ValueError("the array ends before the text does")
        if ends or (depth == 1 and sign == b","):
            found.append(text[since : mark.start()].strip())
            since = mark.end()
    if depth or (b"" in found and found != [b""]):
        raise ValueError("the array does not end, or has an empty place")
    return [] if found == [b""] else found
