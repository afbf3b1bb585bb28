"""A running service and a client of it that knows nothing but HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from cityhub.settings import Settings
from serving.access import keys
from serving.access.scope import EVERY, Scope
from serving.app import configuration
from serving.config import Service as Limits


class served:  # used as a context manager
    """The service on a free port of this machine, as `cityhub serve` runs it."""

    def __init__(self, settings: Settings, limits: Limits | None = None) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(2048)  # a client that comes before the server waits instead of being refused
        self.server = uvicorn.Server(configuration(settings, limits or Limits()))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()


@dataclass(frozen=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as data."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The code of a problem; None where it is none."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return str(self.json["code"])


@dataclass(frozen=True)
class Client:
    """Sends requests just as they are given, one connection each."""

    url: str
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        """One request; a body that is no bytes goes as JSON."""
        place = urllib.parse.urlsplit(self.url)
        given = dict(self.headers) | ({"Authorization": f"Bearer {self.key}"} if self.key else {}) | dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            given.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        try:
            connection.putrequest(method, target, skip_host="Host" in given, skip_accept_encoding=True)
            for name, value in given.items():
                connection.putheader(name, value)
            if body is not None and "Content-Length" not in given:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, target: str, **headers: str) -> Answer:
        """GET; `if_none_match="…"` is the header If-None-Match."""
        return self.send("GET", target, {name.replace("_", "-"): value for name, value in headers.items()})

    def page(self, target: str) -> Any:
        """The content of a 200."""
        answer = self.get(target)
        assert answer.status == 200, answer.body
        return answer.json


def key(settings: Settings, name: str = "tester", *datasets: str, **more: Any) -> str:
    """The text of a new key; all datasets where none is named."""
    scope = Scope(datasets or (EVERY,), more.pop("units", ()), more.pop("periods", ()))
    return keys.create(settings, name, scope, **more)[1]
