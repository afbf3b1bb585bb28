"""What happens to every request before and after the application: its id, its limits, its line in the access log.

Plain ASGI, so that files stream through it. Everything below /v1 that is not open asks for a key here, before any route
is looked at: a route that somebody adds later is closed until it is named as open.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityhub import log
from cityhub.errors import HubError, Retry, Stop
from serving.access.audit import Audit
from serving.access.gate import Gate
from serving.access.keys import Key
from serving.config import Service
from serving.counters import Counters
from serving.problems import Problem
from serving.protocol import EXTENSION

logger = log.get(__name__)
CALL = "cityhub.call"
_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_ALWAYS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
}
OUTSIDE = ("/healthz", "/readyz", "/metrics", "/v1/metrics")  # probes that come every few seconds are no accesses


@dataclass
class Call:
    """One request on its way. `code`: of the problem that it ended with; `headers` go with its answer."""

    request_id: str
    method: str
    path: str
    key: Key | None = None
    code: str | None = None
    dataset: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


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
        self.started = False
        self.status = 0

    async def run(self) -> None:
        edge, scope, call = self.edge, self.scope, self.call
        scope[CALL] = call
        try:
            if self.head:
                scope["method"] = "GET"
            self._sizes()
            self._room()
            edge.gate.admit(scope, self.headers, call)
            await edge.app(scope, self.receive, self.send)
        except (HubError, Problem) as error:
            await self._refuse(error if isinstance(error, Problem) else Problem(error))
        except Exception as error:  # the last place where a failure becomes an answer
            logger.error("request failed request_id=%s error=%s", call.request_id, type(error).__name__, exc_info=error)
            if self.started:
                raise  # half an answer is out: the connection closes, so that nobody takes it for a whole one
            await self._refuse(Problem(Retry("CH-SERVE-014", request_id=call.request_id)))

    async def _refuse(self, problem: Problem) -> None:
        self.call.code = problem.error.code
        answer = problem.answer(self.call.request_id, self.call.path)
        await answer(self.scope, self.receive, self.send)

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
            self._too_long()

    def _room(self) -> None:
        connection = self.scope.get("extensions", {}).get(EXTENSION)
        if connection is not None and connection.outstanding() > self.edge.limits.outstanding_bytes:
            raise Problem(Retry("CH-SERVE-019"), headers={"Retry-After": "5"})

    def _too_long(self) -> None:
        most = self.edge.limits.body_bytes
        raise Problem(
            Stop("CH-SERVE-012", problem=f"at most {most} bytes of body are taken"), headers={"Connection": "close"}
        )

    async def receive(self) -> Message:
        """The next part of the body; more than the limit is refused whatever its length was said to be."""
        message = await self._receive()
        self.read += len(message.get("body", b""))
        if self.read > self.edge.limits.body_bytes:
            self._too_long()
        return message

    async def send(self, message: Message) -> None:
        """Pass an answer on: first its line in the log, then its head; no body for HEAD."""
        if message["type"] == "http.response.start":
            message = self._begin(message)
        elif self.head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)
        self.started = True

    def _begin(self, message: Message) -> Message:
        call = self.call
        self.status = message["status"]
        headers = dict(message.get("headers", []))
        for name, value in _ALWAYS.items():
            headers.setdefault(name, value)
        extra = {"X-Request-Id": call.request_id, **call.headers}
        headers |= {name.lower().encode(): value.encode("latin-1") for name, value in extra.items()}
        took = time.perf_counter() - self.began
        if call.path not in OUTSIDE:
            self._log(headers, took)
        self.edge.counters.answered(self.scope, self.status, took)
        return {**message, "headers": list(headers.items())}

    def _log(self, headers: dict[bytes, Any], took: float) -> None:
        scope, call = self.scope, self.call
        client = scope.get("client")
        length = headers.get(b"content-length", b"")
        try:
            self.edge.audit.write(
                request_id=call.request_id,
                key=call.key.id if call.key else None,
                name=call.key.name if call.key else None,
                remote=client[0] if client else None,
                method=call.method,
                path=call.path,
                query=scope["query_string"].decode("latin-1") or None,
                status=self.status,
                code=call.code,
                bytes=int(length) if length.isdigit() else None,
                ms=round(took * 1000, 1),
            )
        except Retry:
            if call.code != "CH-SERVE-015":  # the refusal itself cannot be written either, and goes out
                raise
