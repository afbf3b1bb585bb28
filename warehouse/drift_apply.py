"""Suggested changes of a spec taken into its file: all of a feed at once, or none; comments stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cityhub.errors import Usage
from cityhub.files import write_text
from cityhub.spec import amend, patch
from warehouse.findings import Stored


@dataclass(frozen=True)
class Applied:
    """Findings whose suggestion went into the file now, and those that it has already."""

    file: str
    taken: tuple[str, ...]
    known: tuple[str, ...]


def apply(path: Path, found: list[Stored]) -> Applied:
    """Write the suggestions of these findings of one feed. Raises `Usage` CH-DRIFT-001 where there is none, 002 when
    the file is not the one any more for which they were made, or two of them change the same lines."""
    offered = [item for item in found if item.suggestion]
    if not offered:
        raise Usage("CH-DRIFT-001", feed=path.stem)
    if not path.is_file():
        raise Usage("CH-DRIFT-002", file=str(path), detail="it is gone")
    with path.open(encoding="utf-8", newline="") as handle:
        before = handle.read()
    known = [item for item in offered if patch.contains(before, item.suggestion or "")]
    new = [item for item in offered if item not in known]
    after = patch.merged(before, [item.suggestion or "" for item in new])
    if after is None:
        raise Usage("CH-DRIFT-002", file=str(path), detail="its lines are others than those of the suggestion")
    if not amend.valid(after):
        raise Usage("CH-DRIFT-002", file=str(path), detail="with all changes together it would be no valid spec")
    if new:
        write_text(path, after, sync=True)
    return Applied(str(path), _names(new), _names(known))


def _names(found: list[Stored]) -> tuple[str, ...]:
    return tuple(f"{item.kind}:{item.subject}" for item in found)
