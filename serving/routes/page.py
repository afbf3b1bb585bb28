"""The ranking page, for people."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from cityhub.errors import Stop
from cityhub.settings import Settings
from scoring.explain_text import STATES
from scoring.numbers import rounded
from scoring.publication.export import STATUSES
from scoring.publication.manifest import current
from serving import published
from serving.parameters import Month

TEMPLATES = Jinja2Templates(directory=Path(__file__).parents[1] / "templates")
LEAGUES = {"territory": "属地单位", "department": "县直相关单位"}


def router(settings: Settings) -> APIRouter:
    """The routes of this kind."""
    routes = APIRouter(include_in_schema=False)
    root = settings.publications

    @routes.get("/", response_class=HTMLResponse)
    def page(request: Request, month: Month = None) -> HTMLResponse:
        """The ranking of a month."""
        manifests, number = published.all_manifests(root), current(root)
        if month is None and number is None:
            return TEMPLATES.TemplateResponse(request, "empty.html", status_code=200)
        manifest = next(
            (item for item in manifests if month == item.period or (month is None and item.number == number)), None
        )
        if manifest is None:
            raise Stop("CH-PUB-001", number=month)
        rows = published.ranking(root, manifest)
        months = sorted({item.period for item in manifests}, reverse=True)
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

    return routes


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
