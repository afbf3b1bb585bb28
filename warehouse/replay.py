"""Refused rows tried again: their deliveries loaded once more from landing, by the specs as they are now.

The whole delivery is loaded, not the refused rows alone: they may be refused for another row's sake, their bytes hold
personal values that the quarantine does not, and a delivery of which half was read by one spec and half by another
could not be explained. The normal load does it, so what passes lands in its own service day, the counts add up
for the delivery, and a second replay writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import ledger
from warehouse.landing import MANIFEST, Manifest, read_manifest
from warehouse.load import LoadResult, load
from warehouse.quarantine import Which
from warehouse.quarantine_waive import mark


@dataclass(frozen=True)
class Waiting:
    """A delivery with refused rows: the newest one that brought them. `rows` are the chosen ones."""

    feed: str
    load_id: str
    service_day: date | None
    folder: str | None
    rows: int


@dataclass(frozen=True)
class Replayed:
    """What became of a delivery. `result` is None where `error` says why it could not be loaded; `days` are the
    service days whose rows or counts changed, with the feed's table."""

    waiting: Waiting
    result: LoadResult | None
    table: str | None = None
    days: tuple[date, ...] = ()
    error: HubError | None = None


def waiting(con: duckdb.DuckDBPyConnection, which: Which) -> list[Waiting]:
    """The deliveries of the chosen rows, oldest first."""
    rows = (
        "SELECT feed, coalesce(last_load_id, load_id) AS load_id, count(*) AS rows FROM quarantine"
        f" WHERE {which.sql()} GROUP BY ALL"
    )
    log = (
        "SELECT feed, load_id, any_value(service_day) AS service_day, any_value(landing_folder) AS landing_folder"
        " FROM load_log GROUP BY feed, load_id"
    )
    found = con.execute(
        f"SELECT q.feed, q.load_id, l.service_day, l.landing_folder, q.rows FROM ({rows}) AS q LEFT JOIN ({log}) AS l"
        " ON l.feed = q.feed AND l.load_id = q.load_id ORDER BY q.load_id, q.feed"
    )
    return [Waiting(*row) for row in found.fetchall()]


def replay(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    specs: Mapping[str, FeedSpec],
    which: Which,
    *,
    dry: bool = False,
) -> Iterator[Replayed]:
    """Load the chosen rows' deliveries once more, one transaction each; one that fails keeps no other waiting.
    `dry`: everything is taken back, so that it says what would happen."""
    for item in waiting(con, which):
        try:
            spec, manifest = _spec(specs, item), _manifest(settings, item)
            yield _one(con, settings, spec, manifest, item, dry=dry)
        except HubError as error:
            yield Replayed(item, None, error=error)


def _one(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: FeedSpec,
    manifest: Manifest,
    item: Waiting,
    *,
    dry: bool,
) -> Replayed:
    before = ledger.row(con, spec.feed, manifest.day())
    result = load(settings, spec, manifest, con=con, then=lambda: _in_the_ledger(con, spec, manifest, before), dry=dry)
    return Replayed(item, result, spec.table, result.restated)


def _in_the_ledger(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, before: ledger.Row | None
) -> None:
    """The ledger's counts of the day changed, which indicators of the hub itself read; and a day that a check holds
    stays held until the check finds it good."""
    day = manifest.day()
    after = ledger.row(con, spec.feed, day)
    held = before is not None and before.state == "held" and before.error_code != "CH-LEDGER-001"
    if held and before is not None and after is not None and after.state == "loaded":
        ledger.set_state(con, spec.feed, day, "held", reason=before.error)
    mark(con, {spec.feed: spec.model_copy(update={"table": "delivery"})}, [(spec.feed, day)])


def _spec(specs: Mapping[str, FeedSpec], item: Waiting) -> FeedSpec:
    if item.feed not in specs:
        raise Stop("CH-QUAR-003", feed=item.feed, load_id=item.load_id, detail="no spec of this feed can be read")
    return specs[item.feed]


def _manifest(settings: Settings, item: Waiting) -> Manifest:
    places = [Path(item.folder)] if item.folder else []
    if item.service_day is not None:  # where landing is now, whatever it was called when the row was refused
        places.insert(0, settings.landing / item.feed / item.service_day.isoformat() / item.load_id)
    for place in places:
        if (place / MANIFEST).is_file():
            return read_manifest(place)
    raise Stop("CH-QUAR-003", feed=item.feed, load_id=item.load_id, detail="its bytes are no longer in landing")
