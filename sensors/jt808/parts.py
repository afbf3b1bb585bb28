"""Parts of a message, kept until all are there: bounded memory, bounded time.

Parts are not answered while they wait, because they are not on disk; they go into the spool together, so that the load
finds the whole message in one piece. A terminal that waits for an answer to each part sends it again: then that part
is spooled alone and answered, and stays here for the join.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sensors.jt808.framing import Frame
from sensors.jt808.rows import Part, part_of


@dataclass
class Held:
    """What has come of one message."""

    since: float
    frames: dict[int, tuple[Frame, bytes]] = field(default_factory=dict)
    size: int = 0

    def ordered(self) -> list[tuple[Frame, bytes]]:
        """Parts by their number."""
        return [self.frames[number] for number in sorted(self.frames)]


@dataclass
class Added:
    """What became of a part: `whole` when it was the last one, `again` when it is here already, and what had to go."""

    whole: Held | None = None
    again: bool = False
    evicted: list[Held] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


class Parts:
    """The parts of one connection. `limit` counts bytes of frames; a message above it alone is never held."""

    def __init__(self, limit: int, timeout_s: float) -> None:
        self._limit = limit
        self._timeout_s = timeout_s
        self._held: dict[Part, Held] = {}
        self._size = 0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, frame: Frame, raw: bytes, now: float) -> Added:
        """Take a part in. `missing` is filled when the last part comes and others have not."""
        key = part_of(frame)
        held = self._held.setdefault(key, Held(now))
        if frame.number in held.frames:
            return Added(again=True)
        held.frames[frame.number] = (frame, raw)
        held.size += len(raw)
        self._size += len(raw)
        if len(held.frames) == frame.total:
            return Added(whole=self._remove(key))
        added = Added()
        if frame.number == frame.total:
            added.missing = [number for number in range(1, min(frame.total, 256)) if number not in held.frames]
        while self._size > self._limit:
            added.evicted.append(self._remove(next(iter(self._held))))
        return added

    def expired(self, now: float) -> list[Held]:
        """Messages that waited too long for their other parts; they are held no more."""
        late = [key for key, held in self._held.items() if now - held.since > self._timeout_s]
        return [self._remove(key) for key in late]

    def drain(self) -> list[Held]:
        """All that is held, which is held no more."""
        return [self._remove(key) for key in list(self._held)]

    def _remove(self, key: Part) -> Held:
        held = self._held.pop(key)
        self._size -= held.size
        return held
