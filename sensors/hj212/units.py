"""Units of devices that differ from the usual ones, and their values in the usual one.

HJ 212 frames name no unit; the default of the standard for particles is ng/m³ (2017, table B.2), devices send ng, µg or
mg. What the spec of the feed says of a device is believed: its values are multiplied by a power of ten, as decimals, so
the value sent can be had back exactly from `unit_sent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

import msgspec

from sensors.hj212.factors import Factor, factor, units_of
from sensors.hj212.rows import suspect

MEASURED = frozenset("Rtd Avg Min Max Data DayData NightData ZsRtd ZsAvg ZsMin ZsMax".split())
"""Values in the factor's unit. `Cou` is a total, in a unit of its own."""


class Units:
    """`said`: device number (or a pattern such as `QX41*`; the first that fits counts) → factor code → unit.

    Raises `ValueError`, in a sentence, for a factor or a unit that nothing is known of.
    """

    def __init__(self, said: Mapping[str, Mapping[str, str]]) -> None:
        self._said = said
        for device, factors in said.items():
            for code, unit in factors.items():
                known = units_of(code)
                if unit not in known:
                    names = ", ".join(known) or "nothing, it is not in sensors/hj212/factors.yaml"
                    raise ValueError(f"units of {device}: {code} in {unit} cannot be converted; known for it: {names}")
        self._of = lru_cache(maxsize=65536)(self._find)

    def converted(self, record: bytes) -> bytes:
        """A landing record with its values in the usual unit; as it came where nothing is said of the device."""
        row = msgspec.json.decode(record)
        code, st = row.get("factor"), str(row.get("st") or "")
        said = self._of(str(row.get("mn") or ""), str(code)) if code else None
        known = factor(str(code), st) if said else None
        if said is None or known is None or said == known.unit:
            return record
        one = dict(known.others).get(said)
        return record if one is None else msgspec.json.encode(_in_usual(row, known, said, Decimal(str(one))))

    def _find(self, device: str, code: str) -> str | None:
        said = self._said.get(device)
        if said is None:
            said = next((units for pattern, units in self._said.items() if fnmatchcase(device, pattern)), {})
        return said.get(code)


def _in_usual(row: dict[str, Any], known: Factor, sent: str, one: Decimal) -> dict[str, Any]:
    for name in MEASURED & row.keys():
        row[name] = _times(row[name], one)
    row.pop("unit_suspect", None)
    row.pop("unit_guess", None)
    row |= {"unit": known.unit, "unit_sent": sent}
    guess = suspect(row["factor"], str(row.get("st") or ""), row)
    if guess is not None:
        row |= {"unit_suspect": True, "unit_guess": guess}
    return row


def _times(text: str, one: Decimal) -> str:
    try:
        found = Decimal(text) * one
    except InvalidOperation:
        return text  # no number: the load's check of the field says so
    return format(found.normalize(), "f") if found.is_finite() else text
