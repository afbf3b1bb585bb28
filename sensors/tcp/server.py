"""All connections of one gateway: accepting, back-pressure, time limits, an orderly end."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from cityhub import clock, log
from cityhub.errors import Stop
from sensors.spool import Spool
from sensors.tcp.commit import Committer
from sensors.tcp.connection import CLOSING_S, Connection
from sensors.tcp.gather import Gatherer
from sensors.tcp.listen import Listener
from sensors.tcp.protocol import Dialect

logger = log.get("cityhub.sensors")
BACKLOG, HANDSHAKE_S, SWEEP_S, REPORT_S = 1024, 10.0, 1.0, 60.0


class Server:
    """The connections of all listeners of a kind, in one event loop.

    `reading` is false while more than `pending_bytes` wait for the disk, while the disk fails, and at the end.
    Counters are read by other threads, never written there.
    """

    def __init__(self, listeners: Sequence[Listener], dialects: Mapping[Listener, Dialect], spool: Spool) -> None:
        self.listeners, self.dialects = listeners, dialects
        self.committer = Committer(spool, spool.limits.group_s, self._committed)
        self.gatherer = Gatherer()
        self.connections: set[Connection] = set()
        self.reading, self.draining = True, False
        self.frames: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.accepted = self.bytes = 0
        self.last_frame: float | None = None
        self.ports: dict[Listener, int] = {}
        self.now: Callable[[], float] = time.monotonic
        self._pending = spool.limits.pending_bytes
        self._open: Counter[Listener] = Counter()
        self._ending: set[Connection] = set()
        self._told: dict[str, float] = {}
        self._moment, self._moment_ms = "", -1
        self._sockets: list[socket.socket] = []
        self._empty = asyncio.Event()

    # -- life -----------------------------------------------------------------------------------------------

    def bind(self) -> None:
        """Open the ports; raises `Stop` CH-PUSH-031 for one that cannot be had, 034 for a certificate that is none."""
        self._tls = {listener: listener.tls() for listener in self.listeners}
        for listener in self.listeners:
            try:
                family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
                found = socket.create_server((listener.host, listener.port), family=family, backlog=BACKLOG)
            except OSError as error:
                self.unbind()
                raise Stop("CH-PUSH-031", address=listener.shown, detail=error.strerror or str(error)) from None
            found.setblocking(False)
            self._sockets.append(found)
            self.ports[listener] = found.getsockname()[1]

    def unbind(self) -> None:
        """Close the ports."""
        for one in self._sockets:
            one.close()
        self._sockets = []

    async def run(self, stop: asyncio.Event) -> bool:
        """Serve until `stop`, then drain; whether everything received became durable."""
        committing = asyncio.create_task(self.committer.run())
        tasks = [
            asyncio.create_task(self._accept(listener, one))
            for listener, one in zip(self.listeners, self._sockets, strict=True)
        ]
        tasks.append(asyncio.create_task(self._sweep()))
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([committing, stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in [*tasks, stopped]:
            task.cancel()
        await asyncio.gather(*tasks, stopped, return_exceptions=True)
        self.unbind()
        await self._drain(committing)
        for task in done - {stopped}:
            task.result()  # an error nobody expected ends the process loudly
        return not self.committer.failed

    async def _drain(self, committing: asyncio.Task[None]) -> None:
        self.draining = True
        self._read_or_pause()
        for connection in list(self.connections):
            connection.finish("gateway stops")
        self.committer.stop()
        await committing
        self._close_answered()
        self._check_empty()
        try:
            await asyncio.wait_for(self._empty.wait(), CLOSING_S)
        except TimeoutError:
            for connection in list(self.connections):
                connection.abort()
            await asyncio.sleep(0)

    async def _accept(self, listener: Listener, listening: socket.socket) -> None:
        loop, tls = asyncio.get_running_loop(), self._tls[listener]
        handshakes: set[asyncio.Task[None]] = set()
        try:
            while True:
                try:
                    peer, where = await loop.sock_accept(listening)
                except OSError as error:  # no file descriptors left, or a peer gone before we looked
                    self._refuse("accept failed", listener, error.strerror or str(error))
                    await asyncio.sleep(0.1)
                    continue
                why = self._unwanted(listener, where[0])
                if why:
                    self._refuse(why, listener, where[0])
                    peer.close()
                    continue
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                self._open[listener] += 1
                shown = f"[{where[0]}]:{where[1]}" if ":" in where[0] else f"{where[0]}:{where[1]}"
                opening = self._connect(listener, peer, tls, shown)
                if tls is None:
                    await opening
                else:  # a handshake must not keep others waiting
                    task = asyncio.create_task(opening)
                    handshakes.add(task)
                    task.add_done_callback(handshakes.discard)
        finally:
            for task in handshakes:
                task.cancel()

    async def _connect(self, listener: Listener, peer: socket.socket, tls: ssl.SSLContext | None, shown: str) -> None:
        made = Connection(self, listener, shown)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: made,
                peer,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_S if tls else None,
            )
        except OSError as error:  # TLS refused, or the peer is gone
            peer.close()
            self._refuse("handshake failed", listener, error.strerror or type(error).__name__)
        finally:
            if not made.was_open:
                self._open[listener] -= 1

    def _unwanted(self, listener: Listener, host: str) -> str | None:
        if not listener.admits(host):
            return "not on the allow-list"
        if self._open[listener] >= listener.connections:
            return "too many connections"
        return None

    def _refuse(self, why: str, listener: Listener, detail: str) -> None:
        self.refused[why] += 1
        self._tell("connection_refused", why, listener=listener.shown, reason=why, detail=detail)

    def _tell(self, name: str, key: str, **fields: object) -> None:
        """Log at most once a minute for each kind of trouble: a flood must not fill the disk with its log."""
        now = self.now()
        if now - self._told.get(key, -REPORT_S) >= REPORT_S:
            self._told[key] = now
            log.event(logger, name, level=logging.WARNING, **fields)

    async def _sweep(self) -> None:
        shortest = min((min(one.idle_s, one.frame_s) for one in self.listeners), default=SWEEP_S)
        while True:
            await asyncio.sleep(min(SWEEP_S, shortest / 4))
            now = self.now()
            for connection in list(self.connections):
                connection.overdue(now)

    # -- called by connections and the committer --------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """A connection is ready."""
        self.accepted += 1
        self.connections.add(connection)
        # not from within connection_made: uvloop begins to read after it, paused or not
        asyncio.get_running_loop().call_soon(connection.read_or_pause)

    def ending(self, connection: Connection) -> None:
        """A connection will close as soon as its answers are sent."""
        self.ends[connection.reason or ""] += 1
        self._ending.add(connection)
        ordinary = connection.reason in {"peer ended", "closed", "gateway stops"}
        if not ordinary:
            reason = connection.reason or ""
            self._tell(
                "connection_ended", reason, listener=connection.listener.shown, peer=connection.peer, reason=reason
            )

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        self._ending.discard(connection)
        if connection in self.connections:
            self.connections.remove(connection)
            self._open[connection.listener] -= 1
        self._check_empty()

    def received(self, size: int) -> None:
        """Bytes came."""
        self.bytes += size

    def frames_came(self) -> None:
        """Lines were given to the committer."""
        self.last_frame = self.now()
        if self.reading and self.committer.waiting_bytes >= self._pending:
            self._read_or_pause()

    def count(self, counts: Mapping[str, int]) -> None:
        """What a session counted."""
        for name, number in counts.items():
            self.frames[name] += number

    def moment(self) -> str:
        """The time now as ISO 8601 with zone, to the millisecond."""
        now = int(time.time() * 1000)
        if now != self._moment_ms:
            self._moment, self._moment_ms = clock.now().isoformat(timespec="milliseconds"), now
        return self._moment

    def _committed(self) -> None:
        self._read_or_pause()
        self._close_answered()

    def _read_or_pause(self) -> None:
        waiting = self.committer.waiting_bytes
        room = waiting < (self._pending // 2 if not self.reading else self._pending)
        wanted = room and not self.committer.failed and not self.draining
        if wanted != self.reading:
            self.reading = wanted
            for connection in list(self.connections):
                connection.read_or_pause()

    def _close_answered(self) -> None:
        for connection in list(self._ending):
            connection.close_if_answered()

    def _check_empty(self) -> None:
        if self.draining and not self.connections:
            self._empty.set()
