"""The drift of the newest delivery as the feed's open findings; what it no longer shows is closed."""

from __future__ import annotations

import duckdb

from cityhub import clock
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED
from warehouse import contracts, ledger
from warehouse.findings import Finding, Severity, record, stored
from warehouse.landing import Manifest

_OPEN = "feed = $feed AND origin = 'drift' AND state = 'open'"


def write(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, found: list[Finding]) -> None:
    """Bring the feed's open drift findings to those of this delivery, inside the caller's transaction. Not of one that
    a later delivery has replaced already: what it shows is no news."""
    if not due(con, spec, manifest, found):
        return
    day = manifest.day()
    con.execute(
        f"UPDATE finding SET state = 'closed', closed_at = $at WHERE {_OPEN} AND service_day < $day",
        {"feed": spec.feed, "day": day, "at": clock.now()},
    )
    if spec.source.kind in PUSHED:
        found = _of_the_day(con, spec, manifest, found)
    record(con, found, feed=spec.feed, day=day, origin="drift", owner=ledger.owner(spec), load_id=manifest.load_id)


def due(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, found: list[Finding]) -> bool:
    """Whether there is anything to bring up to date: something was found, or something stands open."""
    if not found:
        sql = f"SELECT 1 FROM finding WHERE {_OPEN} LIMIT 1"
        if con.execute(sql, {"feed": spec.feed}).fetchone() is None:
            return False
    return not ledger.overtaken(con, spec.feed, manifest.day(), manifest.load_id)


def _of_the_day(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, found: list[Finding]
) -> list[Finding]:
    """A pushed feed brings a day in many parts: a column is missing when none of them had it, and one that came new
    in an earlier part stays new."""
    kept = [
        item
        for item in found
        if item.kind != "column_missing"
        or not contracts.has_values(con, spec, item.subject or "", manifest.service_day)
    ]
    mine = {(item.kind, item.subject) for item in kept}
    for old in stored(con, feed=spec.feed, day=manifest.day(), origin="drift"):
        if old.kind != "column_missing" and (old.kind, old.subject) not in mine:
            kept.append(
                Finding(
                    old.kind,
                    _severity(old.severity),
                    old.detail,
                    old.subject,
                    old.observed,
                    old.expected,
                    old.row_count,
                    old.suggestion,
                )
            )
    return kept


def _severity(word: str) -> Severity:
    return "critical" if word == "critical" else "info" if word == "info" else "warning"
