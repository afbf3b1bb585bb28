"""Health, readiness, metrics: for probes, without a key; they tell numbers and nothing of what was published."""

from __future__ import annotations

import os
from typing import Any

from fastapi import APIRouter, Request, Response

from cityhub.errors import Retry
from scoring.publication.manifest import current
from serving.access import keys
from serving.context import Context
from serving.protocol import EXTENSION
from serving.routes import shapes

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def router(context: Context) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(tags=["health"])
    settings = context.settings

    @routes.get("/healthz", responses=_answers(shapes.HEALTH))
    def healthz() -> dict[str, Any]:
        """The process answers; `current` is the publication that the ranking page shows."""
        return {"ok": True, "current": current(settings.publications)}

    @routes.get("/readyz", responses=_answers(shapes.READY))
    def readyz() -> dict[str, Any]:
        """Requests can be answered: keys can be read, accesses can be written. 503 names what cannot."""
        keys.read(keys.path_of(settings))
        folder = context.audit.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            raise Retry("CH-SERVE-015") from None
        if not os.access(folder, os.W_OK):
            raise Retry("CH-SERVE-015")
        return {"ready": True, "latest": context.shelf.latest()}

    @routes.get("/v1/metrics", response_class=Response, responses=_METRICS)
    async def metrics(request: Request) -> Response:
        """Requests, latencies, receipts, connections of this process, for Prometheus."""
        connection = request.scope.get("extensions", {}).get(EXTENSION)
        there, waiting = (connection.open(), connection.outstanding()) if connection else (0, 0)
        text = context.counters.text(context.shelf.latest(), connections=there, waiting=waiting)
        return Response(text, media_type=PROMETHEUS)

    @routes.get("/metrics", include_in_schema=False)
    def nights() -> Response:
        """The file that the steps of a night write; numbers only, so nobody has to log in."""
        try:
            text = (settings.home / "metrics" / "cityhub.prom").read_text(encoding="utf-8")
        except FileNotFoundError:
            return Response("# no night has run yet\n", 503, media_type="text/plain; charset=utf-8")
        return Response(text, media_type=PROMETHEUS)

    return routes


def _answers(shape: shapes.Shape) -> dict[int | str, dict[str, Any]]:
    return shapes.ok(shape, conditional=False)


_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Prometheus' text format", "content": {"text/plain": {"schema": {"type": "string"}}}},
    **shapes.problems(),
}
