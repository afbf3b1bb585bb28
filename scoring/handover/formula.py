"""What numerator, denominator and scale make of a value, by the kind of the indicator."""

from __future__ import annotations

from decimal import Decimal, localcontext

from indicators.values import ADDITIVE_KINDS


def value(kind: str, scale: Decimal, numerator: Decimal, denominator: Decimal | None) -> Decimal | None:
    """scale × numerator for sums and counts, 10·log10(numerator / denominator) for energetic means, else
    scale × numerator / denominator; None where there is nothing to divide by."""
    with localcontext() as context:
        context.prec = 40
        if kind in ADDITIVE_KINDS:
            return scale * numerator
        if not denominator:
            return None
        if kind == "energy_mean":
            return 10 * (numerator / denominator).log10() if numerator / denominator > 0 else None
        return scale * numerator / denominator


def near(one: Decimal, other: Decimal, tolerance: Decimal) -> bool:
    """Whether two numbers are the same but for rounding: relative, and absolute below one."""
    return abs(one - other) <= tolerance * max(abs(one), abs(other), Decimal(1))
