"""One connection of HJ 212 devices: whole frames to the spool, answers once they are durable.

Only what cannot wait happens here: framing, checksum, password, route, decryption, answer. Nothing is dropped: a bad
frame and a frame of an unknown device go to the first feed behind a mark that says why (`blob.py`), and are not
confirmed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest

from sensors.hj212 import blob, sm4
from sensors.hj212.answer import Answerer
from sensors.hj212.frame import MAX_NOISE, Framer, Item
from sensors.hj212.segment import BadSegment, Segment, flag_of, parse
from sensors.hj212.subpackets import Parts, part_of, whole
from sensors.tcp.protocol import Reaction, Route

Registry = Callable[[str], tuple[str, str | None] | None]
"""MN -> (site, password; None or empty for any), None for a device that is not registered."""

REGISTRY_S = 60.0  # so long a session trusts what the registry said of a device
MOST_HEADS = 5_000


@dataclass(frozen=True)
class _Head:
    """What all frames with one header (but for QN) have in common."""

    feed: str | None
    refused: str | None
    answers: Answerer | None
    encrypted: bool
    split: bool


class Hj212Dialect:
    """HJ 212 of 2005, 2017 and 2025 on one listener. `sm4_key`: 16 bytes, or the secret's text (see `sm4.key_of`)."""

    name = "hj212"

    def __init__(
        self, routes: Sequence[Route], *, registry: Registry | None = None, sm4_key: bytes | str | None = None
    ) -> None:
        if not routes:
            raise ValueError("a dialect needs at least one route")
        self.routes, self.registry = tuple(routes), registry
        self._key = sm4.key_of(sm4_key) if isinstance(sm4_key, str) else sm4_key

    def session(self, peer: str) -> Hj212Session:
        """A session for a new connection."""
        return Hj212Session(self.routes, self.registry, self._key)


