"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(predicate: Callable[[], Found], timeout: float = 30.0, *, every: float = 0.02) -> Found:
    """The first truthy value of `predicate`; AssertionError when there is none within `timeout` seconds."""
    pause, deadline = Event(), time.monotonic() + timeout
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {getattr(predicate, '__name__', predicate)}")
        pause.wait(every)
