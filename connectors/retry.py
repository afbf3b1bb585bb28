"""Trying again: how long to wait, how often, and until when."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cityhub import log, tally
from cityhub.errors import HubError, Retry

T = TypeVar("T")
logger = log.get("cityhub.connectors")


@dataclass(frozen=True)
class Policy:
    """Exponential backoff with full jitter: before the n-th retry wait a random time up to
    `base_s * 2**(n-1)`, at most `cap_s`, or what the source asks for. A delivery ends after `deadline_s`."""

    base_s: float = 0.5
    cap_s: float = 20.0
    deadline_s: float = 900.0
    max_pages: int = 20_000
    sleep: Callable[[float], None] = time.sleep


DEFAULT = Policy()


class Transient(Exception):
    """One try failed in a way that may pass. `after_s` is the wait that the source asked for."""

    def __init__(self, error: HubError, after_s: float | None = None) -> None:
        super().__init__(error.code)
        self.error, self.after_s = error, after_s


class Deadline:
    """The end of one delivery's time."""

    def __init__(self, policy: Policy) -> None:
        self.seconds = policy.deadline_s
        self._end = time.monotonic() + policy.deadline_s

    def cancel(self) -> None:
        """End the time now: nobody waits for the result any more."""
        self._end = 0.0

    def left(self) -> float:
        """Seconds that remain, never below 0."""
        return max(0.0, self._end - time.monotonic())

    def check(self, **place: object) -> None:
        """Raise `Retry` CH-PULL-019 when the time is over."""
        if self.left() <= 0:
            raise Retry("CH-PULL-019", seconds=f"{self.seconds:g}", **place)


def retried(call: Callable[[], T], retries: int, policy: Policy, deadline: Deadline, **place: Any) -> T:
    """The result of `call`, tried at most `1 + retries` times; raises the last error when all tries failed.

    A wait that would pass the deadline is not begun.
    """
    for attempt in range(retries + 1):
        deadline.check(**place)
        try:
            return call()
        except Transient as failure:
            ceiling = min(policy.cap_s, policy.base_s * 2**attempt)
            asked = failure.after_s
            wait = random.uniform(0, ceiling) if asked is None else asked + random.uniform(0, min(ceiling, 1))
            if attempt == retries or wait >= deadline.left():
                raise failure.error from failure.__cause__
            tally.count("retries")
            log.event(
                logger,
                "retry",
                code=failure.error.code,
                attempt=attempt + 1,
                wait_s=round(wait, 2),
                what=failure.error.part("what"),
                **place,
            )
            policy.sleep(wait)
    raise AssertionError("unreachable: the last try returns or raises")


class Pace:
    """A token bucket: at most `rate` calls a second, one second's worth at once."""

    def __init__(self, rate: float, sleep: Callable[[float], None]) -> None:
        self._rate, self._size, self._sleep = rate, max(1.0, rate), sleep
        self._tokens, self._at = self._size, time.monotonic()

    def take(self) -> None:
        """Wait until one more call is allowed."""
        now = time.monotonic()
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._rate)
        self._at = now
        self._tokens -= 1
        if self._tokens < 0:
            self._sleep(-self._tokens / self._rate)
