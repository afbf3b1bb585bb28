"""Files by the sha256 of their content: they never change, so they may be kept for ever and fetched in parts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path as File
from typing import IO, Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.types import Receive, Scope, Send

from cityhub.errors import Stop
from extracts.datasets import DATASETS
from extracts.model import ExtractFile
from serving import ranges
from serving.access.keys import Key
from serving.answers import FOREVER, fresh, not_modified, repr_digest
from serving.call import CALL
from serving.context import Context, key_of, readable
from serving.parameters import known_only
from serving.protocol import EXTENSION
from serving.routes import shapes
from serving.shelf import Held

MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "csv.gz": "application/gzip",
    "ndjson.gz": "application/gzip",
    "json": "application/json",
    "json.sig": "application/octet-stream",
}
_BLOCK = 256 * 1024
Name = Annotated[
    str,
    Path(
        description="sha256 and format, as the publication lists it",
        pattern=r"^[0-9a-f]{64}\.(parquet|csv\.gz|ndjson\.gz|json|json\.sig)$",
    ),
]


def router(context: Context) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(prefix="/v1", dependencies=[Depends(known_only)], tags=["files"])

    @routes.get("/files/{name}", responses=_RESPONSES, response_class=Response)
    async def file(request: Request, name: Name) -> Response:
        """The bytes of a file: whole, or the part that `Range` asks for.

        `Repr-Digest` is the sha256 of the whole file (RFC 9530). `.json` and `.json.sig` are a manifest's signed bytes
        and their detached signature.
        """
        digest, _, kind = name.partition(".")
        key = key_of(request)
        if kind in ("json", "json.sig"):
            return _manifest(context, request, key, digest, kind)
        places = [(held, item) for held, item in context.shelf.files(digest) if item.format == kind]
        if not places:
            raise Stop("CH-SERVE-007", what="file", value=name[:80])
        item = _allowed(key, places)
        return _file(request, _there(context, places, item), item, MEDIA_TYPES[kind])

    return routes


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file", "content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY)},
    206: {"description": "The part that was asked for", "content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY)},
    304: {"description": shapes.MEANING[304]},
    **shapes.problems(404, 416),
}


def _allowed(key: Key, places: list[tuple[Held, ExtractFile]]) -> ExtractFile:
    """The first place of these bytes that the key may read; raises `Stop` CH-SERVE-004, 005 or 006 where none is."""
    refusals = []
    for held, item in places:
        dataset = DATASETS[item.dataset]
        if not readable(key, dataset):
            refusals.append(Stop("CH-SERVE-004", dataset=dataset.id))
        elif not key.scope.period(held.manifest.period):
            refusals.append(Stop("CH-SERVE-005", period=held.manifest.period))
        elif not key.scope.whole_files(dataset.unit_column):
            refusals.append(Stop("CH-SERVE-006", what="a file of all units"))
        else:
            return item
    raise refusals[0]


def _there(context: Context, places: list[tuple[Held, ExtractFile]], item: ExtractFile) -> File:
    for held, other in places:  # the same bytes, wherever they are kept still
        path = context.shelf.path(held, other)
        if path.is_file():
            return path
    raise Stop("CH-SERVE-007", what="file any more", value=f"{item.sha256}.{item.format}")


def _manifest(context: Context, request: Request, key: Key, digest: str, kind: str) -> Response:
    held = context.shelf.manifest(digest)
    if held is None:
        raise Stop("CH-SERVE-007", what="manifest", value=digest)
    if not key.scope.period(held.manifest.period):
        raise Stop("CH-SERVE-005", period=held.manifest.period)
    signature = context.shelf.store.signature(held.sequence)
    if kind == "json.sig" and signature is None:
        raise Stop("CH-SERVE-007", what="signature of manifest", value=digest)
    body = held.body if kind == "json" else signature
    return _bytes(request, body or b"", f'"{digest}.{kind}"', digest if kind == "json" else None, MEDIA_TYPES[kind])


def _bytes(request: Request, body: bytes, etag: str, digest: str | None, media_type: str) -> Response:
    headers = {"ETag": etag, "Cache-Control": FOREVER, "Vary": "Authorization"}
    headers |= {"Repr-Digest": repr_digest(digest)} if digest else {}
    return not_modified(headers) if fresh(request, etag) else Response(body, 200, headers, media_type)


def _file(request: Request, path: File, item: ExtractFile, media_type: str) -> Response:
    headers = {
        "ETag": f'"{item.sha256}"',
        "Repr-Digest": repr_digest(item.sha256),
        "Accept-Ranges": "bytes",
        "Cache-Control": FOREVER,
        "Vary": "Authorization",
        "Content-Disposition": f'attachment; filename="{item.path}"',
    }
    if fresh(request, headers["ETag"]):
        return not_modified(headers)
    wanted = None
    if request.headers.get("if-range", headers["ETag"]) == headers["ETag"]:
        wanted = ranges.read(request.headers.get("range"), item.bytes)
    begin, count = wanted or (0, item.bytes)
    if wanted:
        headers["Content-Range"] = f"bytes {begin}-{begin + count - 1}/{item.bytes}"
    return FileAnswer(path, begin, count, 206 if wanted else 200, headers, media_type)


class FileAnswer(Response):
    """Bytes of a file. The kernel sends them where the connection can have it so; otherwise they are read in blocks."""

    def __init__(
        self, path: File, begin: int, count: int, status: int, headers: Mapping[str, str], media_type: str
    ) -> None:
        super().__init__(None, status, {**headers, "Content-Length": str(count)}, media_type)
        self.path, self.begin, self.count = path, begin, count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; HEAD opens the file and reads nothing."""
        with self.path.open("rb") as file:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope[CALL].method != "HEAD":
                await self._body(scope, send, file)
            await send({"type": "http.response.body", "body": b""})

    async def _body(self, scope: Scope, send: Send, file: IO[bytes]) -> None:
        connection = scope.get("extensions", {}).get(EXTENSION)
        if connection is not None:
            await connection.send_file(file, self.begin, self.count)
            return
        file.seek(self.begin)
        left = self.count
        while left > 0:
            block = await asyncio.to_thread(file.read, min(left, _BLOCK))
            left -= len(block)
            await send({"type": "http.response.body", "body": block, "more_body": True})
