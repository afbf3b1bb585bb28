"""A gateway of the toy protocol inside the test, its spec, and a peer that speaks over a socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors import envelope, status
from sensors.tcp.gateway import run_tcp
from tests.sensors.tcp.toy import Toy
from tests.waiting import wait_for

FEED = "dust.line"


def toy_spec(listen: str = "127.0.0.1:0", feed: str = FEED, **source: object) -> FeedSpec:
    """A feed of the toy protocol."""
    return FeedSpec.model_validate(
        {
            "feed": feed,
            "platform": feed.partition(".")[0],
            "table": feed.replace(".", "_"),
            "title": {"zh": "行", "en": "Lines"},
            "description": "Lines of a test",
            "owner": {"department": "hbj", "person": "x", "phone": "1"},
            "source": {"kind": "hj212", "listen": listen, **source},
            "identity": {"key": ["id"]},
            "fields": {"id": {"from": "id"}, "text": {"from": "text"}},
        }
    )


class Peer:
    """A client; `read` waits for whole lines."""

    def __init__(self, port: int, wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain) -> None:
        self.socket = wrap(socket.create_connection(("127.0.0.1", port), 30))
        self.socket.settimeout(30)
        self._rest = b""

    def send(self, data: bytes) -> Peer:
        self.socket.sendall(data)
        return self

    def read(self, lines: int = 1) -> list[str]:
        """The next lines; fewer when the other side closes."""
        found: list[str] = []
        while len(found) < lines:
            line, mark, rest = self._rest.partition(b"\n")
            if mark:
                found.append(line.decode())
                self._rest = rest
                continue
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if not data:
                break
            self._rest += data
        return found

    def ended(self) -> bool:
        """Wait until the other side closes; what it still sent is left out."""
        with suppress(ConnectionResetError):
            while self.socket.recv(1 << 16):
                pass
        return True

    def close(self) -> None:
        self.socket.close()


@dataclass
class Running:
    """A gateway on a thread of the test."""

    settings: Settings
    stop: threading.Event
    ending: Future[dict[str, Any]]
    kind: str = "hj212"

    def status(self) -> dict[str, Any]:
        """What it says of itself."""
        return status.read(self.settings, self.kind) or {}

    def number(self, name: str) -> Any:
        """One of its numbers."""
        return self.status().get("numbers", {}).get(name)

    def port(self, place: int = 0) -> int:
        """Where it listens, once it does."""
        wait_for(lambda: self.status().get("state") not in {None, "starting", "stopped"} or self.ending.done())
        if self.ending.done():
            self.ending.result()
        return int(self.status()["listeners"][place]["port"])

    def end(self) -> dict[str, Any]:
        """Drain; the final status."""
        self.stop.set()
        return self.ending.result(30)


Start = Callable[..., Running]


@pytest.fixture(autouse=True)
def toy_landing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(envelope.LANDING, "hj212", "tests.sensors.tcp.toy")


@pytest.fixture
def start(settings: Settings) -> Iterator[Start]:
    """Starts toy gateways and ends them."""
    made: list[Running] = []
    with ThreadPoolExecutor(4) as pool:

        def run(*specs: FeedSpec, kind: str = "hj212", **more: Any) -> Running:
            stop = threading.Event()
            more.setdefault("make", Toy)  # None: the real protocol
            ending = pool.submit(run_tcp, settings, specs or (toy_spec(),), kind, stop, **more)
            made.append(Running(settings, stop, ending, kind))
            return made[-1]

        yield run
        for running in made:
            running.stop.set()


@pytest.fixture
def peers() -> Iterator[Callable[..., Peer]]:
    """Makes peers and closes them."""
    made: list[Peer] = []

    def connect(port: int, **more: Any) -> Peer:
        made.append(Peer(port, **more))
        return made[-1]

    yield connect
    for peer in made:
        peer.close()
