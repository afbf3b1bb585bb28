"""A gateway in miniature: the real sessions behind plain sockets; stores in memory, answers what it stored.

`cut_after`: the first connections are cut, unanswered, when so many bytes came on each (one number a connection).
`deaf`: reads, stores nothing and answers nothing.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from types import TracebackType

from sensors.tcp.protocol import Dialect


class Sink:
    def __init__(self, dialect: Dialect | None, cut_after: Sequence[int] = ()) -> None:
        self._dialect, self._cuts = dialect, list(cut_after)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listening.getsockname()[1]
        self.raw: list[bytearray] = []
        self.blobs: list[bytes] = []
        self.counts: dict[str, int] = {}
        self.closed: list[str] = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> Sink:
        self._threads[0].start()
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                client, (host, port, *_) = self._listening.accept()
            except OSError:
                return
            received = bytearray()
            with self._lock:
                cut = self._cuts.pop(0) if self._cuts else None
                self.raw.append(received)
            thread = threading.Thread(target=self._serve, args=(client, f"{host}:{port}", received, cut), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, peer: str, received: bytearray, cut: int | None) -> None:
        session = self._dialect.session(peer) if self._dialect else None
        with client:
            try:
                while data := client.recv(65536):
                    received += data
                    if cut is not None and len(received) >= cut:
                        return
                    if session is None:
                        continue
                    with self._lock:
                        answer, close = self._take(session.receive(data))
                    client.sendall(answer)
                    if close:
                        return
            except OSError:
                return
            finally:
                if session is not None and cut is None:
                    with self._lock:
                        self._take(session.ended())

    def _take(self, reaction) -> tuple[bytes, bool]:
        self.blobs += [raw for _, raw, _ in reaction.spool]
        for name, number in reaction.counts.items():
            self.counts[name] = self.counts.get(name, 0) + number
        if reaction.close is not None:
            self.closed.append(reaction.close)
        return reaction.at_once + reaction.durable, reaction.close is not None
