"""Messages in several packets (Flag bit D, PNUM packets, this one PNO).

Each packet is a frame of its own with header, checksum and answer, and is stored and answered when it comes: a device
that waits for the answer to packet 1 before it sends packet 2 would otherwise wait for ever. Most can be read alone:
each repeats DataTime and carries whole groups. Those that cannot (no DataTime, a group cut in the middle) are
joined once all are there; what is kept for that is bounded in number, bytes and time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sensors.hj212.segment import Segment, flag_of

MOST_PACKETS = 999
_FIRST = re.compile(r"\s*(?:[A-Za-z0-9_.]{2,40}-[A-Za-z0-9_-]{2,40}|[A-Za-z]{3,40})=")


@dataclass(frozen=True)
class Part:
    """One packet; `frame` as received without its line end."""

    key: tuple[str, str, str, int]
    number: int
    segment: Segment
    frame: bytes
    variant: str = ""
    length_valid: bool = True


@dataclass
class Group:
    """The packets of one message so far."""

    born: float
    by_number: dict[int, Part] = field(default_factory=dict)
    size: int = 0
    rounds: set[int] = field(default_factory=set)  # the deliveries of bytes that they came in

    def put(self, part: Part) -> int:
        """Keep a packet, the newer of two with one number; by how many bytes the group grew."""
        before = self.by_number.get(part.number)
        self.by_number[part.number] = part
        grown = len(part.frame) - (len(before.frame) if before else 0)
        self.size += grown
        return grown

    @property
    def parts(self) -> list[Part]:
        """The packets that are there, in order."""
        return [self.by_number[number] for number in sorted(self.by_number)]

    @property
    def complete(self) -> list[Part] | None:
        """All packets in order, each once; None while one is missing."""
        wanted = next(iter(self.by_number.values())).key[3]
        return self.parts if len(self.by_number) == wanted else None


def part_of(segment: Segment, frame: bytes, variant: str = "", length_valid: bool = True) -> Part | None:
    """The packet that a frame is; None when it is a whole message."""
    header = segment.header
    total, number = header.get("PNUM", ""), header.get("PNO", "")
    flag = flag_of(header.get("Flag", ""))
    if not (total or number) or (flag is not None and not flag & 2 and total in ("", "0", "1")):
        return None
    if not (total.isascii() and total.isdigit() and number.isascii() and number.isdigit()):
        return None
    if len(total) > 4 or len(number) > 4 or not 1 <= int(number) <= int(total) <= MOST_PACKETS or int(total) == 1:
        return None
    key = (header.get("MN", ""), header.get("CN", ""), header.get("QN", ""), int(total))
    return Part(key, int(number), segment, frame, variant, length_valid)


class Parts:
    """Messages of which packets are missing: at most `limit` of them, `most_bytes` together, `timeout_s` each."""

    def __init__(
        self,
        limit: int = 64,
        most_bytes: int = 256 << 10,
        timeout_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._most, self._timeout, self._clock = limit, most_bytes, timeout_s, clock
        self._groups: dict[tuple[str, str, str, int], Group] = {}
        self._bytes = 0

    def add(self, part: Part, round_: int = 0) -> list[Part]:
        """Keep a packet; the packets that had to be given up for it, oldest message first."""
        given_up = self.late()
        group = self._groups.setdefault(part.key, Group(self._clock()))
        self._bytes += group.put(part)
        group.rounds.add(round_)
        while len(self._groups) > self._limit or (self._bytes > self._most and len(self._groups) > 1):
            given_up += self._drop(next(iter(self._groups)))
        if self._bytes > self._most:
            given_up += self._drop(part.key)
        return given_up

    def late(self) -> list[Part]:
        """The packets of messages that were not completed in time; they are kept no longer."""
        found: list[Part] = []
        while self._groups:
            key, group = next(iter(self._groups.items()))
            if self._clock() - group.born < self._timeout:
                break
            found += self._drop(key)
        return found

    def completed(self, part: Part) -> Group | None:
        """The message of this packet when all are there, which is then forgotten; None while one is missing."""
        group = self._groups.get(part.key)
        if group is None or group.complete is None:
            return None
        self._drop(part.key)
        return group

    def taken(self) -> list[Group]:
        """Everything that is kept; nothing is kept afterwards."""
        groups = list(self._groups.values())
        self._groups.clear()
        self._bytes = 0
        return groups

    def _drop(self, key: tuple[str, str, str, int]) -> list[Part]:
        group = self._groups.pop(key)
        self._bytes -= group.size
        return group.parts


def whole(contents: list[str]) -> bool:
    """Whether each packet can be read alone: it has its DataTime, and none begins in the middle of a group."""
    return all("DataTime=" in content and _FIRST.match(content) is not None for content in contents)


def join(contents: list[str]) -> str:
    """The data area of a message from those of its packets, in order."""
    text = contents[0]
    for content in contents[1:]:
        clean = _complete(text) and _FIRST.match(content) is not None
        text += (";" if clean and not text.endswith((";", ",")) else "") + content
    return text


def _complete(text: str) -> bool:
    """Whether a data area ends with a whole `key=value`."""
    last = re.split("[;,]", text.rstrip(";, "))[-1]
    key, equals, value = last.partition("=")
    return bool(key and equals and value)
