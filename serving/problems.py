"""Answers that say what went wrong: `application/problem+json` (RFC 9457) with a stable code, a Chinese title, the
request's id and what to do. Texts come from the catalogue of errors; never a stack trace, never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from fastapi import Response
from ruamel.yaml import YAML

from cityhub.errors import HubError

MEDIA_TYPE = "application/problem+json"
FILE = Path(__file__).with_name("problems.yaml")
UNKNOWN = 503  # a code that is no consumer's business: something here must be put right


class Told(TypedDict):
    """What a consumer is told about a code."""

    status: int
    title: str


class Problem(Exception):
    """An error on its way to the consumer. `status` replaces that of the code; `more` are members of the problem;
    `headers` go with the answer."""

    def __init__(
        self,
        error: HubError,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(error.code)
        self.error = error
        self.status = status or told(error.code)["status"]
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    def content(self, request_id: str, path: str) -> dict[str, Any]:
        """The members of the problem, in the order in which people read them."""
        error = self.error
        return {
            "type": f"/v1/docs#{error.code}",
            "title": told(error.code)["title"],
            "status": self.status,
            "detail": error.part("what"),
            "instance": path[:300],
            "code": error.code,
            "request_id": request_id,
            "fix": error.part("fix"),
            **self.more,
        }

    def answer(self, request_id: str, path: str) -> Response:
        """The whole answer."""
        headers = {"Cache-Control": "no-store", **self.headers}
        body = json.dumps(self.content(request_id, path), ensure_ascii=False) + "\n"
        return Response(body, self.status, headers, MEDIA_TYPE)


def told(code: str) -> Told:
    """Status and title of a code."""
    return table().get(code) or {"status": UNKNOWN, "title": "暂时不能提供服务"}


@cache
def table() -> dict[str, Told]:
    """All codes that consumers are told of."""
    found: dict[str, Told] = YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))
    return found
