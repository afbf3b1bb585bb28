"""Small files that others read while they are replaced: whole or not at all."""

from __future__ import annotations

import json
import os
import threading
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any


def write_bytes(path: Path, body: bytes, *, mode: int | None = None, sync: bool = False) -> None:
    """Replace a file in one rename: a reader or a kill finds the old or the new. `sync`: a dead machine too.

    It keeps the mode of the file before, where `mode` names none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as handle:
            handle.write(body)
            if sync:
                handle.flush()
                os.fsync(handle.fileno())
        if mode is None and path.exists():
            mode = path.stat().st_mode & 0o777
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, *, mode: int | None = None, sync: bool = False) -> None:
    """Replace a text file, as `write_bytes` does; line ends stay as they are."""
    write_bytes(path, text.encode("utf-8"), mode=mode, sync=sync)


def keep_text(path: Path, text: str) -> bool:
    """Replace a text file that says something else; False where it says this already: its time stays."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


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


def sync(path: Path) -> None:
    """fsync a file or a folder: the names in it outlive the machine."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value)
