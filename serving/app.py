"""The HTTP service: the ranking page and the first extracts, from published files only."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from fastapi.templating import Jinja2Templates

from cityhub.errors import HubError
from cityhub.settings import Settings
from scoring.explain_text import STATES
from scoring.numbers import rounded
from scoring.publication.export import STATUSES
from scoring.publication.manifest import Manifest, current
from serving import published

TEMPLATES = Jinja2Templates(directory=Path(__file__).parent / "templates")
LEAGUES = {"territory": "属地单位", "department": "县直相关单位"}
Month = Query(None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="YYYY-MM; default: what `current` shows")


def make_app(settings: Settings) -> FastAPI:
    """The application over one installation's publications."""
    app = FastAPI(title="CityHub", docs_url=None, redoc_url=None)  # their pages load scripts from a CDN
    root = settings.publications

    @app.exception_handler(HubError)
    def failed(request: Request, error: HubError) -> JSONResponse:
        status = 404 if error.code == "CH-PUB-001" else 503
        return JSONResponse({"error": error.as_dict()}, status)

    @app.get("/healthz")
    def healthz() -> dict[str, Any]:
        return {"ok": True, "current": current(root)}

    @app.get("/metrics")
    def metrics() -> PlainTextResponse:
        """The file that the steps of a night write; numbers only, so nobody has to log in."""
        try:
            text = (settings.home / "metrics" / "cityhub.prom").read_text(encoding="utf-8")
        except FileNotFoundError:
            return PlainTextResponse("# no night has run yet\n", 503)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/v1/publications")
    def publications() -> list[dict[str, Any]]:
        return [_short(manifest) for manifest in published.all_manifests(root)]

    @app.get("/v1/publications/{which}")
    def publication(which: str) -> dict[str, Any]:
        return asdict(published.find(root, which))

    @app.get("/v1/ranking")
    def ranking(month: str | None = Month, league: str | None = Query(None, max_length=40)) -> dict[str, Any]:
        manifest = _choose(root, month)
        rows = published.rows(root, manifest, "ranking", league=league)
        return {"publication": _short(manifest), "ranking": [_without_trace(row) for row in rows]}

    @app.get("/v1/indicators")
    def indicators(
        code: str | None = Query(None, max_length=20),
        unit: str | None = Query(None, max_length=40),
        month: str | None = Month,
    ) -> dict[str, Any]:
        manifest = _choose(root, month)
        values = published.rows(root, manifest, "indicator_value", code=code, unit_code=unit)
        definitions = published.rows(root, manifest, "indicator", code=code)
        return {"publication": _short(manifest), "indicators": definitions, "values": values}

    @app.get("/", response_class=HTMLResponse)
    def page(request: Request, month: str | None = Month) -> HTMLResponse:
        if month is None and current(root) is None:
            return TEMPLATES.TemplateResponse(request, "empty.html", status_code=200)
        manifest = _choose(root, month)
        rows = published.rows(root, manifest, "ranking")
        months = sorted({item.period for item in published.all_manifests(root)}, reverse=True)
        return TEMPLATES.TemplateResponse(
            request,
            "ranking.html",
            {
                "publication": manifest,
                "status": STATUSES.get(manifest.status, manifest.status),
                "months": months,
                "leagues": [(LEAGUES.get(name, name), _league(rows, name)) for name in _in_order(rows)],
            },
        )

    return app


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until the process is told to stop."""
    import uvicorn

    uvicorn.run(make_app(settings), host=host, port=port, log_level="info")


def _choose(root: Path, month: str | None) -> Manifest:
    return published.find(root, "latest") if month is None else published.newest_of(root, month)


def _short(manifest: Manifest) -> dict[str, Any]:
    return {key: value for key, value in asdict(manifest).items() if key not in {"files", "switches"}}


def _without_trace(row: published.Row) -> published.Row:
    return {key: value for key, value in row.items() if key != "trace"}


def _in_order(rows: list[published.Row]) -> list[str]:
    found = {row["league"] for row in rows}
    return [name for name in LEAGUES if name in found] + sorted(found - set(LEAGUES))


def _league(rows: list[published.Row], league: str) -> list[published.Row]:
    mine = [row for row in rows if row["league"] == league]
    mine.sort(key=lambda row: (row["rank"] is None, row["rank"] or 0, row["unit_code"]))
    return [_shown(row) for row in mine]


def _shown(row: published.Row) -> published.Row:
    trace = json.loads(row["trace"])
    share = row["completeness"]
    return row | {
        "shown": trace.get("shown") or "—",
        "state_zh": STATES.get(row["state"], row["state"]),
        "percent": "—" if share is None else f"{rounded(Decimal(repr(share)) * 100, 1)}%",
        "consequences": [
            {"rule": item["rule"], "action": "、".join(item["action"]), "clause": item["clause"]}
            for item in trace.get("consequences", [])
        ],
    }
