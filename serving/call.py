"""One request on its way through the service: what its edge, its gate and its route know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from serving.access.keys import Key

CALL = "cityhub.call"  # where it stands in the ASGI scope


@dataclass
class Call:
    """`code`: of the problem that it ended with; `headers` go with its answer."""

    request_id: str
    method: str
    path: str
    key: Key | None = None
    code: str | None = None
    dataset: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def target(scope: Mapping[str, Any]) -> str:
    """Path and query as the client sent them."""
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path
