"""The spool of a gateway: closed segments with what devices sent, as the gateway would have written them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from cityhub import clock
from cityhub.spec.feed import FeedSpec
from conformance.records import Record
from conformance.stand import FINE, Fault
from conformance.stand.frames import lines
from sensors.segment import OPEN, OpenSegment


class PushedStand:
    """The spool folder of one feed: an offer is what devices send once."""

    faults = frozenset({"duplicate", "truncate"})

    def __init__(self, spec: FeedSpec, folder: Path) -> None:
        self._spec, self.folder = spec, folder

    def source(self) -> dict[str, Any]:
        return {}

    def offer(self, rows: Sequence[Record], day: date, fault: Fault = FINE) -> None:
        del day  # messages carry their own times
        found = list(lines(self._spec, list(rows), clock.now().isoformat()))
        if fault.kind == "duplicate":
            found += found[:10]
        segment = OpenSegment(self.folder)
        segment.commit(b"".join(found))
        closed = segment.close()
        if fault.kind == "truncate" and closed is not None:  # its writer died in the middle of the last line
            whole = closed.read_bytes()
            closed.unlink()
            closed.with_suffix(OPEN).write_bytes(whole[: len(whole) - len(found[-1]) // 2])

    def close(self) -> None:
        """A folder holds nothing open."""


def make(spec: FeedSpec, folder: Path, envelope: Any) -> PushedStand:
    """The stand of a pushed feed; `folder` is its spool."""
    del envelope
    return PushedStand(spec, folder)
