"""One vendor's HTTP server: gate, scripted faults, then a page cut out of the rendered records."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from sandbox.dataset import Dataset
from sandbox.gate import Gate
from sandbox.manners import Endpoint, Login, Manner
from sandbox.paging import Window, day_of, window
from sandbox.plan import Plan
from sandbox.render import Rendered
from sandbox.store import Store

GARBAGE = (
    "<!DOCTYPE html><html><head><title>系统登录</title></head><body><form action='/login'>"
    "用户名 <input name='u'></form></body></html>"
).encode()
TRUNCATED_TO = 0.6  # of the announced length
HANG_S = 120.0


@dataclass
class Api:
    """What one server serves."""

    platform: str
    endpoints: dict[str, Endpoint]
    datasets: dict[str, Dataset]
    store: Store
    plan: Plan
    gate: Gate
    started: float = field(default_factory=time.monotonic)
    stopping: threading.Event = field(default_factory=threading.Event)

    def feed(self, endpoint: Endpoint) -> str:
        """The feed behind an endpoint."""
        return self.datasets[endpoint.dataset].feed

    def logins(self) -> dict[str, Login]:
        """Login paths."""
        auths = [item.manner.auth for item in self.endpoints.values()]
        return {auth.path: auth for auth in auths if isinstance(auth, Login)}


class Handler(BaseHTTPRequestHandler):
    """Serves one connection; `api` is set on a subclass made for each server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: ClassVar[Api]

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the hub keeps its own journal of what it asked."""

    def do_GET(self) -> None:
        """Answer one call; a caller that went away is none of our trouble."""
        try:
            self._answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_POST = do_GET

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        login = self.api.logins().get(parts.path)
        endpoint = self.api.endpoints.get(parts.path)
        if login is not None:
            self._login(login, body)
        elif endpoint is None:
            self._send(404, b'{"code":404,"message":"not found"}')
        elif not self._faulty(endpoint):
            self._page(endpoint, dict(parse_qsl(parts.query, keep_blank_values=True)))

    def _login(self, login: Login, body: bytes) -> None:
        manner = next(item.manner for item in self.api.endpoints.values() if item.manner.auth == login)
        if plan_has(self.api.plan, self.api.platform, "garbage"):
            self._send(200, GARBAGE, "text/html; charset=utf-8")
            return
        answer = self.api.gate.login(login, body) if self.command == "POST" else None
        if answer is None:
            self._refuse(manner, 401, "user or password wrong")
        else:
            self._send(200, answer.encode())

    def _faulty(self, endpoint: Endpoint) -> bool:
        """Play the scripted fault that holds for this call, if any; True when that answers it."""
        plan, feed, manner = self.api.plan, self.api.feed(endpoint), endpoint.manner
        late = plan.has(feed, "late")
        if plan.has(feed, "dead") is not None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif late is not None and time.monotonic() - self.api.started < int(late):
            self._refuse(manner, 503, "no data yet", retry_after=5)
        elif plan.too_fast(feed):
            self._refuse(manner, 429, "too many requests", retry_after=1)
        elif plan.strikes(feed, "timeout"):
            self._hang()
        elif plan.strikes(feed, "error500"):
            self._send(500, b"<html><body><h1>500 Internal Server Error</h1></body></html>", "text/html")
        elif plan.has(feed, "garbage") is not None:
            self._send(200, GARBAGE, "text/html; charset=utf-8")
        else:
            return False
        return True

    def _hang(self) -> None:
        """Say nothing until the caller goes, the sandbox stops, or two minutes are over."""
        self.close_connection = True
        end = time.monotonic() + HANG_S
        while not self.api.stopping.is_set() and time.monotonic() < end:
            readable, _, _ = select.select([self.connection], [], [], 0.1)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                return

    def _page(self, endpoint: Endpoint, query: dict[str, str]) -> None:
        api, manner, feed = self.api, endpoint.manner, self.api.feed(endpoint)
        refusal = api.gate.refusal(manner.auth, self.headers)
        if refusal:
            self._refuse(manner, 401, refusal)
            return
        try:
            day = day_of(query.get(endpoint.day, "")) if endpoint.day else None
            style = manner.format
            records = api.store.get(endpoint.dataset, api.datasets[endpoint.dataset], style, day)
            part = window(manner, query, records.total, repeat=plan_has(api.plan, feed, "repeat"))
        except ValueError as error:
            self._refuse(manner, 400, f"bad request: {error}")
            return
        skipped = int(api.plan.has(feed, "paging_skip") or 0) if part.first else 0
        self._stream(manner, records, replace(part, first=part.first + skipped), feed)

    def _stream(self, manner: Manner, records: Rendered, part: Window, feed: str) -> None:
        start, end = records.span(part.first, part.size)
        total = records.total + (7 if plan_has(self.api.plan, feed, "total_wrong") else 0)
        text = manner.ok.replace("$total", str(total)).replace("$next", json.dumps(part.next or None))
        head, _, tail = text.partition("$records")
        length = len(head.encode()) + end - start + len(tail.encode())
        cut = self.api.plan.strikes(feed, "truncated") and end > start
        kind = "application/json" if manner.format == "json" else "application/xml"
        self._head(200, f"{kind}; charset=utf-8", length)
        self.wfile.write(head.encode())
        with records.file.open("rb") as file:
            if end > start:
                self.connection.sendfile(file, start, int((end - start) * TRUNCATED_TO) if cut else end - start)
        if cut:
            self.close_connection = True
        else:
            self.wfile.write(tail.encode())

    def _refuse(self, manner: Manner, status: int, message: str, retry_after: int | None = None) -> None:
        text = manner.error.replace("$code", str(status)).replace("$message", message)
        kind = "application/json" if manner.format == "json" else "application/xml"
        self._send(manner.error_status or status, text.encode(), f"{kind}; charset=utf-8", retry_after)

    def _send(
        self,
        status: int,
        body: bytes,
        kind: str = "application/json; charset=utf-8",
        retry_after: int | None = None,
    ) -> None:
        self._head(status, kind, len(body), retry_after)
        self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int, retry_after: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        self.end_headers()


def plan_has(plan: Plan, feed: str, kind: str) -> bool:
    """Whether a fault without argument is planned."""
    return plan.has(feed, kind) is not None


class Server:
    """The running server of one platform on a free port of 127.0.0.1."""

    def __init__(self, api: Api) -> None:
        handler = type("PlatformHandler", (Handler,), {"api": api})
        self.api = api
        self._http = _Http(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(
            target=self._http.serve_forever,
            kwargs={"poll_interval": 0.1},
            name=f"sandbox-{api.platform}",
            daemon=True,
        )

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port; calls under way end."""
        self.api.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that breaks off is normal here; anything else must be seen."""
        import sys

        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # the base class takes any socket
