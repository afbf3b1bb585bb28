"""Decimals of scores: how they come in, how they are kept, how they are shown. No float goes past this.

Sums and products are exact. A quotient that does not end (a mean over three campaigns) is rounded once, half
up, at 16 places: times a weight of two decimals that stays within the 18 places of the tables, so that every
later number is exact and the points of a unit add up to its score to the last digit. Two means that differ by
a finite decimal keep exactly that difference, so ties stay ties.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation, localcontext
from typing import Annotated, Any

from pydantic import BeforeValidator

from cityhub.errors import Usage

QUOTIENT = Decimal("1e-16")
MEASURED = Decimal("1e-9")  # parallel sums of DOUBLE differ in their last bits; nine places hide that
POINTS = Decimal("1e-12")  # points of one indicator and the digital-city score
LARGEST = Decimal("1e15")
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_UP)


@contextmanager
def exact() -> Iterator[None]:
    """Arithmetic at 60 digits, half up, whatever the caller's context is."""
    with localcontext(_CONTEXT):
        yield


def number(value: object, **place: object) -> Decimal:
    """A decimal from text, int or Decimal; raises `Usage` CH-SCORE-003 for floats, NaN and words."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Usage("CH-SCORE-003", value=value, **place)
    try:
        found = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise Usage("CH-SCORE-003", value=value, **place) from None
    if not found.is_finite() or abs(found) > LARGEST:
        raise Usage("CH-SCORE-003", value=value, **place)
    return found


def measured(value: float) -> Decimal:
    """The one place where a measured DOUBLE becomes a Decimal: its shortest text, at nine places."""
    with exact():
        return Decimal(repr(float(value))).quantize(MEASURED)


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Exact where the division ends, else half up at 16 places."""
    with localcontext(_CONTEXT) as context:
        context.clear_flags()
        found = dividend / divisor
        endless = context.flags[Inexact]
        return plain(found.quantize(QUOTIENT) if endless else found)


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent."""
    short = value.normalize(_CONTEXT)
    if short.is_zero():
        return Decimal(0)
    return short.quantize(Decimal(1), context=_CONTEXT) if int(short.as_tuple().exponent) > 0 else short


def text(value: Decimal | None) -> str | None:
    """Exact decimal text, `87.35`; None for None."""
    return None if value is None else format(plain(value), "f")


def rounded(value: Decimal, places: int = 2) -> Decimal:
    """Half up, for display (and for bands and ranks where a switch says so)."""
    return value.quantize(Decimal(1).scaleb(-places), context=_CONTEXT)


def _configured(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("write numbers as quoted decimals: a float has no exact value")
    try:
        found = Decimal(value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a decimal number") from None
    if not found.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return found


Exact = Annotated[Decimal, BeforeValidator(_configured)]
"""A number in a scheme file: a quoted decimal or an integer, never a float."""
