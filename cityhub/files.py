"""Small JSON and text files that others read while they are replaced: whole or not at all."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str, *, mode: int | None = None, sync: bool = False) -> None:
    """Replace a file in one rename: a reader or a kill finds the old or the new. `sync`: a dead machine too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as handle:
            handle.write(text)
            if sync:
                handle.flush()
                os.fsync(handle.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Any, *, sync: bool = False) -> None:
    """Replace a JSON file in one rename; dates as ISO texts, decimals as texts."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1, default=_plain) + "\n", sync=sync)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is none, or what is there is not one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)
