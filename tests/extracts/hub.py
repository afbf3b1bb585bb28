"""A hub that serves its extracts on a free port, with a key for everything, and clients that pull from it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from connectors.retry import Policy
from extracts.client import Client
from serving.access import keys
from serving.access.scope import EVERY, Scope
from serving.app import configuration
from serving.config import Service
from tests.extracts.shelf import Shelf

QUICK = Policy(sleep=lambda seconds: None)
LIMITS = Service(burst=100_000, failure_burst=100_000)


@contextmanager
def served(shelf: Shelf, limits: Service = LIMITS) -> Iterator[str]:
    """The service over the shelf, as `cityhub serve` runs it; its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    server = uvicorn.Server(configuration(shelf.settings, limits))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def key(shelf: Shelf, name: str = "province", **scope: Any) -> str:
    """A new key; everything where the scope says nothing."""
    return keys.create(shelf.settings, name, Scope(**({"datasets": (EVERY,), "units": (), "periods": ()} | scope)))[1]


def client(url: str, secret: str) -> Client:
    """A client that does not wait between tries."""
    return Client(url, secret, policy=QUICK)
