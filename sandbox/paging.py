"""Which records a request asks for, and for which day."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cityhub.clock import SHANGHAI
from sandbox.manners import Cursor, Manner, NoPaging, Offset, Page


@dataclass(frozen=True)
class Window:
    """Records `[first, first + size)` and the cursor of the next window ("": none)."""

    first: int
    size: int
    next: str = ""


def window(manner: Manner, query: Mapping[str, str], total: int, *, repeat: bool = False) -> Window:
    """The window asked for; raises ValueError for a page, offset or cursor that is none.

    `repeat` is the scripted fault: always the first window, with a cursor that never ends.
    """
    paging = manner.paging
    if isinstance(paging, NoPaging):
        return Window(0, total)
    size = min(max(int(query.get(paging.size) or manner.default_size), 1), manner.max_size)
    first = 0
    match paging:
        case Page():
            first = (int(query.get(paging.number) or paging.first) - paging.first) * size
        case Offset():
            first = int(query.get(paging.offset) or 0)
        case Cursor():
            first = _read_cursor(query.get(paging.cursor) or "")
    if first < 0:
        raise ValueError("page out of range")
    if repeat:
        return Window(0, size, _cursor(size))
    after = first + size
    return Window(first, size, _cursor(after) if isinstance(paging, Cursor) and after < total else "")


def day_of(text: str) -> date:
    """The local day in a query value: ISO date or time, 20261120[080000], or epoch ms; raises ValueError."""
    if text.isdigit() and len(text) in {8, 14}:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    if text.isdigit() and len(text) == 13:
        return datetime.fromtimestamp(int(text) / 1000, UTC).astimezone(SHANGHAI).date()
    return datetime.fromisoformat(text.replace(" 08:00", "+08:00")).date()


def _cursor(first: int) -> str:
    return base64.urlsafe_b64encode(f"row:{first}".encode()).decode()


def _read_cursor(text: str) -> int:
    if not text:
        return 0
    try:
        return int(base64.urlsafe_b64decode(text).decode().removeprefix("row:"))
    except (UnicodeDecodeError, ValueError):
        raise ValueError("cursor invalid") from None
