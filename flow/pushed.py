"""Micro-batches: what gateways have spooled goes into the warehouse every minute, not only at night."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb

from cityhub import clock, log
from cityhub.errors import HubError, catalogue
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED
from flow import steps
from flow.order import in_order
from sensors.segments import waits
from warehouse import lake, ledger
from warehouse.landing import latest

logger = log.get("cityhub.flow")


def take(settings: Settings) -> dict[str, int]:
    """Collect and load what waits, feed after feed; rows landed by feed.

    A feed that fails keeps no other waiting: its error stands in the ledger, and the first one is raised at the
    end. A feed without news costs a look at its folder.
    """
    specs = {name: spec for name, spec in steps.active(settings).items() if spec.source.kind in PUSHED}
    taken: dict[str, int] = {}
    failures: list[HubError] = []
    con: duckdb.DuckDBPyConnection | None = None
    for feed in in_order(specs):
        fresh = waits(settings, feed)
        if not fresh and latest(settings.landing / feed / clock.now().date().isoformat()) is None:
            continue
        if con is None:
            steps.opened(settings, clock.now().date())
            con = lake.connect(settings)
        try:
            if fresh:
                results = steps.sync(settings, feed, _day(con, feed))
            elif _left_over(con, settings, specs[feed], clock.now().date()):
                results = steps.load_landed(settings, feed, clock.now().date())
            else:
                continue
        except HubError as error:  # is in the ledger already
            failures.append(error)
            continue
        taken[feed] = sum(result.landed for result in results if not result.repeated)
    if con is not None:
        con.close()
    if taken:
        log.event(logger, "micro_batch", feeds=len(taken), rows=sum(taken.values()))
    if failures:
        raise failures[0]
    return taken


def _day(con: duckdb.DuckDBPyConnection, feed: str) -> date:
    """Today; yesterday as long as nothing has come for it, so that its night finds what came late."""
    today = clock.now().date()
    before = ledger.row(con, feed, today - timedelta(days=1))
    return today - timedelta(days=1) if before is None or before.state == "expected" else today


def _left_over(con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, day: date) -> bool:
    """Whether a delivery has landed whose load failed for a passing reason."""
    newest = latest(settings.landing / spec.feed / day.isoformat())
    if newest is None:
        return False
    values: dict[str, Any] = {"feed": spec.feed, "day": day, "load_id": newest.load_id}
    sql = "SELECT 1 FROM load_log WHERE feed = $feed AND service_day = $day AND load_id = $load_id LIMIT 1"
    if con.execute(sql, values).fetchone():
        return False
    row = ledger.row(con, spec.feed, day)
    return row is None or row.error_code is None or catalogue()[row.error_code]["family"] == "Retry"
