"""Counts of what a step did on its way (calls, retries, columns seen), for its run summary.

Whoever works says `count("calls")`; whoever wants to know opens `collecting()` around it. Without a collector
nothing is kept. One step runs in a process at a time, its helper threads count along.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_open: list[dict[str, Any]] = []


@contextmanager
def collecting() -> Iterator[dict[str, Any]]:
    """What is counted and noted inside the block, by name; the innermost block gets it."""
    found: dict[str, Any] = {}
    with _lock:
        _open.append(found)
    try:
        yield found
    finally:
        with _lock:
            _open.remove(found)


def count(name: str, number: int = 1) -> None:
    """Add to a number."""
    with _lock:
        if _open:
            _open[-1][name] = _open[-1].get(name, 0) + number


def note(name: str, value: Any) -> None:
    """Keep a value; a later one replaces it. No secret and no value of a row."""
    with _lock:
        if _open:
            _open[-1][name] = value
