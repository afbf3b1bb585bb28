"""The OpenAPI document: what FastAPI knows of the routes, and what it does not: HEAD, the problem, who needs a key."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from extracts.datasets import DATASETS
from serving.access.gate import OPEN
from serving.routes import shapes

DESCRIPTION = """Published results of the hub as data products: numbered, signed, never changed.

Every request below /v1 and /ogc carries `Authorization: Bearer KEY`. Errors are `application/problem+json`. Exact
numbers are texts. docs/api.md shows a consumer that needs nothing but curl."""
_HEADERS = {
    "X-Request-Id": {"description": "Id of the request, as it stands in the access log", "schema": {"type": "string"}}
}
_NO_KEY = {"/healthz", "/readyz", *OPEN}


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document; made once."""
    if app.openapi_schema is None:
        made = get_openapi(title="CityHub extracts", version="1", description=DESCRIPTION, routes=app.routes)
        made.setdefault("components", {})
        made["components"].setdefault("schemas", {})["Problem"] = shapes.PROBLEM
        made["components"]["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "`cityhub key create` makes one"}
        }
        for path, item in made["paths"].items():
            _complete(path, item)
        for name in ("HTTPValidationError", "ValidationError"):
            made["components"]["schemas"].pop(name, None)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(path: str, item: dict[str, Any]) -> None:
    for operation in item.values():
        for parameter in operation.get("parameters", []):
            if (parameter["in"], parameter["name"]) == ("path", "id"):
                parameter["schema"]["enum"] = list(DATASETS)
        operation["responses"].pop("422", None)
        operation["security"] = [] if path in _NO_KEY else [{"key": []}]
        for answer in operation["responses"].values():
            answer.setdefault("headers", {}).update(_HEADERS)
    if "get" in item:
        head = copy.deepcopy(item["get"])
        head["operationId"] = f"{head['operationId']}_head"
        head["summary"] = f"{head.get('summary', '')} (head)".strip()
        head["description"] = "As GET, without the body"
        for answer in head["responses"].values():
            answer.pop("content", None)
        item["head"] = head