class Hj212Session:
    """One connection, which may carry many devices."""

    def __init__(
        self,
        routes: tuple[Route, ...],
        registry: Registry | None,
        sm4_key: bytes | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._routes, self._registry, self._key, self._clock = routes, registry, sm4_key, clock
        self._framer = Framer()
        self._heads: dict[bytes, _Head] = {}
        self._asked = clock()
        self._parts = Parts(clock=clock)
        self._round = 0

    def receive(self, data: bytes) -> Reaction:
        """Take what the socket gave."""
        return self._react(data, final=False)

    def ended(self) -> Reaction:
        """The connection is lost: a frame without its end is kept as truncated; nobody hears an answer."""
        found = self._react(b"", final=True)
        return Reaction(spool=found.spool, counts=found.counts)

    def _react(self, data: bytes, *, final: bool) -> Reaction:
        buffer, items = self._framer.feed(data, final=final)
        self._round += 1
        if self._clock() - self._asked > REGISTRY_S or len(self._heads) > MOST_HEADS:
            self._heads.clear()
            self._asked = self._clock()
        work = _Work(buffer)
        suspicious = b"\x00" in buffer
        for item in items:
            if item.variant is None:
                self._bad(work, item, item.reason or "bad_checksum")
            elif suspicious and b"\x00" in buffer[item.start : item.end]:
                self._bad(work, item, "control_bytes")  # would read as a mark of ours
            else:
                self._good(work, item)
        return work.reaction()

    def _good(self, work: _Work, item: Item) -> None:
        segment = work.buffer[item.start + 6 : item.end - 4]
        opening = segment.find(b";CP=&&")
        qn, _, rest = (
            segment[3:opening].partition(b";") if segment.startswith(b"QN=") else (b"", b"", segment[:opening])
        )
        head = self._heads.get(rest) if opening > 0 else None
        if head is None:
            try:
                parsed = parse(segment)
            except BadSegment:
                self._bad(work, item, "bad_segment")
                return
            head = self._head(parsed)
            if opening > 0:
                self._heads[rest] = head
            qn = qn or parsed.header.get("QN", "").encode()
        if head.refused is not None:
            self._bad(work, item, head.refused)
        elif head.encrypted and not self._opened(work, item, segment, head):
            return
        elif not head.encrypted:
            work.keep(head.feed, item)
        if head.split and head.feed is not None and head.refused is None:
            self._packet(work, item, segment, head.feed)
        if head.answers is not None:
            work.answers.append(head.answers.to(qn, item.variant or ""))

    def _head(self, parsed: Segment) -> _Head:
        header = parsed.header
        flag = flag_of(header.get("Flag", ""))
        cn, refused = header.get("CN", ""), self._refused(header)
        feed = next(
            (
                route.feed
                for route in self._routes
                if header.get("ST", "") in route.wanted.get("st", (header.get("ST", ""),))
                and cn in route.wanted.get("cn", (cn,))
            ),
            None,
        )
        return _Head(
            feed=feed,
            refused=refused,
            answers=Answerer(header, flag, refused) if flag is not None and flag & 1 else None,
            encrypted=flag is not None and flag >> 2 >= sm4.EDITION_2025 and cn in sm4.ENCRYPTED,
            split="PNUM" in header,
        )

    def _refused(self, header: dict[str, str]) -> str | None:
        """Why the registry does not let this device in; None when it does."""
        if self._registry is None:
            return None
        known = self._registry(header.get("MN", ""))
        if known is None:
            return "unknown_device"
        password = known[1]
        if password and not compare_digest(password.encode(), header.get("PW", "").encode()):
            return "wrong_password"
        return None

    def _opened(self, work: _Work, item: Item, segment: bytes, head: _Head) -> bool:
        """Whether a frame that may be encrypted is readable; it is kept in either case."""
        begin = segment.find(b"CP=&&") + 5
        cipher = sm4.cipher_bytes(segment[begin : segment.rfind(b"&&")])
        if cipher is None:
            work.keep(head.feed, item)
            return True
        plain = sm4.decrypt(self._key, cipher) if self._key is not None else None
        if plain is None:
            self._bad(work, item, "encrypted" if self._key is None else "cannot_decrypt")
            return False
        frame = work.buffer[item.start : item.end]
        opened = blob.marked(f"{blob.OPENED}:{item.variant}", segment[:begin] + plain + b"&&")
        work.put(head.feed, blob.marked(blob.SEALED, frame) + opened)
        return True

    def _packet(self, work: _Work, item: Item, segment: bytes, feed: str) -> None:
        """One packet of several: when all have come and one cannot be read alone, they go once more, together."""
        part = part_of(parse(segment), work.buffer[item.start : item.end])
        if part is None:
            return
        work.counts["packets_given_up"] += len(self._parts.add(part, self._round))
        group = self._parts.completed(part)
        if group is None or len(group.rounds) == 1:
            return
        if not whole([one.segment.content for one in group.parts]):
            frames = b"".join(one.frame + b"\r\n" for one in group.parts)
            work.put(feed, blob.marked(blob.JOINED, frames), frames=0)

    def _bad(self, work: _Work, item: Item, reason: str) -> None:
        data = work.buffer[item.start : item.end]
        if reason == "noise" and not data.strip(b"\r\n\t \x00"):
            return
        work.counts[reason] += 1
        work.put(self._routes[0].feed, blob.marked(reason, data), bad=True)
        if reason == "oversized":
            work.close = "a frame without an end in 16,384 bytes"
        elif reason == "noise" and len(data) >= MAX_NOISE:
            work.close = "what comes is not HJ 212"


class _Work:
    """What becomes of one delivery of bytes; frames of one feed that follow each other stay one piece."""

    def __init__(self, buffer: bytes) -> None:
        self.buffer = buffer
        self.answers: list[bytes] = []
        self.counts: Counter[str] = Counter()
        self.close: str | None = None
        self._spool: list[tuple[str, list[bytes], int]] = []
        self._run: tuple[str, int, int, int] | None = None  # feed, begin, end, frames

    def keep(self, feed: str | None, item: Item) -> None:
        """A good frame as received; a frame that no feed wants is counted and answered, nothing else."""
        self.counts["frames"] += 1
        if feed is None:
            self.counts["unrouted"] += 1
            self._flush()
        elif self._run is not None and self._run[0] == feed and item.length_valid:
            self._run = (feed, self._run[1], item.end, self._run[3] + 1)
        else:
            self._flush()
            self._run = (feed, item.start, item.end, 1)
            if not item.length_valid:
                self._flush()

    def put(self, feed: str | None, data: bytes, *, frames: int = 1, bad: bool = False) -> None:
        """Bytes behind a mark."""
        self._flush()
        if not bad:
            self.counts["frames"] += frames
        if feed is None:
            self.counts["unrouted"] += frames
        else:
            self._append(feed, data, frames)

    def _flush(self) -> None:
        if self._run is not None:
            feed, begin, end, frames = self._run
            self._run = None
            self._append(feed, self.buffer[begin:end] + b"\r\n", frames)

    def _append(self, feed: str, data: bytes, frames: int) -> None:
        if self._spool and self._spool[-1][0] == feed:
            _, pieces, before = self._spool[-1]
            pieces.append(data)
            self._spool[-1] = (feed, pieces, before + frames)
        else:
            self._spool.append((feed, [data], frames))

    def reaction(self) -> Reaction:
        """All of it."""
        self._flush()
        return Reaction(
            spool=tuple((feed, b"".join(pieces), frames) for feed, pieces, frames in self._spool),
            durable=b"".join(self.answers),
            close=self.close,
            counts={name: number for name, number in self.counts.items() if number},
        )
