"""Frames of HJ 212 in a stream: `##`, four digits of length, data segment, four hexadecimal digits of checksum, CR LF.

Devices lie about the length, forget the line end, and are cut off in the middle. What counts, in this order:

1. A line end, or the head of a next frame (`##0123QN=`), inside the declared length ends the frame there.
2. `&&` and a checksum that matches (any known variant) at the declared place: a frame, `length_valid`.
3. Else the frame goes to the next line end or head. It is good only with the standard's own checksum over what really
   stands there and a readable header (`length_valid` false); a frame whose length and checksum are both wrong never is.

Every decision depends on the bytes of the stream alone, so any split of it gives the same frames, and each byte is
looked at a bounded number of times.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from sensors.hj212 import crc

MAX_FRAME = 16_384  # four digits of length allow 10,009 bytes; beyond this a frame without an end is cut
MAX_NOISE = 4_096

_HEADS = rb"##\d{4}(?i:QN|ST|CN|PW|MN|FLAG)="
_LONGEST_HEAD = 16
_END = re.compile(rb"[\r\n]|" + _HEADS)
_START = re.compile(rb"##")
_BLANKS = b"\r\n\t \x00"
_SKIP = re.compile(rb"[\r\n\t \x00]*")
_SANE = re.compile(rb"(?:[A-Za-z]{2,4}=[^;&]*;){2,12}CP=&&")
_HEX = frozenset(b"0123456789abcdefABCDEF")


class Item(NamedTuple):
    """A frame or what was found in its place: bytes `start` to `end` of the buffer, the line end not included.

    `variant`: the checksum that matched, None for a bad one, whose `reason` says why: bad_checksum (length right),
    length_and_checksum, truncated, bad_length (no four digits), oversized, noise (no frame at all).
    """

    start: int
    end: int
    variant: str | None
    length_valid: bool
    reason: str | None


def scan(buffer: bytes, *, final: bool = False, searched: int = 0) -> tuple[list[Item], int]:
    """All frames of a buffer, and where the rest that is not decided yet begins.

    `final`: nothing comes after this, so the rest is decided, too. `searched`: up to here the first frame's end was
    looked for in vain in an earlier call, so that a trickle of bytes costs no more than a flood.
    """
    found: list[Item] = []
    position, size = 0, len(buffer)
    while position < size:
        due = _due(buffer, position)
        failed = searched >= due  # its checksum was looked at in an earlier call
        if due <= size and not failed and not _ends_early(buffer, position, due):  # the usual case
            variant = _checked(buffer[position + 6 : due - 4], buffer[due - 4 : due])
            if variant is not None:
                found.append(Item(position, due, variant, True, None))
                position, searched = due + 2 if buffer.startswith(b"\r\n", due) else due, 0
                continue
            failed = True
        position = _SKIP.match(buffer, position).end()  # type: ignore[union-attr]  # matches the empty string
        if position >= size:
            return found, size
        head = buffer[position : position + 6]
        if head == b"##"[: len(head)] or head.startswith(b"##"):
            item = _frame(buffer, position, final, searched, failed) if len(head) == 6 or final else None
        else:
            item = _noise(buffer, position, final)
        if item is None:
            return found, position
        found.append(item)
        position, searched = item.end, 0
    return found, size


def _due(buffer: bytes, position: int) -> int:
    """Where a frame that begins here ends by its declared length; endless when none begins here."""
    digits = buffer[position + 2 : position + 6]
    if buffer.startswith(b"##", position) and len(digits) == 4 and digits.isdigit():
        return position + 10 + int(digits)
    return sys.maxsize


def _ends_early(buffer: bytes, position: int, due: int) -> bool:
    return (
        buffer.find(b"\n", position, due) >= 0
        or buffer.find(b"\r", position, due) >= 0
        or (buffer.find(b"##", position + 1, due) >= 0 and _END.search(buffer, position + 1, due) is not None)
    )


def _checked(segment: bytes, text: bytes) -> str | None:
    if not segment.endswith(b"&&"):
        return None
    sent = number(text)
    return None if sent is None else crc.variant(segment, sent)


def number(text: bytes) -> int | None:
    """Four hexadecimal digits, either case, as a number."""
    return int(text, 16) if len(text) == 4 and _HEX.issuperset(text) else None


def _frame(buffer: bytes, start: int, final: bool, searched: int, failed: bool) -> Item | None:
    """The frame that begins at `start` with `##`; None when its end has not come. `failed`: no variant of the checksum
    stands at the declared place.
    """
    size, limit, due = len(buffer), start + MAX_FRAME, _due(buffer, start)
    declared = None if due == sys.maxsize else due - start - 10
    begin = max(start + 1, searched - _LONGEST_HEAD)
    early = _END.search(buffer, begin, min(due, size)) if declared is not None else None
    if early is not None:
        return judge(buffer, start, early.start(), declared)
    if declared is not None and size < due and not final:
        return None
    if declared is not None and due <= size and not failed:
        variant = _checked(buffer[start + 6 : due - 4], buffer[due - 4 : due])
        if variant is not None:
            return Item(start, due, variant, True, None)
    late = _END.search(buffer, begin, min(limit, size))
    if late is not None:
        return judge(buffer, start, late.start(), declared)
    if size >= limit:
        return Item(start, limit, None, False, "oversized")
    return judge(buffer, start, size, declared) if final else None


def judge(buffer: bytes, start: int, end: int, declared: int | None) -> Item:
    """A frame of which the end is known by other signs than its declared length."""
    if declared is None:
        return Item(start, end, None, False, "bad_length")
    last = end
    while last > start + 6 and buffer[last - 1] in _BLANKS:
        last -= 1
    actual = last - start - 10
    segment, sent = buffer[start + 6 : last - 4], number(buffer[max(start + 6, last - 4) : last])
    if actual == declared:
        variant = None if sent is None else crc.variant(segment, sent)
        return Item(start, last if variant else end, variant, True, None if variant else "bad_checksum")
    closed = sent is not None and segment.endswith(b"&&")
    if closed and _SANE.match(segment) and crc.checksum(segment) == sent:
        return Item(start, last, crc.HJ212, False, None)
    return Item(start, end, None, False, "truncated" if actual < declared and not closed else "length_and_checksum")


def _noise(buffer: bytes, start: int, final: bool) -> Item | None:
    """Bytes that belong to no frame, up to the next `##`."""
    limit = start + MAX_NOISE
    following = _START.search(buffer, start + 1, min(limit + 1, len(buffer)))
    if following is not None:
        return Item(start, following.start(), None, False, "noise")
    if len(buffer) > limit:
        return Item(start, limit, None, False, "noise")
    return Item(start, len(buffer), None, False, "noise") if final else None


class Framer:
    """The frames of one connection; at most `MAX_FRAME` bytes of an unfinished one are kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._searched = 0

    def feed(self, data: bytes, *, final: bool = False) -> tuple[bytes, list[Item]]:
        """The buffer that the offsets of the items mean, and the items."""
        buffer = self._rest + data if self._rest else data
        items, position = scan(buffer, final=final, searched=self._searched)
        self._rest = buffer[position:]
        self._searched = len(self._rest)
        return buffer, items

    @property
    def waiting(self) -> int:
        """Bytes of an unfinished frame."""
        return len(self._rest)
