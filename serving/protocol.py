"""HTTP connections that nobody can hold on to: uvicorn's own protocol with deadlines, and files sent by the kernel.

Without deadlines a client that sends a byte a minute, or reads none, keeps its connection and its memory for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import IO, Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from cityhub.errors import Stop
from serving.problems import Problem

EXTENSION = "cityhub.connection"
_BLOCK = 8 * 1024 * 1024
_WHOLE = {h11.DONE, h11.MUST_CLOSE, h11.CLOSED, h11.ERROR}


class _Passed:
    """Stands for bytes that go past h11: it only counts them."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return self.size


class Connection(H11Protocol):
    """One connection. `request_s`: a request, head and body, has come by then; `stalled_s`: a client has read something
    by then."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        request_s: float,
        stalled_s: float,
        stalled: set[Connection],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.request_s, self.stalled_s, self._stalled = request_s, stalled_s, stalled
        self._arriving: asyncio.TimerHandle | None = None
        self.owner: str | None = None  # id of the key of its last request
        self.app = self._with_extension(self.app)

    def _with_extension(self, app: Any) -> Any:
        async def extended(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "extensions": {EXTENSION: self}}, receive, send)

        return extended

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        with contextlib.suppress(OSError, AttributeError):
            # The kernel gives up on a client that takes nothing for so long; one that reads slowly may go on.
            held = transport.get_extra_info("socket")
            held.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(self.stalled_s * 1000))
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._stalled.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state in _WHOLE:
            self._arrived()
        elif self._arriving is None:
            self._expect()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled.add(self)

    def resume_writing(self) -> None:
        self._stalled.discard(self)
        super().resume_writing()

    def outstanding(self, owner: str | None = None) -> int:
        """Bytes that wait in memory for slow readers, over all connections or over those of one key."""
        held = (item for item in self._stalled if owner is None or item.owner == owner)
        return sum(item.transport.get_write_buffer_size() for item in held)

    def open(self) -> int:
        """How many connections there are."""
        return len(self.connections)

    async def send_file(self, file: IO[bytes], offset: int, count: int) -> None:
        """Send bytes of a file as the body of the answer whose head was sent, from the kernel's cache to the socket.

        Raises `ConnectionError` when the client is gone or reads nothing.
        """
        while count > 0:
            size = min(count, _BLOCK)
            self.conn.send_with_data_passthrough(h11.Data(data=_Passed(size)))  # type: ignore[arg-type]
            try:
                sent = await self.loop.sendfile(self.transport, file, offset, size, fallback=True)
            except (OSError, RuntimeError):
                self._give_up()
                raise ConnectionError("the client is gone or reads nothing") from None
            if sent < size:
                self.transport.abort()
                raise ConnectionError("the file ended early")
            offset, count = offset + size, count - size

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered as a problem too; nothing of it is repeated."""
        problem = Problem(Stop("CH-SERVE-009", problem="this is no HTTP request"))
        answer = problem.answer("-", "-")
        head = [*answer.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=head, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.write(self.conn.send(h11.EndOfMessage()) or b"")
        self.transport.close()

    def _expect(self) -> None:
        self._arriving = self.loop.call_later(self.request_s, self._give_up)

    def _arrived(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    def _give_up(self) -> None:
        """Close at once and forget what was not sent: the kernel would keep it for a client that reads nothing."""
        with contextlib.suppress(OSError):
            held = self.transport.get_extra_info("socket")
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def protocol(request_s: float, stalled_s: float) -> Callable[..., Connection]:
    """What uvicorn makes connections with."""
    stalled: set[Connection] = set()

    def make(
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> Connection:
        return Connection(
            config, server_state, app_state, _loop, request_s=request_s, stalled_s=stalled_s, stalled=stalled
        )

    return make
