"""One connection: bytes in, the session's reaction out, answers when they are durable, an end with a reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sensors.envelope import encode_frames
from sensors.tcp.protocol import Gathering, Reaction, Session

if TYPE_CHECKING:
    from sensors.tcp.listen import Listener
    from sensors.tcp.server import Server

WRITE_BUFFER = 64 << 10
CLOSING_S = 5.0


class Connection(asyncio.Protocol):
    """Belongs to one `Server`; `serial` is the group with which its last line or answer becomes durable."""

    def __init__(self, server: Server, listener: Listener, peer: str) -> None:
        self.peer, self.listener = peer, listener
        self.last = self.closing_since = 0.0
        self.begun: float | None = None
        self.unread_since: float | None = None
        self.reason: str | None = None
        self.was_open = False
        self.serial = 0
        self._server = server
        self._session: Session | None = None
        self._gathering: Gathering | None = None
        self._transport: Any = None
        self._reading = True
        self._held = b""

    # -- asyncio --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready (after the handshake where there is TLS)."""
        self._transport = transport
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self.last = self._server.now()
        dialect = self._server.dialects[self.listener]
        self._session = dialect.session(self.peer)
        self._gathering = dialect if isinstance(dialect, Gathering) else None
        self.was_open = True
        self._server.opened(self)

    def data_received(self, data: bytes) -> None:
        """What the socket gave."""
        if self.reason is not None or self._session is None:
            return
        self.last = self._server.now()
        self._server.received(len(data))
        if not self._server.reading:  # read before the pause took effect: uvloop reads once after connection_made
            self._held += data
            return
        if self._gathering is not None:
            self._server.gatherer.put(self, self._gathering, self._session, data)
        else:
            self.react(self._session.receive(data))

    def eof_received(self) -> bool:
        """The peer sends no more; what it is owed is still sent to it."""
        self.finish("peer ended")
        return self.listener.cert is None  # TLS knows no half-closed connection

    def connection_lost(self, error: Exception | None) -> None:
        """Gone, by whomever."""
        if self.reason is None:
            self.finish("connection lost" if error else "closed")
        self._transport = None
        self._server.closed(self)

    def pause_writing(self) -> None:
        """The peer does not read its answers: neither do we read its frames."""
        self.unread_since = self._server.now()
        self.read_or_pause()

    def resume_writing(self) -> None:
        """The peer reads again."""
        self.unread_since = None
        self.read_or_pause()

    # -- the server's side ----------------------------------------------------------------------------------

    def react(self, reaction: Reaction | None) -> None:
        """Carry out what the session made of received bytes; None: it could not."""
        if reaction is None:
            self.abort()
            return
        if reaction.spool or reaction.counts or reaction.at_once or reaction.durable:
            self.begun = None
        elif self.begun is None:
            self.begun = self.last
        self._take(reaction)

    def answer(self, data: bytes) -> None:
        """Send what has become durable."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def read_or_pause(self) -> None:
        """Read exactly while the server wants input, the peer takes its answers, and no end is near."""
        wanted = self._server.reading and self.unread_since is None and self.reason is None
        if wanted != self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = wanted
            if wanted:
                self.last = self._server.now()
                self.begun = None
                self._transport.resume_reading()
                self._release()
            else:
                self._transport.pause_reading()

    def finish(self, reason: str) -> None:
        """End the connection: what the session still holds is stored, and the peer gets its answers first."""
        if self._server.gatherer.holds(self):
            self._server.gatherer.give()
        if self.reason is not None:
            return
        self.reason, self.closing_since = reason, self._server.now()
        self.read_or_pause()
        if self._session is not None:
            self._release()
            self._take(self._session.ended())
        self._server.ending(self)
        self.close_if_answered()

    def close_if_answered(self) -> None:
        """Close once nothing of this connection waits for the disk."""
        if self.reason is not None and self.serial <= self._server.committer.done and self._transport is not None:
            self._transport.close()

    def overdue(self, now: float) -> None:
        """Look at the clock: idle, a frame that does not end, answers that nobody reads, an end that drags on."""
        limits = self.listener
        if self.reason is not None:
            if now - self.closing_since > CLOSING_S and self.serial <= self._server.committer.done:
                self.abort()
        elif self.unread_since is not None:
            if now - self.unread_since > limits.frame_s:
                self.finish("reads no answers")
                self.abort()
        elif self._reading:
            if self.begun is not None and now - self.begun > limits.frame_s:
                self.finish("frame not finished in time")
            elif now - self.last > limits.idle_s:
                self.finish("idle")

    def abort(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()

    def _release(self) -> None:
        if self._held and self._session is not None:
            data, self._held = self._held, b""
            self._take(self._session.receive(data))

    def _take(self, reaction: Reaction) -> None:
        server = self._server
        if reaction.counts:
            server.count(reaction.counts)
        if reaction.spool:
            moment, kind = server.moment(), self.listener.kind
            for feed, raw, frames in reaction.spool:
                self.serial = server.committer.put(feed, encode_frames(kind, self.peer, moment, frames, raw))
            server.frames_came()
        if reaction.at_once:
            self.answer(reaction.at_once)
        if reaction.durable:
            if self.serial > server.committer.done:
                self.serial = server.committer.then(self, reaction.durable)
            else:
                self.answer(reaction.durable)
        if reaction.close is not None:
            self.finish(reaction.close)
