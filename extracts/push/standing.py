"""How it stands with an upper level: what its outbox holds, and what has been in the way since when.

`<home>/push/<target>.json` is written by every push, by hand or at night, so that what works again is known at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityhub import clock
from cityhub.errors import HubError
from cityhub.files import read_json, write_json
from cityhub.settings import Settings
from extracts.push import letters
from extracts.push.outbox import Outbox, path_of

WAITS = "CH-PUSHUP-008"  # says only that an earlier trouble goes on


@dataclass(frozen=True)
class Standing:
    """Rows that wait, have no word upward, or were refused; `error`, as data, since the moment `since`."""

    target: str
    waiting: int
    unmapped: int
    dead: int
    error: dict[str, Any] | None
    since: str | None

    @property
    def whose_move(self) -> str | None:
        """Who acts now; None when nobody has to."""
        if self.error is not None:
            return str(self.error["who"])
        return "whoever runs the hub" if self.unmapped or self.dead else None


def note(settings: Settings, target: str, error: HubError | None) -> None:
    """Write down how a push to the target ended."""
    before = _noted(settings, target)
    known, now = before.get("error"), clock.now().isoformat()
    told = None if error is None else known if known is not None and error.code == WAITS else error.as_dict()
    since = None if told is None else before.get("since") or now
    write_json(_path(settings, target), {"target": target, "at": now, "error": told, "since": since})


def standing(settings: Settings, target: str) -> Standing:
    """How it stands now."""
    counted: dict[str, int] = {}
    if path_of(settings).exists():
        outbox = Outbox(path_of(settings))
        try:
            for row in letters.counts(outbox, target):
                counted[row["state"]] = counted.get(row["state"], 0) + row["row_count"]
        finally:
            outbox.close()
    before = _noted(settings, target)
    waiting = counted.get("waiting", 0) + counted.get("batched", 0)
    return Standing(
        target, waiting, counted.get("unmapped", 0), counted.get("dead", 0), before.get("error"), before.get("since")
    )


def _noted(settings: Settings, target: str) -> dict[str, Any]:
    return read_json(_path(settings, target)) or {}


def _path(settings: Settings, target: str) -> Path:
    return path_of(settings).parent / f"{target}.json"
