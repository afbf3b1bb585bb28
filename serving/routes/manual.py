"""The OpenAPI document, and a page of it for people, made here: it loads nothing from anywhere."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from cityhub.errors import Stop
from serving import problems
from serving.answers import answer
from serving.document import document
from serving.routes.page import TEMPLATES


def router(app: FastAPI) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(prefix="/v1", include_in_schema=False)

    @routes.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        """OpenAPI 3.1."""
        return answer(request, document(app), headers={"Vary": "Accept-Encoding"})

    @routes.get("/docs", response_class=HTMLResponse)
    async def docs(request: Request) -> HTMLResponse:
        """Every address with its parameters and answers, and every code of a problem."""
        codes = [(code, told, Stop(code)) for code, told in problems.table().items()]
        return TEMPLATES.TemplateResponse(request, "manual.html", {"api": document(app), "codes": codes})

    return routes
