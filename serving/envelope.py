"""The envelope of the profile `gov`: the same answers below /gov/v1, JSON in `errcode`, `errmsg`, `data`.

The HTTP status stays true: an error is never told inside of a 200.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROOM = "/gov"
PROFILE = "cityhub.gov"
_DROPPED = {b"content-length", b"content-type", b"repr-digest"}


class Envelope:
    """Takes /gov/v1/… to /v1/… and puts what comes back as JSON into the envelope."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not scope["path"].startswith(f"{ROOM}/v1/"):
            await self.app(scope, receive, send)
            return
        inner = {**scope, "path": scope["path"].removeprefix(ROOM), PROFILE: True}
        await self.app(inner, receive, _Wrapped(send).send)


class _Wrapped:
    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = dict(message["headers"]).get(b"content-type", b"")
            if b"json" not in kind or b"ndjson" in kind or message["status"] == 304:
                await self._send(message)
            else:
                self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)

    async def _finish(self, start: Message) -> None:
        status: int = start["status"]
        body = self._body  # empty for HEAD
        if body:
            body = json.dumps(envelope(status, json.loads(body)), ensure_ascii=False).encode() + b"\n"
        headers = [(name, value) for name, value in start["headers"] if name not in _DROPPED]
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def envelope(status: int, content: Any) -> dict[str, Any]:
    """`errcode` is 0 or the HTTP status; `code` is the stable code of the problem."""
    if status < 400:
        return {"errcode": 0, "errmsg": "成功", "data": content}
    return {
        "errcode": status,
        "errmsg": content.get("title", ""),
        "code": content.get("code"),
        "requestId": content.get("request_id"),
        "data": None,
    }
