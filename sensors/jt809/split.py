"""Frames out of a stream: whatever the cuts of the socket, and whatever stands between frames."""

from __future__ import annotations

from typing import Literal, NamedTuple

from sensors.jt809.frame import END, LONGEST, START

Kind = Literal["frame", "truncated", "garbage", "oversized"]


class Piece(NamedTuple):
    """Bytes of the stream. A "frame" runs from 5b to the next 5d; "truncated" from 5b to before another 5b;
    "garbage" stands between frames; "oversized" did not end within the limit.
    """

    kind: Kind
    raw: bytes


class Splitter:
    """All bytes come out again, in order, once; at most `longest` of them wait for more."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._rest = bytearray()
        self._seen = 0  # bytes of the rest already searched: a slow sender must not cost a search each time

    def take(self, data: bytes) -> list[Piece]:
        """The pieces that are complete with `data`."""
        rest, pieces, place = self._rest, [], 0
        rest += data
        look = self._seen
        while place < len(rest):
            if rest[place] != START:
                start = rest.find(START, place)
                start = len(rest) if start < 0 else start
                pieces.append(Piece("garbage", bytes(rest[place:start])))
                place = look = start
                continue
            look = max(look, place + 1)
            end = rest.find(END, look)
            again = rest.find(START, look, len(rest) if end < 0 else end)
            if again >= 0:
                pieces.append(Piece("truncated", bytes(rest[place:again])))
                place = look = again
            elif end >= 0:
                pieces.append(Piece("frame", bytes(rest[place : end + 1])))
                place = look = end + 1
            elif len(rest) - place > self._longest:
                pieces.append(Piece("oversized", bytes(rest[place:])))
                place = look = len(rest)
            else:
                look = len(rest)
                break
        del rest[:place]
        self._seen = max(0, look - place)
        return pieces

    def left(self) -> list[Piece]:
        """What waits for an end that will not come; nothing waits afterwards."""
        raw, self._seen = bytes(self._rest), 0
        self._rest.clear()
        return [Piece("truncated", raw)] if raw else []


def pieces(blob: bytes) -> list[Piece]:
    """All pieces of a stored blob."""
    splitter = Splitter(max(LONGEST, len(blob)))
    return splitter.take(blob) + splitter.left()
