"""How often a consumer may ask: a bucket of tokens a key, filled at a rate; whoever finds it empty waits."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST = 10_000  # buckets kept: an attacker with many addresses takes no memory


@dataclass(frozen=True)
class Taken:
    """What taking one token gave: whether, how many are left, seconds until there is one (0 when there is)."""

    granted: bool
    left: int
    wait_s: int
    size: int
    window_s: int

    def headers(self) -> dict[str, str]:
        """`RateLimit` and `RateLimit-Policy` as the IETF draft writes them, and `Retry-After` where one must wait."""
        found = {
            "RateLimit-Policy": f'"key";q={self.size};w={self.window_s}',
            "RateLimit": f'"key";r={self.left};t={self.wait_s}',
        }
        return found if self.granted else {**found, "Retry-After": str(self.wait_s)}


class Buckets:
    """One bucket per name. `clock` gives seconds that never go back."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str, *, rate: float, size: int, tokens: int = 1) -> Taken:
        """Take tokens of a bucket that fills at `rate` a second up to `size`; 0 tokens only looks."""
        moment = self._clock()
        held, seen = self._held.pop(name, (float(size), moment))
        held = min(float(size), held + (moment - seen) * rate)
        granted = held >= max(tokens, 1)
        held -= tokens if granted else 0
        self._held[name] = (held, moment)
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        wait = 0 if granted else max(1, math.ceil((max(tokens, 1) - held) / rate))
        return Taken(granted, math.floor(held), wait, size, max(1, round(size / rate)))
