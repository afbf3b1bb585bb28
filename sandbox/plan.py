"""Scripted transport faults: `muck=dead`, `dust.sample=error500:3,truncated:1`.

dead            nothing listens (a platform); the connection is cut (one feed); other transports stay silent
garbage         an HTML login page with HTTP 200
late:SECONDS    503 until so long after the start
error500:N      the first N calls fail
timeout:N       the first N calls hang until the caller gives up
truncated:N     the first N pages are shorter than their Content-Length
repeat          every page is the first page, for ever
expired:K       each token is good for K calls
total_wrong     the stated total is 7 too many
rate_limit:R    more than R calls a second get 429
column_added    records carry one more column (column_added:NAME)
column_renamed  column_renamed:OLD>NEW
paging_skip:N   records are deleted while pages are read: all pages but the first begin N records later
encoding:NAME   a file in another encoding than agreed; bom: with a byte order mark
scripted:NAME   one fault of the catalogue in sandbox/scripted and no other; none: records without fault
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

KINDS: dict[str, str | None] = {  # kind → what its argument is when none is given; None: takes no argument
    "dead": None,
    "garbage": None,
    "late": "600",
    "error500": "1",
    "timeout": "1",
    "truncated": "1",
    "repeat": None,
    "expired": "20",
    "total_wrong": None,
    "rate_limit": "5",
    "column_added": "extField1",
    "column_renamed": "",
    "paging_skip": "3",
    "encoding": "gb18030",
    "bom": None,
    "scripted": "none",
}
DEFAULT = ("lighting.lamp_state=error500:1", "muck.position=truncated:1", "sanitation=expired:20")


@dataclass
class Plan:
    """Faults by platform or feed name, and how often each has struck. Safe between threads."""

    faults: dict[str, dict[str, str]] = field(default_factory=dict)
    _struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    _calls: dict[str, list[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def has(self, feed: str, kind: str) -> str | None:
        """The argument of a fault of a feed or its platform ("" for none), None where it is not planned."""
        for name in (feed, feed.partition(".")[0]):
            if kind in self.faults.get(name, {}):
                return self.faults[name][kind]
        return None

    def strikes(self, feed: str, kind: str) -> bool:
        """Whether a counted fault (`error500:N`, `timeout:N`, `truncated:N`) strikes this call; counts it."""
        for name in (feed, feed.partition(".")[0]):
            limit = self.faults.get(name, {}).get(kind)
            if limit is not None:
                with self._lock:
                    self._struck[name, kind] += 1
                    return self._struck[name, kind] <= int(limit)
        return False

    def too_fast(self, feed: str) -> bool:
        """Whether this call is over the feed's calls a second."""
        limit = self.has(feed, "rate_limit")
        if limit is None:
            return False
        moment = time.monotonic()
        with self._lock:
            recent = [call for call in self._calls.get(feed, []) if call > moment - 1]
            over = len(recent) >= int(limit)
            self._calls[feed] = recent if over else [*recent, moment]
        return over


def parse(texts: Iterable[str], *, default: bool = True) -> Plan:
    """A plan from `NAME=KIND[:ARG][,KIND…]` texts on top of the light default faults; the text `none` leaves
    the defaults out. Raises ValueError that names the wrong part."""
    given = list(texts)
    plan = Plan()
    for text in [
        *(DEFAULT if default and "none" not in given else ()),
        *(item for item in given if item != "none"),
    ]:
        name, mark, kinds = text.partition("=")
        if not mark or not name:
            raise ValueError(f"fault {text!r}: write NAME=KIND[:ARGUMENT][,KIND…]")
        for item in kinds.split(","):
            kind, _, argument = item.partition(":")
            if kind not in KINDS:
                raise ValueError(f"fault {text!r}: kind {kind!r} is none of {', '.join(KINDS)}")
            value = argument or KINDS[kind] or ""
            if (
                kind in {"late", "error500", "timeout", "truncated", "expired", "rate_limit", "paging_skip"}
                and not value.isdigit()
            ):
                raise ValueError(f"fault {text!r}: {kind} takes a whole number, not {value!r}")
            if kind == "column_renamed" and ">" not in value:
                raise ValueError(f"fault {text!r}: write column_renamed:OLD>NEW")
            if kind == "scripted":
                _known(text, value)
            plan.faults.setdefault(name, {})[kind] = value
    return plan


def _known(text: str, name: str) -> None:
    from sandbox.scripted import FAULTS  # it makes tables, which a plan does not need otherwise

    if name != "none" and name not in FAULTS:
        raise ValueError(f"fault {text!r}: {name!r} is none of {', '.join(FAULTS)}")
