"""Factors between units: stored = received * factor. A pair that is not here is an error in the spec."""

from __future__ import annotations

from decimal import Decimal

FACTORS: dict[tuple[str, str], Decimal] = {
    ("kg", "t"): Decimal("0.001"),
    ("m", "km"): Decimal("0.001"),
    ("km", "m"): Decimal(1000),
    ("kPa", "MPa"): Decimal("0.001"),
    ("MPa", "kPa"): Decimal(1000),
    ("bar", "kPa"): Decimal(100),
    ("mg/m3", "ug/m3"): Decimal(1000),
    ("ng/m3", "ug/m3"): Decimal("0.001"),
    ("kWh", "MWh"): Decimal("0.001"),
    ("MWh", "kWh"): Decimal(1000),
    ("MWh", "GJ"): Decimal("3.6"),
    ("kWh", "GJ"): Decimal("0.0036"),
    ("0.1km/h", "km/h"): Decimal("0.1"),
    ("mm", "cm"): Decimal("0.1"),
    ("m", "cm"): Decimal(100),
    ("mu", "m2"): Decimal("666.6666666666667"),
    ("ha", "m2"): Decimal(10000),
    ("1e-6deg", "deg"): Decimal("0.000001"),
    ("inch", "cm"): Decimal("2.54"),
}


def factor(received: str, stored: str) -> Decimal | None:
    """The factor from `received` to `stored`, 1 for equal units, None where the pair is unknown."""
    return Decimal(1) if received == stored else FACTORS.get((received, stored))
