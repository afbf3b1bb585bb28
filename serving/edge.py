"""What happens to every request before and after the application: its id, its limits, its line in the access log.

Plain ASGI, so that files stream through it. Everything below /v1 that is not open asks for a key here, before any route
is looked at: a route that somebody adds later is closed until it is named as open.
"""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityhub.errors import HubError, Retry, Stop
from serving.access.audit import Audit
from serving.access.gate import Gate
from serving.call import CALL, Call
from serving.config import Service
from serving.counters import Counters
from serving.problems import Problem
from serving.protocol import EXTENSION

_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ALWAYS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
}
OUTSIDE = ("/healthz", "/readyz", "/metrics", "/v1/metrics")  # probes that come every few seconds are no accesses


class Edge:
    """The application with its edge around it."""

    def __init__(self, app: ASGIApp, gate: Gate, audit: Audit, counters: Counters, limits: Service) -> None:
        self.app, self.gate, self.audit, self.counters, self.limits = app, gate, audit, counters, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass on what is none."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self.edge, self.scope, self._receive, self._send = edge, scope, receive, send
        self.began = time.perf_counter()
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id", b"").decode("latin-1")
        identity = given if _ID.fullmatch(given) else uuid.uuid4().hex
        self.call = Call(identity, scope["method"], scope["path"])
        self.head = scope["method"] == "HEAD"
        self.read = 0
        self.instead: Problem | None = None  # what is answered in place of what the application answers

    async def run(self) -> None:
        edge, scope, call = self.edge, self.scope, self.call
        scope[CALL] = call
        try:
            if self.head:
                scope["method"] = "GET"
            self._sizes()
            if call.path not in OUTSIDE:  # a probe that is refused for slow readers would end a service that is well
                demand_room(scope, edge.limits)
            edge.gate.admit(scope, self.headers, call)
            if call.key is not None:
                demand_room(scope, edge.limits)  # of this key
            await edge.app(scope, self.receive, self.send)
        except (HubError, Problem) as error:
            await self._refuse(error if isinstance(error, Problem) else Problem(error))
        except ConnectionError:
            pass  # the client is gone in the middle of a file

    def _sizes(self) -> None:
        limits, scope = self.edge.limits, self.scope
        target = len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"])
        if target > limits.target_bytes:
            problem = f"path and query have {target} bytes, at most {limits.target_bytes} are taken"
            raise Problem(Stop("CH-SERVE-012", problem=problem), status=414)
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > limits.header_bytes or len(scope["headers"]) > limits.header_count:
            problem = f"{len(scope['headers'])} headers of {size} bytes; at most {limits.header_count} of "
            raise Problem(Stop("CH-SERVE-012", problem=f"{problem}{limits.header_bytes} are taken"), status=431)
        declared = self.headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared[:20]) > limits.body_bytes:
            raise self._too_long()

    def _too_long(self) -> Problem:
        error = Stop("CH-SERVE-012", problem=f"at most {self.edge.limits.body_bytes} bytes of body are taken")
        return Problem(error, headers={"Connection": "close"})

    async def receive(self) -> Message:
        """The next part of the body; more than the limit is refused whatever its length was said to be."""
        message = await self._receive()
        self.read += len(message.get("body", b""))
        if self.read > self.edge.limits.body_bytes:
            # Whatever the application makes of its broken body, this is what is answered.
            self.instead = self._too_long()
            raise self.instead
        return message

    async def send(self, message: Message) -> None:
        """Send the application's answer, once its line is in the log, or another one in its place."""
        if message["type"] != "http.response.start":
            if self.instead is None:
                await self._send({**message, "body": b""} if self.head else message)
            return
        if self.instead is None:
            try:
                await self._begin(message)
            except Retry as error:
                self.instead = Problem(error)
        if self.instead is not None:
            await self._refuse(self.instead)

    async def _refuse(self, problem: Problem) -> None:
        """Send a problem. What says that the log cannot be written goes out unwritten."""
        self.call.code = problem.error.code
        answer = problem.answer(self.call.request_id, self.call.path)
        start = {"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers}
        try:
            await self._begin(start)
        except Retry as error:
            await self._refuse(Problem(error))
            return
        await self._send({"type": "http.response.body", "body": b"" if self.head else answer.body})

    async def _begin(self, message: Message) -> None:
        """The line in the log, then the head. Raises `Retry` CH-SERVE-015 where the line cannot be written."""
        call, status = self.call, message["status"]
        headers = dict(message.get("headers", []))
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        extra = {"X-Request-Id": call.request_id, **call.headers}
        headers |= {name.lower().encode(): value.encode("latin-1") for name, value in extra.items()}
        took = time.perf_counter() - self.began
        if call.path not in OUTSIDE and call.code != "CH-SERVE-015":
            self._log(status, headers, took)
        self.edge.counters.answered(self.scope, status, took)
        await self._send({**message, "headers": list(headers.items())})

    def _log(self, status: int, headers: dict[bytes, Any], took: float) -> None:
        scope, call = self.scope, self.call
        client = scope.get("client")
        length = headers.get(b"content-length", b"")
        self.edge.audit.write(
            request_id=call.request_id,
            key=call.key.id if call.key else None,
            name=call.key.name if call.key else None,
            remote=client[0] if client else None,
            method=call.method,
            path=call.path,
            query=scope["query_string"].decode("latin-1") or None,
            status=status,
            code=call.code,
            bytes=int(length) if length.isdigit() else None,
            ms=round(took * 1000, 1),
        )


def demand_room(scope: Scope, limits: Service) -> None:
    """Raise `Problem` 503 where there are too many connections, or too much waits for slow readers: for all, or for
    those with the key of this request, who get a share and leave the rest to others."""
    connection = scope.get("extensions", {}).get(EXTENSION)
    if connection is None:
        return
    key = scope[CALL].key
    connection.owner = key.id if key else None
    busy = connection.open() > limits.connections or connection.outstanding() > limits.outstanding_bytes
    if busy or (key and connection.outstanding(key.id) > limits.outstanding_of_key):
        raise Problem(Retry("CH-SERVE-019"), headers={"Retry-After": "5"})
