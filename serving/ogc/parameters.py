"""`bbox` and `datetime`: read, checked, and said as conditions on the rows of `site`.

As the standard demands, both hold for features without a place or without a time too:
a filter cannot say where those are not.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Path, Query
from pydantic import BeforeValidator

from cityhub.clock import day_bounds
from cityhub.errors import Stop
from extracts.model import ANY, Condition
from serving.parameters import LARGEST, NO_CONTROL, digits

MOST = 10_000  # features of a page
_NUMBER = r"-?[0-9]{1,9}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?"
_DAY = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
_MOMENT = rf"{_DAY}({_CLOCK})?"

KindId = Annotated[str, Path(description="id of a collection: a kind of site", max_length=60, pattern=NO_CONTROL)]
SiteId = Annotated[
    str, Path(description="id of a feature: the number of a site", max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Bbox = Annotated[
    str | None,
    Query(
        description="west, south, east, north in degrees (or six numbers with heights, which are not looked at); "
        "west is greater than east where the box lies across the antimeridian. Sites without a place fit always",
        pattern=rf"^{_NUMBER}(,{_NUMBER}){{3}}((,{_NUMBER}){{2}})?$",
        max_length=300,
        examples=["114.5,34.3,115,34.7"],
    ),
]
Datetime = Annotated[
    str | None,
    Query(
        description="a moment (RFC 3339), a day of local time, or an interval of two, `..` where it has no end; "
        "compared with observed_at. Sites without a time fit always",
        pattern=rf"^({_MOMENT}|{_MOMENT}/(\.\.)?|(\.\.)?/{_MOMENT}|{_MOMENT}/{_MOMENT})$",
        examples=["2026-11-01T00:00:00+08:00/.."],
    ),
]
FeatureLimit = Annotated[
    int | None,
    Query(
        description=f"features of a page; default 1000, and never more than {MOST:,}, whatever is asked for",
        ge=1,
        le=LARGEST,
        examples=[1000],
    ),
    BeforeValidator(digits),
]


def inside(bbox: str | None) -> Condition:
    """The condition of a `bbox`; raises `Stop` CH-SERVE-009 for a box outside of the world or upside down."""
    if bbox is None:
        return ANY
    numbers = [float(text) for text in bbox.split(",")]
    if len(numbers) == 6:
        west, south, bottom, east, north, top = numbers
        if bottom > top:
            raise _refused("bbox", "its third number is greater than its sixth")
    else:
        west, south, east, north = numbers
    if not all(-180 <= value <= 180 for value in (west, east)):
        raise _refused("bbox", "a longitude lies outside of -180 to 180")
    if not -90 <= south <= north <= 90:
        raise _refused("bbox", "its latitudes are not two from -90 to 90, the southern one first")
    across = "OR" if west > east else "AND"
    text = (
        f"lon IS NULL OR lat IS NULL OR ((lon >= CAST(? AS DOUBLE) {across} lon <= CAST(? AS DOUBLE))"
        " AND lat BETWEEN CAST(? AS DOUBLE) AND CAST(? AS DOUBLE))"
    )
    return Condition(text, tuple(repr(value) for value in (west, east, south, north)))


def during(text: str | None) -> Condition:
    """The condition of a `datetime`; raises `Stop` CH-SERVE-009 for a day that there is not, or an interval that ends
    before it begins."""
    if text is None:
        return ANY
    begin, slash, end = text.partition("/")
    first = None if begin in ("", "..") else _span(begin)
    last = (None if end in ("", "..") else _span(end)) if slash else first
    if first and last and first[0] > last[1]:
        raise _refused("datetime", "it ends before it begins")
    begun = Condition("observed_at >= CAST(? AS TIMESTAMPTZ)", (first[0].isoformat(),)) if first else ANY
    ended = Condition("observed_at <= CAST(? AS TIMESTAMPTZ)", (last[1].isoformat(),)) if last else ANY
    both = begun & ended
    return Condition(f"observed_at IS NULL OR ({both.text})", both.values)


def _span(text: str) -> tuple[datetime, datetime]:
    """The first and the last moment of a moment, or of a day of local time."""
    try:
        if len(text) == 10:
            begin, end = day_bounds(date.fromisoformat(text))
            return begin.astimezone(UTC), end.astimezone(UTC) - timedelta(microseconds=1)
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refused("datetime", f"there is no {text[:40]}") from None
    return moment, moment


def _refused(parameter: str, problem: str) -> Stop:
    return Stop("CH-SERVE-009", problem=f"{parameter}: {problem}")
