"""What a case says: passed, failed with whom it concerns, or not applicable with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "not_applicable"]
HUB = "the maintainers of the hub"
SPEC = "whoever writes the spec"


@dataclass(frozen=True)
class CaseResult:
    """One case of one feed. `detail` says what was seen, what went wrong, or why the case does not apply; `concerns`
    who has to act when it failed."""

    feed: str
    case: str
    promise: str
    outcome: Outcome
    detail: str
    concerns: str | None = None
    seconds: float = 0.0


class Broken(Exception):
    """A promise that was not kept; the text says what was expected and what was found."""

    def __init__(self, text: str, concerns: str = HUB) -> None:
        super().__init__(text)
        self.concerns = concerns


class NotApplicable(Exception):
    """The case means nothing for this feed; the text says why."""


def must(kept: bool, text: str, concerns: str = HUB) -> None:
    """Raise `Broken` unless a promise is kept."""
    if not kept:
        raise Broken(text, concerns)
