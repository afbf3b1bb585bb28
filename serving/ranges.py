"""Byte ranges of files (RFC 9110, 14): one range; several at once are answered with the whole file, as may be."""

from __future__ import annotations

import re

from cityhub.errors import Stop
from serving.problems import Problem

_ONE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII)


def read(given: str | None, size: int) -> tuple[int, int] | None:
    """First byte and number of bytes that `Range` asks for; None for the whole file: no range, several, or none that
    can be read. Raises `Problem` 416 (CH-SERVE-016) for a range outside of the file."""
    match = _ONE.fullmatch(given) if given else None
    if given is None or match is None or match[1] == match[2] == "":
        return None
    first, last = match[1], match[2]
    if first == "":
        count = min(int(last), size)
        if count == 0:
            _outside(given, size)
        return size - count, count
    begin = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < begin:
        return None
    if begin >= size:
        _outside(given, size)
    return begin, end - begin + 1


def _outside(given: str, size: int) -> None:
    error = Stop("CH-SERVE-016", range=given[:60], bytes=size)
    raise Problem(error, headers={"Content-Range": f"bytes */{size}"})
