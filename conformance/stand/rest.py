"""A small HTTP server on loopback that speaks a spec's paging, identity and envelope."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import NoPaging, OffsetPaging, PagePaging, RestSource
from conformance.records import Record
from conformance.stand import FINE, PAGE_ROWS, Fault
from conformance.stand.envelope import body, refusal
from conformance.stand.login import Door

MOST_CALLS = 60  # of one delivery: more is a caller that does not end
_NAMED_HOST = re.compile(r"^(\$\{\w+\}|\w+://[^/]*)")


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that is killed leaves in the middle of a sentence."""


class RestStand:
    """One source. What it answers is decided by the rows and the fault of the last `offer`."""

    def __init__(self, spec: FeedSpec, envelope: Any) -> None:
        assert isinstance(spec.source, RestSource)
        self.spec_source, self.envelope, self.door = spec.source, envelope, Door(spec.source.auth)
        self.rows: list[Record] = []
        self.fault, self.calls = FINE, 0
        self.faults = frozenset({"duplicate", "truncate", "login", "page", "garbage"})
        paging = spec.source.paging
        if not isinstance(paging, NoPaging):
            self.faults |= {"repeat", "total"} if paging.total_at else {"repeat"}
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def source(self) -> dict[str, Any]:
        path = _NAMED_HOST.sub("", self.spec_source.address)
        found: dict[str, Any] = {"address": f"http://127.0.0.1:{self._server.server_port}{path}", "retries": 0}
        paging = self.spec_source.paging
        if not isinstance(paging, NoPaging):
            found["paging"] = paging.model_dump(mode="json") | {"size": PAGE_ROWS}
        return found

    def offer(self, rows: Sequence[Record], day: date, fault: Fault = FINE) -> None:
        del day  # it is asked for by the query, which no two vendors write alike
        self.rows, self.fault, self.calls = list(rows), fault, 0

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, params: dict[str, str]) -> bytes:
        """The body of one data call."""
        self.calls += 1
        rows, last, cursor = self._page(params)
        total = len(self.rows) + (self.fault.by if self.fault.kind == "total" else 0)
        if self.fault.kind == "duplicate" and isinstance(self.spec_source.paging, NoPaging):
            rows = rows + rows
        page = body(self.spec_source, rows, total=total, cursor=cursor, envelope=self.envelope)
        if self.fault.kind == "truncate" and last:
            return page[: len(page) * 2 // 3]
        return page

    def _page(self, params: dict[str, str]) -> tuple[list[Record], bool, str | None]:
        """Rows of a page, whether it is the last one with rows, and the cursor of the next."""
        paging, rows = self.spec_source.paging, self.rows
        if isinstance(paging, NoPaging):
            return rows, True, None
        size = int(params.get(paging.size_param or "", "") or PAGE_ROWS)
        if isinstance(paging, PagePaging):
            start = (int(params[paging.page_param]) - paging.first) * size
        elif isinstance(paging, OffsetPaging):
            start = int(params[paging.offset_param])
        else:
            start = int(params.get(paging.cursor_param, "c0").removeprefix("c"))
        if self.fault.kind == "repeat":
            start = 0
        elif self.fault.kind == "duplicate" and self.calls > 1:  # the first page comes a second time
            start = max(0, start - size)
        following = f"c{start + size}" if start + size < len(rows) else None
        if self.fault.kind == "duplicate" and self.calls == 1 and following is None:
            following = f"c{size}"
        return rows[start : start + size], start + size >= len(rows), following


def _handler(stand: RestStand) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._call(dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fields = json.loads(content or b"{}")
            if urlsplit(self.path).path == stand.door.logs_in_at():
                answer = stand.door.login(fields)
                if answer is None or stand.fault.kind == "login":
                    self._send(401, refusal(stand.spec_source, f"wrong user or password: {content.decode()}"))
                else:
                    self._send(200, json.dumps(answer).encode())
                return
            self._call({name: str(value) for name, value in fields.items()})

        def _call(self, params: dict[str, str]) -> None:
            if stand.fault.kind == "login" or not stand.door.opens(dict(self.headers)):
                said = "; ".join(f"{name}: {value}" for name, value in self.headers.items())
                self._send(401, refusal(stand.spec_source, f"we do not know you: {said}"))
            elif stand.calls >= MOST_CALLS:
                self._send(404, b'{"message": "asked without end"}')
                stand.calls += 1
            elif stand.fault.kind == "page":
                self._send(200, "<!DOCTYPE html><html><title>登录</title><form>请登录</form></html>".encode())
            elif stand.fault.kind == "garbage":
                self._send(200, b'{"data": [{]}')
            else:
                self._send(200, stand.answer(params))

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """The stand is no part of what is watched."""

    return Handler


def make(spec: FeedSpec, folder: Path, envelope: Any) -> RestStand:
    """The stand of a REST feed."""
    del folder
    return RestStand(spec, envelope)
