"""JSON answers with a validator: the same content has the same ETag, and whoever holds it gets 304 and no body."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

CACHED = "private, no-cache"  # keep it, and ask each time whether it still holds
FOREVER = "private, max-age=31536000, immutable"
VARY = "Accept, Authorization"


@dataclass(frozen=True)
class Prepared:
    """Content as it is sent, with its headers."""

    body: bytes
    headers: Mapping[str, str]


def prepare(content: Any, headers: Mapping[str, str] | None = None) -> Prepared:
    """Content as JSON with ETag and Repr-Digest."""
    body = (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode()
    digest = hashlib.sha256(body).hexdigest()
    base = {"ETag": f'"{digest[:32]}"', "Repr-Digest": repr_digest(digest), "Cache-Control": CACHED, "Vary": VARY}
    return Prepared(body, {**base, **(headers or {})})


def give(request: Request, prepared: Prepared, status: int = 200, media: str = "application/json") -> Response:
    """What was prepared; 304 where the client holds it. `media`: a type of JSON."""
    if status == 200 and fresh(request, prepared.headers["ETag"]):
        return not_modified(prepared.headers)
    return Response(prepared.body, status, dict(prepared.headers), media)


def answer(
    request: Request,
    content: Any,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media: str = "application/json",
) -> Response:
    """Content as JSON; 304 where the client holds it."""
    return give(request, prepare(content, headers), status, media)


def not_modified(headers: Mapping[str, str]) -> Response:
    """304 with the headers that a 200 would have had, but those of its body."""
    return Response(None, 304, {name: value for name, value in headers.items() if name != "Repr-Digest"})


def fresh(request: Request, etag: str) -> bool:
    """Whether `If-None-Match` names the representation; weak and strong compare alike here (RFC 9110, 13.1.2)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or etag in [part.strip().removeprefix("W/") for part in given.split(",")]


def repr_digest(hexadecimal: str) -> str:
    """`Repr-Digest` (RFC 9530) of a sha256."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(hexadecimal)).decode()}:"


def etag_of(*parts: object) -> str:
    """A validator of what an answer is made of, where that never changes."""
    return f'"{hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]}"'
