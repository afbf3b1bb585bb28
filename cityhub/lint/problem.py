"""One mistake in a spec file, and the words that are near to a mistyped one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from cityhub.errors import HubError, Usage

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """`key` is the dotted path as written in the file. An error stops the feed, a warning is for a person to judge."""

    error: HubError
    file: str
    line: int
    key: str = ""
    severity: Severity = "error"

    def text(self) -> str:
        """Two lines for people: where and what, and what to type."""
        at = f"{self.key}: " if self.key else ""
        head = f"{self.file}:{self.line}: {self.severity} {self.error.code} {at}{self.error.part('what')}"
        return f"{head}\n    why: {self.error.part('why')}\n    fix: {self.error.part('fix')}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        parts = {name: self.error.part(name) for name in ("what", "why", "fix", "who")}
        place = {"file": self.file, "line": self.line, "key": self.key}
        # `problem` as well: the word under which earlier versions printed it.
        return {**place, "severity": self.severity, "code": self.error.code, **parts, "problem": parts["what"]}


def problem(
    code: str, file: str, line: int, key: str = "", *, severity: Severity = "error", **place: object
) -> Problem:
    """A problem whose texts are in the catalogue."""
    return Problem(Usage(code, file=file, line=line, key=key, **place), file, line, key, severity)


def nearest(word: object, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that was most likely meant; None when none is near."""
    names = list(known)
    plain = {name.lower(): name for name in names}
    found = difflib.get_close_matches(str(word).lower(), list(plain), 1, cutoff)
    return plain[found[0]] if found else None


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them."""
    return ", ".join(words) or "none"
