"""One terminal's connection at the door: frames, checksums, routing, answers.

Answers that say "stored" are `durable`. Heartbeat, registration and authentication store nothing and are answered at
once. A frame whose checksum or length is wrong is spooled for quarantine and never answered: its header cannot be
trusted, and the terminal sends it again.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cityhub import log
from sensors.jt808 import encode
from sensors.jt808.answers import DONE, FAILED, UNKNOWN_TERMINAL, UNSUPPORTED, answers, general
from sensors.jt808.columns import Frames, Ints, Mask, phones, scan
from sensors.jt808.decode import BATCH_ID, REPLY_BYTES
from sensors.jt808.framing import FLAG, MAX_FRAME, Frame, Problem, parse, short
from sensors.jt808.parts import Held, Parts
from sensors.jt808.together import together
from sensors.tcp.protocol import Reaction, Route

logger = log.get("cityhub.sensors")
ANSWER, HEARTBEAT, LOGOUT, REGISTER, AUTHENTICATE = 0x0001, 0x0002, 0x0003, 0x0100, 0x0102
LINK = frozenset({ANSWER, HEARTBEAT, LOGOUT, REGISTER, AUTHENTICATE})
REGISTERED, RESEND = 0x8100, 0x8003
DATA = frozenset({*REPLY_BYTES, BATCH_ID})
FEW = 28  # frames in a chunk, above which columns are quicker
FAILURES = 3
MAX_PHONES = 4096  # authenticated on one connection: a concentrator's terminals


@dataclass(frozen=True)
class Options:
    """How a listener behaves.

    With `auth_key` a terminal must present the code that registration gave it (an HMAC of its phone, so it outlives
    restarts), and data before that is refused; without, any code will do. `known` says which phones may register.
    Parts of messages are held up to `parts_bytes` per connection for `parts_timeout_s`.
    """

    auth_key: str | None = None
    known: Callable[[str], bool] | None = None
    parts_bytes: int = 64 << 10
    parts_timeout_s: float = 60.0
    clock: Callable[[], float] = time.monotonic


class Jt808Dialect:
    """JT/T 808 of one listener."""

    name = "jt808"

    def __init__(self, routes: Sequence[Route], options: Options | None = None) -> None:
        self.options = options or Options()
        self._first = routes[0].feed if routes else None
        self._wanted = [
            (route.feed, None if (ids := route.wanted.get("msg")) is None else {int(text, 16) for text in ids})
            for route in routes
        ]
        self._feeds: dict[int, str | None] = {}

    def session(self, peer: str) -> Jt808Session:
        """A session for a new connection."""
        return Jt808Session(self)

    def feed(self, msg_id: int) -> str | None:
        """Where a message goes. Messages of the link itself go only where they are asked for by id."""
        if msg_id not in self._feeds:
            self._feeds[msg_id] = next(
                (feed for feed, wanted in self._wanted if (msg_id not in LINK if wanted is None else msg_id in wanted)),
                None,
            )
        return self._feeds[msg_id]

    def receive_all(self, received: Sequence[tuple[Jt808Session, bytes]]) -> list[Reaction | None]:
        """Take what several connections sent, each at most once in `received`; the reactions in the same order.

        A defect of ours must cost the connection that meets it, not all of them: its reaction is None.
        """
        chunks = [(session, session.cut(data)) for session, data in received]
        bulk = [place for place, (session, whole) in enumerate(chunks) if whole and session.is_plain()]
        done: dict[int, Reaction | None] = {}
        if sum(chunks[place][1].count(FLAG) for place in bulk) > 2 * FEW:
            try:
                found = together(
                    [chunks[place][0] for place in bulk],
                    [chunks[place][1] for place in bulk],
                    self.plain,
                    authenticated=self.options.auth_key is not None,
                )
                done = dict(zip(bulk, found, strict=True))
            except Exception:
                logger.exception("frames of several connections: each is taken alone")
        return [done.get(place) or _alone(session, whole) for place, (session, whole) in enumerate(chunks)]

    def plain(self, frames: Frames) -> tuple[Mask, Ints, list[str]]:
        """Frames that only need storing and an answer, whoever sends them; their feeds as numbers, -1 for none; the
        feeds' names.
        """
        names: list[str] = []
        feeds = np.full(frames.start.size, -1, np.int64)
        for msg_id in DATA:
            if (feed := self.feed(msg_id)) is not None:
                if feed not in names:
                    names.append(feed)
                feeds[frames.msg_id == msg_id] = names.index(feed)
        return frames.valid & ~frames.partial & (feeds >= 0), feeds, names

    @property
    def first(self) -> str | None:
        """The feed of bad frames."""
        return self._first

    def code(self, phone: str) -> str:
        """The authentication code of a terminal."""
        return hmac.new((self.options.auth_key or "").encode(), short(phone).encode(), "sha256").hexdigest()[:16]


def _alone(session: Jt808Session, whole: bytes) -> Reaction | None:
    try:
        return session.react(whole)
    except Exception:
        logger.exception("frames of one connection: it ends, and sends them again")
        return None


class _Out:
    """A reaction in the making. Made for every chunk, so it is plain."""

    __slots__ = ("at_once", "counts", "durable", "spool")

    def __init__(self) -> None:
        self.spool: list[tuple[str, list[bytes], int]] = []
        self.at_once: list[bytes] = []
        self.durable: list[bytes] = []
        self.counts: dict[str, int] = {}

    def count(self, word: str, number: int = 1) -> None:
        self.counts[word] = self.counts.get(word, 0) + number

    def store(self, feed: str | None, raw: bytes, frames: int = 1) -> None:
        if feed is None:
            return
        if self.spool and self.spool[-1][0] == feed:
            _, pieces, number = self.spool[-1]
            pieces.append(raw)
            self.spool[-1] = (feed, pieces, number + frames)
        else:
            self.spool.append((feed, [raw], frames))

    def reaction(self, close: str | None) -> Reaction:
        return Reaction(
            tuple([(feed, b"".join(pieces), number) for feed, pieces, number in self.spool]),
            b"".join(self.at_once),
            b"".join(self.durable),
            close,
            self.counts,
        )


class Jt808Session:
    """The state of one connection: an incomplete frame, parts of messages, who has authenticated."""

    def __init__(self, dialect: Jt808Dialect) -> None:
        self.dialect = dialect
        self.phones: set[str] = set()
        """Terminals that have authenticated here."""
        self.serial = 0
        """Of the next message to the terminal."""
        self._options = dialect.options
        self._rest = b""
        self._parts = Parts(self._options.parts_bytes, self._options.parts_timeout_s)
        self._failures = 0
        self._close: str | None = None

    def receive(self, data: bytes) -> Reaction:
        """Take what the socket gave."""
        return self.react(self.cut(data))

    def cut(self, data: bytes) -> bytes:
        """What is whole with `data`: up to the last flag. The rest is kept."""
        if self._close:
            return b""
        buffer = self._rest + data if self._rest else data
        end = buffer.rfind(FLAG) + 1
        self._rest = buffer[end:]
        return buffer[:end]

    def is_plain(self) -> bool:
        """Whether nothing but what was cut waits: no parts, no frame too long, no end."""
        return not self._close and not self._parts and len(self._rest) <= MAX_FRAME - 2

    def react(self, whole: bytes) -> Reaction:
        """Take what `cut` gave."""
        if self._close:
            return Reaction(close=self._close)
        out, now = _Out(), self._options.clock()
        for held in self._parts.expired(now) if self._parts else ():
            self._give_up(held, "parts_expired", out)
        if whole:
            (self._few if whole.count(FLAG) <= 2 * FEW else self._many)(whole, now, out)
        if len(self._rest) > MAX_FRAME - 2 and not self._close:
            self._one(self._rest, now, out)
        if self._close:
            self._rest = b""
        return out.reaction(self._close)

    def ended(self) -> Reaction:
        """The connection is lost: parts without the others and a frame cut off are spooled as they are."""
        out = _Out()
        for held in self._parts.drain():
            self._give_up(held, "parts_lost", out)
        if self._rest:
            out.count("truncated")
            out.store(self.dialect.first, FLAG + self._rest)  # no flag behind it: the load knows it by that
            self._rest = b""
        return out.reaction(None)

    def _few(self, whole: bytes, now: float, out: _Out) -> None:
        for segment in whole.split(FLAG):
            if segment:
                self._one(segment, now, out)
                if self._close:
                    return

    def _many(self, whole: bytes, now: float, out: _Out) -> None:
        frames = scan(whole)
        plain, feeds, names = self.dialect.plain(frames)
        if self._options.auth_key is not None:
            if np.isin(frames.msg_id, (LOGOUT, AUTHENTICATE)).any():
                plain[:] = False  # who may speak changes within the chunk: one by one
            which = np.flatnonzero(plain)
            plain[which] = np.isin(phones(frames, which), np.array(list(self.phones) or [""], "S20"))
        marks = np.where(plain, feeds, -1)
        done = marks.size
        edges = [0, done]
        if not (marks == marks[:1]).all() or not plain.all():
            edges = [0, *(np.flatnonzero((marks[1:] != marks[:-1]) | (marks[1:] < 0)) + 1).tolist(), done]
        for begin, end in pairwise(edges):
            if begin == end:
                continue
            if not plain[begin]:  # such a run has one frame
                self._one(whole[frames.first[begin] : frames.last[begin]], now, out)
                if self._close:
                    done = end
                    break
                continue
            raw = whole[max(frames.first[begin] - 1, 0) : frames.last[end - 1] + 1]
            out.store(names[int(feeds[begin])], raw if frames.first[begin] else FLAG + raw, end - begin)
        which = np.flatnonzero(plain[:done])
        if which.size:
            out.count("frames", which.size)
            out.durable.append(answers(frames, which, self.serial, DONE))
            self.serial = (self.serial + which.size) & 0xFFFF

    def _one(self, segment: bytes, now: float, out: _Out) -> None:
        frame = parse(segment)
        if isinstance(frame, Problem):
            out.count(frame.word)
            out.store(self.dialect.first, FLAG + segment[:MAX_FRAME] + FLAG)
            if frame.word == "oversized":
                self._close = frame.message
            return
        out.count("frames")
        raw, feed = FLAG + segment + FLAG, self.dialect.feed(frame.msg_id)
        if frame.msg_id in LINK:
            out.store(feed, raw)
            self._link(frame, out)
        elif self._options.auth_key is not None and frame.terminal_phone not in self.phones:
            out.count("unauthenticated")
            out.at_once.append(self._general(frame, FAILED))
        elif feed is None:
            out.count("unsupported")
            out.at_once.append(self._general(frame, UNSUPPORTED))
        elif frame.total and frame.msg_id in DATA:
            self._part(frame, raw, feed, now, out)
        else:
            out.store(feed, raw)
            known = frame.msg_id in DATA
            if not known:
                out.count("unsupported")
            out.durable.append(self._general(frame, DONE if known else UNSUPPORTED))

    def _link(self, frame: Frame, out: _Out) -> None:
        if frame.msg_id == ANSWER:
            return
        if frame.msg_id == REGISTER:
            known = self._options.known is None or self._options.known(frame.terminal)
            result = DONE if known else UNKNOWN_TERMINAL
            out.count("registered" if known else "unknown_terminal")
            body = encode.registered(frame.serial, result, self.dialect.code(frame.terminal_phone))
            out.at_once.append(self._send(frame, REGISTERED, body))
            return
        result = DONE
        if frame.msg_id == AUTHENTICATE:
            result = self._authenticate(frame)
            out.count("authenticated" if result == DONE else "auth_failed")
        elif frame.msg_id == LOGOUT:
            self.phones.discard(frame.terminal_phone)
        out.at_once.append(self._general(frame, result))

    def _authenticate(self, frame: Frame) -> int:
        """DONE or FAILED; after three failures the connection ends."""
        sent = frame.body
        if frame.version is not None:
            sent = sent[1 : 1 + sent[0]] if sent else b""
        code = self.dialect.code(frame.terminal_phone).encode()
        if self._options.auth_key is None or hmac.compare_digest(sent.rstrip(b"\0"), code):
            if len(self.phones) < MAX_PHONES:
                self.phones.add(frame.terminal_phone)
            return DONE
        self._failures += 1
        if self._failures >= FAILURES:
            self._close = f"authentication failed {FAILURES} times"
        return FAILED

    def _part(self, frame: Frame, raw: bytes, feed: str, now: float, out: _Out) -> None:
        added = self._parts.add(frame, raw, now)
        out.count("parts")
        for held in added.evicted:
            self._give_up(held, "parts_evicted", out)
        if added.again:
            out.store(feed, raw)
            out.durable.append(self._general(frame, DONE))
        elif added.whole:
            ordered = added.whole.ordered()
            out.store(feed, b"".join(piece for _, piece in ordered), len(ordered))
            out.durable += [self._general(one, DONE) for one, _ in ordered]
        elif added.missing:
            first = (frame.serial - frame.number + 1) & 0xFFFF
            body = encode.resend(first, added.missing, version=frame.version)
            out.at_once.append(self._send(frame, RESEND, body))

    def _give_up(self, held: Held, why: str, out: _Out) -> None:
        """Parts whose message will not become whole: stored, not answered, so that the terminal sends them again."""
        ordered = held.ordered()
        out.count(why, len(ordered))
        out.store(self.dialect.feed(ordered[0][0].msg_id), b"".join(piece for _, piece in ordered), len(ordered))

    def _general(self, frame: Frame, result: int) -> bytes:
        serial, self.serial = self.serial, (self.serial + 1) & 0xFFFF
        return general(frame, serial, result)

    def _send(self, frame: Frame, msg_id: int, body: bytes) -> bytes:
        serial, self.serial = self.serial, (self.serial + 1) & 0xFFFF
        return encode.frame(msg_id, frame.terminal_phone, serial, body, version=frame.version)
