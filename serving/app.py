"""The HTTP service: the ranking page and the extracts, from published files only."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from extracts.store import Store, root_of
from serving import cursors
from serving.access.audit import Audit
from serving.access.gate import Gate
from serving.call import CALL
from serving.config import Service
from serving.config import load as load_limits
from serving.context import Context
from serving.counters import Counters
from serving.edge import Edge
from serving.envelope import Envelope
from serving.failures import Failures
from serving.ogc import about, collections, items
from serving.ogc.sites import Sites
from serving.problems import Problem
from serving.routes import catalog, files, health, manual, page, receipts, rows
from serving.shelf import Shelf

_OF_STATUS = {404: "CH-SERVE-007", 405: "CH-SERVE-013", 415: "CH-SERVE-018"}


def make_app(settings: Settings, limits: Service | None = None) -> ASGIApp:
    """The application over one installation's publications and extracts, with its edge around it."""
    limits = limits or load_limits()
    context = Context(
        settings=settings,
        limits=limits,
        shelf=Shelf(Store(root_of(settings))),
        cursors=cursors.of(settings),
        audit=Audit(settings.home / "audit"),
        counters=Counters(),
        builders=asyncio.Semaphore(limits.builders),
    )
    edge = Edge(routes(context), Gate(settings.home, limits), context.audit, context.counters, limits)
    return Envelope(edge) if limits.gov else edge


def routes(context: Context) -> FastAPI:
    """The application without its edge: what tests of the document look at."""
    # FastAPI's own pages of documentation load scripts from a CDN.
    app = FastAPI(title="CityHub", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.include_router(page.router(context.settings))
    app.include_router(health.router(context))
    for module in (catalog, files, rows, receipts):
        app.include_router(module.router(context))
    sites = Sites(context.shelf)
    for part in (collections, items):
        app.include_router(part.router(context, sites))
    for described in (about, manual):
        app.include_router(described.router(app))
    app.add_middleware(Failures)
    app.add_exception_handler(HubError, _failed)
    app.add_exception_handler(Problem, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    return app


def run(settings: Settings, host: str, port: int, *, gov: bool | None = None) -> None:
    """Serve until the process is told to stop."""
    import uvicorn

    uvicorn.Server(configuration(settings, load_limits(gov=gov), host=host, port=port)).run()


def configuration(settings: Settings, limits: Service, *, host: str = "127.0.0.1", port: int = 0):  # type: ignore[no-untyped-def]
    """uvicorn as the service runs in it: deadlines, limits, no name of the server, the access log is ours."""
    import uvicorn

    from serving.protocol import protocol

    return uvicorn.Config(
        make_app(settings, limits),
        host=host,
        port=port,
        loop="asyncio",  # uvloop cannot have the kernel send files
        http=protocol(limits.request_s, limits.stalled_s),  # type: ignore[arg-type]
        ws="none",
        log_level="info",
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=4 * limits.header_bytes,
        timeout_keep_alive=limits.idle_s,
        timeout_graceful_shutdown=30,
        backlog=2048,
    )


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HubError | Problem)
    return _answer(request, error if isinstance(error, Problem) else Problem(error))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = [
        {
            "parameter": ".".join(str(part)[:60] for part in item["loc"][1:]) or str(item["loc"][0]),
            "problem": item["msg"],
        }
        for item in error.errors()[:20]
    ]
    told = f"{found[0]['parameter']}: {found[0]['problem']}" if found else "the request cannot be read"
    return _answer(request, Problem(Stop("CH-SERVE-009", problem=told), more={"errors": found}))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _OF_STATUS.get(error.status_code, "CH-SERVE-009")
    told = Stop(code, what="address", value=request.url.path[:80], method=request.method, problem=str(error.detail))
    return _answer(request, Problem(told, status=error.status_code, headers=error.headers))


def _answer(request: Request, problem: Problem) -> Response:
    call = request.scope[CALL]
    call.code = problem.error.code
    return problem.answer(call.request_id, call.path)
