"""Where a GIS program begins: landing, conformance, the OpenAPI document of these addresses."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from serving.answers import answer
from serving.document import document
from serving.formats import wanted
from serving.ogc import shapes
from serving.ogc.links import JSON, OPENAPI_30, OPENAPI_31, ROOM, base, itself, link
from serving.ogc.openapi import thirty
from serving.parameters import known_only

TITLE = "城市综合管理服务平台点位与最近值"
DESCRIPTION = (
    "已发布的点位、位置与最近观测值，每类点位一个图层。 Published sites with their last values, one layer a kind."
)
CONFORMS = tuple(
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{name}" for name in ("core", "geojson", "oas30")
)


def router(app: FastAPI) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(prefix=ROOM, dependencies=[Depends(known_only)], tags=["sites"])

    @routes.get("", include_in_schema=False)
    @routes.get("/", responses=shapes.ok(shapes.LANDING))
    async def landing(request: Request) -> Response:
        """OGC API - Features: where a GIS program begins; needs no key."""
        wanted(request, (JSON,))
        return answer(request, _landing(base(request)))

    @routes.get("/conformance", responses=shapes.ok(shapes.CONFORMANCE))
    async def conformance(request: Request) -> Response:
        """What of OGC API - Features is kept here."""
        wanted(request, (JSON,))
        return answer(request, {"conformsTo": list(CONFORMS)})

    @routes.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> Response:
        """OpenAPI 3.0, which GIS programs read, of what is below /ogc."""
        made = {**described(), "servers": [{"url": f"{base(request)}{ROOM}"}]}
        return answer(request, made, headers={"Vary": "Accept-Encoding"}, media=OPENAPI_30)

    @cache
    def described() -> dict[str, Any]:
        return thirty(document(app))  # once: whoever has no key may ask for it too

    return routes


def _landing(address: str) -> dict[str, Any]:
    root = f"{address}{ROOM}"
    return {
        "title": TITLE,
        "description": DESCRIPTION,
        "links": [
            *itself(f"{root}/", JSON),
            link(f"{root}/openapi.json", "service-desc", OPENAPI_30, "OpenAPI 3.0"),
            link(f"{address}/v1/openapi.json", "service-desc", OPENAPI_31, "OpenAPI 3.1"),
            link(f"{address}/v1/docs", "service-doc", "text/html", "接口说明"),
            link(f"{root}/conformance", "conformance", JSON),
            link(f"{root}/collections", "data", JSON),
        ],
    }
