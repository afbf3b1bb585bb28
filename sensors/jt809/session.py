"""One main link of an inferior platform: login, heartbeat, logout, and data to their feeds.

Source: JT/T 809, clauses on the main link. Data messages of 0x1200 (register, position, batch) have no answer in
either edition. So the only word a platform ever gets is that of heartbeat and logout: these are answered when all that
came before is on disk, so a hub that cannot store falls silent, and the platform sends again later, as batches.
The sub-link (从链路), which the superior platform opens, is not made.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sensors.jt809.cipher import Cipher
from sensors.jt809.frame import LONGEST, Edition, Frame, Refused, build, read, rebuilt
from sensors.jt809.messages import (
    ACCEPTED,
    ANSWER,
    CLOSE_NOTICE,
    DOWN_NOTICE,
    EXCHANGE,
    HEARTBEAT,
    HEARTBEAT_ANSWER,
    LOGIN,
    LOGIN_ANSWER,
    LOGOUT,
    LOGOUT_ANSWER,
    OTHER,
    WRONG_PASSWORD,
    WRONG_USER,
    Login,
    content,
    edition,
    login,
    opened,
)
from sensors.jt809.split import Piece, Splitter
from sensors.tcp.protocol import Reaction, Route

PATIENCE = 1 << 16  # bytes that make no frame, one after the other, before the connection ends
_LINK = frozenset({LOGIN, LOGOUT, HEARTBEAT, DOWN_NOTICE, CLOSE_NOTICE})


class Jt809Dialect:
    """JT/T 809 as superior platform.

    `user` (a number) and `password` (up to 8 bytes) are those given to the inferior platform; without them every login
    is accepted. `m1`, `ia1`, `ic1` are the link's cipher; all three or none. ValueError for what is no number.
    """

    name = "jt809"

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        user: str | int | None = None,
        password: str | None = None,
        m1: str | int | None = None,
        ia1: str | int | None = None,
        ic1: str | int | None = None,
        longest: int = LONGEST,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if (user is None) != (password is None):
            raise ValueError("a login has a user and a password, or neither")
        self.user = None if user is None else int(user)
        self.password = b"" if password is None else password.encode("ascii").ljust(8, b"\0")
        if len(self.password) > 8:
            raise ValueError("a password of JT/T 809 has at most 8 bytes")
        parts = [int(part) for part in (m1, ia1, ic1) if part is not None]
        if len(parts) not in (0, 3):
            raise ValueError("the cipher needs M1, IA1 and IC1")
        self.cipher = Cipher(*parts) if parts else None
        self.routes = tuple(routes)
        self.longest, self.clock = longest, clock
        self._feeds: dict[tuple[int, int], str | None] = {}

    def session(self, peer: str) -> Jt809Session:
        """A link that is not logged in yet."""
        return Jt809Session(self)

    def feed(self, msg_id: int, data_type: int) -> str | None:
        """The feed of a message: the first route that names it, or the kind of data in it (0x1202), or nothing."""
        key = (msg_id, data_type)
        if key not in self._feeds:
            names = {f"0x{number:04X}" for number in key}
            matching = (each.feed for each in self.routes if not (w := each.wanted.get("msg")) or w & names)
            self._feeds[key] = next(matching, None)
        return self._feeds[key]

    def judge(self, told: Login) -> int:
        """The result of a login, as 0x1002 says it."""
        if self.user is None:
            return ACCEPTED
        if told.user != self.user:
            return WRONG_USER
        same = hmac.compare_digest(told.password.rstrip(b"\0").ljust(8, b"\0"), self.password)
        return ACCEPTED if same else WRONG_PASSWORD


@dataclass
class _Reaction:
    """A reaction in the making. Frames of one feed that follow each other are one entry."""

    spool: list[tuple[str, list[bytes]]] = field(default_factory=list)
    at_once: list[bytes] = field(default_factory=list)
    durable: list[bytes] = field(default_factory=list)
    close: str | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1

    def keep(self, feed: str, raw: bytes) -> None:
        if not self.spool or self.spool[-1][0] != feed:
            self.spool.append((feed, []))
        self.spool[-1][1].append(raw)

    def done(self) -> Reaction:
        spool = tuple((feed, b"".join(frames), len(frames)) for feed, frames in self.spool)
        return Reaction(spool, b"".join(self.at_once), b"".join(self.durable), self.close, self.counts)


class Jt809Session:
    """Nothing but a login is taken before one succeeded, and nothing of it is stored: it may hold a password."""

    def __init__(self, dialect: Jt809Dialect) -> None:
        self._dialect = dialect
        self._splitter = Splitter(dialect.longest)
        self._logged_in = False
        self._edition: Edition = "2011"
        self._serial = 0
        self._wasted = 0
        self._bad_feed = dialect.routes[0].feed if dialect.routes else None

    def receive(self, data: bytes) -> Reaction:
        """Frames to spool, answers to link messages, or why the connection must end."""
        made = _Reaction()
        for piece in self._splitter.take(data):
            self._piece(piece, made)
            if made.close is not None:
                break
        return made.done()

    def ended(self) -> Reaction:
        """The rest that never became a frame."""
        made = _Reaction()
        for piece in self._splitter.left():
            self._bad(piece.kind, piece.raw, made)
        made.close = None
        return made.done()

    def _piece(self, piece: Piece, made: _Reaction) -> None:
        if piece.kind != "frame":
            self._bad(piece.kind, piece.raw, made)
            if piece.kind == "oversized":
                made.close = f"a frame is longer than {self._dialect.longest} bytes"
            return
        try:
            frame = read(piece.raw)
        except Refused as why:
            self._bad(why.code, piece.raw, made)
            return
        made.count("frames")
        self._wasted = 0
        if frame.msg_id == LOGIN:
            self._login(frame, made)
        elif not self._logged_in:
            made.count("before_login")
            made.close = f"message 0x{frame.msg_id:04X} before the login"
        elif frame.msg_id in _LINK:
            self._link(frame, made)
        else:
            self._data(frame, piece.raw, made)

    def _bad(self, reason: str, raw: bytes, made: _Reaction) -> None:
        made.count(reason)
        self._wasted += len(raw)
        if self._logged_in and self._bad_feed is not None and raw.strip(b"\r\n\0 ") and not _may_hold_password(raw):
            made.keep(self._bad_feed, raw)
        if self._wasted > PATIENCE:
            made.close = f"{self._wasted} bytes one after the other hold no frame"

    def _login(self, frame: Frame, made: _Reaction) -> None:
        cipher = self._dialect.cipher
        if frame.encrypted and cipher is not None:
            of: Edition = "2019" if len(frame.body) == 58 else "2011"
            frame = opened(frame, cipher, of)
        of = edition(frame)
        try:
            told = login(content(frame, of), of) if not frame.encrypted else None
        except Refused:
            told = None
        result = OTHER if told is None else self._dialect.judge(told)
        self._edition = of
        self._logged_in = result == ACCEPTED
        code = secrets.randbits(32) if self._logged_in else 0
        made.at_once.append(self._answer(frame, LOGIN_ANSWER, ANSWER.pack(result, code)))
        made.count("logins" if self._logged_in else "logins_refused")
        if not self._logged_in:
            unread = "it is encrypted and no keys are set" if frame.encrypted else "it cannot be read"
            why = {WRONG_USER: "unknown user", WRONG_PASSWORD: "wrong password"}.get(result, unread)
            made.close = f"login refused: {why}"

    def _link(self, frame: Frame, made: _Reaction) -> None:
        if frame.msg_id == HEARTBEAT:
            made.durable.append(self._answer(frame, HEARTBEAT_ANSWER))
        elif frame.msg_id == LOGOUT:
            made.durable.append(self._answer(frame, LOGOUT_ANSWER))
            self._logged_in = False
            made.close = "logged out"

    def _data(self, frame: Frame, raw: bytes, made: _Reaction) -> None:
        dialect = self._dialect
        if frame.encrypted and dialect.cipher is not None:
            frame = opened(frame, dialect.cipher, self._edition)
            raw = rebuilt(frame)  # what lands can be read without the keys; with them the way back is known
        kind = 0
        if frame.msg_id == EXCHANGE and not frame.encrypted:
            kind = int.from_bytes(content(frame, edition(frame))[22:24], "big")
        feed = dialect.feed(frame.msg_id, kind)
        if feed is None:
            made.count("unrouted")
        else:
            made.keep(feed, raw)

    def _answer(self, frame: Frame, msg_id: int, body: bytes = b"") -> bytes:
        """Our answer, in the link's edition and version, under the platform's own access code."""
        self._serial = (self._serial + 1) & 0xFFFFFFFF
        utc = int(self._dialect.clock()) if self._edition == "2019" else None
        return build(msg_id, body, serial=self._serial, center_id=frame.center_id, version=frame.version, utc=utc)


def _may_hold_password(raw: bytes) -> bool:
    """Whether a bad frame is a login or logout: such bytes are not stored."""
    return any(msg.to_bytes(2, "big") in raw[8:16] for msg in (LOGIN, LOGOUT))
