"""What is known of a factor code: unit, plausible range, and which other unit would explain a value beyond it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


@dataclass(frozen=True)
class Factor:
    """`low`..`high` in `unit`; `others`: unit -> what one of it is in `unit`. No range, no check."""

    unit: str
    low: float = 0.0
    high: float = float("inf")
    others: tuple[tuple[str, float], ...] = ()

    def guess(self, value: float) -> str | None:
        """The unit that would make an implausible value plausible; None for a plausible or a hopeless one.

        Zero and negative values say nothing about a unit.
        """
        if value <= 0 or self.low <= value <= self.high:
            return None
        for unit, one in self.others:
            if self.low <= value * one <= self.high and (value > self.high) == (one < 1):
                return unit
        return None


@lru_cache(maxsize=1)
def _table() -> dict[str, list[dict[str, Any]]]:
    with (Path(__file__).parent / "factors.yaml").open("rb") as file:
        entries = YAML(typ="safe", pure=True).load(file)["factors"]
    return {code: entry if isinstance(entry, list) else [entry] for code, entry in entries.items()}


def units_of(code: str) -> list[str]:
    """Units in which values of a code may be sent, in any system."""
    entries = _table().get(code) or _table().get(code.lower()) or []
    return sorted({unit for entry in entries for unit in (entry["unit"], *entry.get("others", {}))})


@lru_cache(maxsize=8192)
def factor(code: str, st: str = "") -> Factor | None:
    """The factor of a code in a system (ST); None for codes of a vendor's own."""
    for entry in _table().get(code) or _table().get(code.lower()) or ():
        if st in entry.get("st", (st,)):
            low, high = entry.get("range", (0.0, float("inf")))
            return Factor(entry["unit"], float(low), float(high), tuple(entry.get("others", {}).items()))
    return None
