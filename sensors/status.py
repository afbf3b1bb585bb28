"""What a gateway is doing, as a small file that others may wait for and health checks read.

`<home>/gateways/<kind>.json`, replaced whole; refreshed at least every `BEAT_S` seconds while the gateway
lives.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from cityhub.files import write_json
from cityhub.settings import Settings

BEAT_S, STALE_S = 2.0, 30.0


def path(settings: Settings, kind: str) -> Path:
    """Where the status of a gateway stands."""
    return settings.home / "gateways" / f"{kind}.json"


def write(settings: Settings, kind: str, content: dict[str, Any]) -> None:
    """Replace the status; a disk without room loses the status, never the gateway."""
    with suppress(OSError):
        write_json(path(settings, kind), content)


def read(settings: Settings, kind: str) -> dict[str, Any] | None:
    """The last status written, or None where no gateway ever ran. `state` is one of starting, ready,
    degraded, draining, stopped, failed; `pid` is the process that wrote it.
    """
    try:
        content = json.loads(path(settings, kind).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def healthy(settings: Settings, kind: str) -> bool:
    """Whether a gateway lives, is subscribed everywhere and can write its spool."""
    content = read(settings, kind)
    if content is None or content["state"] != "ready":
        return False
    return time.time() - path(settings, kind).stat().st_mtime < STALE_S
