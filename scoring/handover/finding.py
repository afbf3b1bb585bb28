"""One thing in a folder that the contract does not allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cityhub.personal import ID_CARD, MOBILE, shape

SHOWN = 60


@dataclass(frozen=True)
class Finding:
    """Where (file, row from 1, field), what was found there, what is wrong with it, and what to do."""

    file: str
    problem: str
    fix: str
    row: int | None = None
    field: str | None = None
    value: str | None = None

    @property
    def place(self) -> str:
        """`indicator_value.json row 7 period '2026-13'`, as far as it is known."""
        parts = [self.file]
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.field is not None:
            parts.append(self.field)
        if self.value is not None:
            parts.append(repr(self.value))
        return " ".join(parts)


def shown(value: Any) -> str:
    """A value as a finding may say it: short, and personal numbers without their middle."""
    text = str(value)
    for pattern in (ID_CARD, MOBILE):
        text = pattern.sub(lambda match: shape(match.group(1)), text)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
