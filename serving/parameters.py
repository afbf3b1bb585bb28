"""Parameters of requests: what each may hold, and that no other one is sent.

A misspelt filter that is silently left out gives more rows than were asked for, so an unknown parameter is refused.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BeforeValidator
from starlette.routing import BaseRoute

from cityhub.errors import Stop

LARGEST = 999_999_999
NO_CONTROL = r"^[^\x00-\x1f\x7f]+$"


def digits(value: Any) -> Any:
    """Only digits make a number: no sign, no blank, no exponent, no digits of other scripts."""
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        raise ValueError("it is not a number of up to nine digits")
    return value


DatasetId = Annotated[str, Path(description="id of a dataset, from /v1/catalog", max_length=60, examples=["ranking"])]
Which = Annotated[
    str,
    Path(description="number of a publication, or latest", pattern=r"^([1-9][0-9]{0,8}|latest)$", examples=["latest"]),
]
Period = Annotated[
    str | None,
    Query(
        description="a year YYYY, a month YYYY-MM, or a day YYYY-MM-DD of datasets that have days",
        pattern=r"^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$",
        examples=["2026-11"],
    ),
]
Month = Annotated[
    str | None, Query(description="a month YYYY-MM", pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", examples=["2026-11"])
]
Unit = Annotated[str | None, Query(description="code of a unit", max_length=80, pattern=NO_CONTROL, examples=["juji"])]
AsOf = Annotated[
    int | None,
    Query(description="as this publication said; default: the newest", ge=1, le=LARGEST, examples=[1]),
    BeforeValidator(digits),
]
Since = Annotated[
    int,
    Query(description="the publication that you hold; 0 for nothing", ge=0, le=LARGEST, examples=[0]),
    BeforeValidator(digits),
]
Limit = Annotated[
    int | None,
    Query(description="rows of a page; default 1000", ge=1, le=10_000, examples=[1000]),
    BeforeValidator(digits),
]
Cursor = Annotated[
    str | None,
    Query(
        description="`next` of the page before, as it came",
        min_length=24,
        max_length=2048,
        pattern=r"^[A-Za-z0-9_-]+$",
    ),
]


async def known_only(request: Request) -> None:  # no thread is needed for so little
    """Raise `Stop` CH-SERVE-009 for a parameter that the address does not have, or that stands twice."""
    route: BaseRoute | None = request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    allowed = [item.alias for item in dependant.query_params] if dependant else []
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in allowed:
            told = ", ".join(allowed) or "none"
            raise Stop("CH-SERVE-009", problem=f"there is no parameter {name[:40]!r} here; there are: {told}")
        if name in seen:
            raise Stop("CH-SERVE-009", problem=f"the parameter {name!r} stands twice")
        seen.add(name)
