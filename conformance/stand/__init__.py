"""A feed's source, played from its sample and its spec alone: one module a transport, all of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from cityhub.spec.feed import FeedSpec
from conformance.records import Record

PAGE_ROWS = 10  # so that a small sample has several pages
# By module, imported when used: workbooks and databases cost a start-up that others do not need.
STANDS = {
    "rest": "conformance.stand.rest",
    "database": "conformance.stand.database",
    "files": "conformance.stand.files",
    "workbook": "conformance.stand.workbook",
    "mqtt": "conformance.stand.pushed",
    "hj212": "conformance.stand.pushed",
    "jt808": "conformance.stand.pushed",
    "jt809": "conformance.stand.pushed",
}


@dataclass(frozen=True)
class Fault:
    """What the source does wrong. `kind`: duplicate, truncate, repeat, total (`by` records too many), login (refuses
    our identity and repeats it in its answer), page (a web page with HTTP 200), garbage."""

    kind: str = ""
    by: int = 0


FINE = Fault()


class Stand(Protocol):
    """A source under our control."""

    faults: frozenset[str]
    """The faults that this kind of source can have."""

    def source(self) -> dict[str, Any]:
        """What the spec's `source` must say to come here."""

    def offer(self, rows: Sequence[Record], day: date, fault: Fault = FINE) -> None:
        """From now on the source has these rows, for this service day where it keeps days apart."""

    def close(self) -> None:
        """Stop what was started."""


def stand(spec: FeedSpec, folder: Path, envelope: Any = None) -> Stand:
    """The stand of a feed. `folder` is its own; `envelope` the recorded one around the records, where there is one."""
    made: Stand = import_module(STANDS[spec.source.kind]).make(spec, folder, envelope)
    return made
