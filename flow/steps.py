"""One step of a night each: land, load, check, indicators, score, publish. Safe to run again at any time.

A failure is written into the ledger before it is raised, so that `cityhub status` knows it whoever ran the step.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import date
from functools import cache
from typing import Any

import duckdb

from cityhub import clock, log
from cityhub.clock import month_of
from cityhub.disk import explained
from cityhub.errors import HubError, Stop
from cityhub.secrets import ensure_own
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import one, read_good
from cityhub.spec.source import PUSHED
from connectors.pull import pull
from flow import observed
from sensors.segments import collect
from warehouse import lake, ledger, spec_archive
from warehouse.landing import Manifest, deliveries
from warehouse.load import LoadResult, load
from warehouse.personal import key as personal_key
from warehouse.prepare import prepare
from warehouse.quarantine_waive import reopen_expired

logger = log.get("cityhub.flow")


def active(settings: Settings) -> dict[str, FeedSpec]:
    """Specs of the feeds that are switched on, by feed name; a file that cannot be read is logged and left out,
    so that it keeps no other feed from its night (`broken` lists them)."""
    specs, errors = read_good(settings.feeds)
    for error in errors:
        log.event(logger, "spec_broken", level=40, code=error.code, file=error.place.get("file"))
    return {name: spec for name, spec in specs.items() if spec.active}


def broken(settings: Settings) -> list[Stop]:
    """The errors of spec files that cannot be used."""
    return read_good(settings.feeds)[1]


@explained()
def open_day(settings: Settings, day: date) -> None:
    """Make the warehouse ready and write down what is expected for the day."""
    specs = active(settings)
    ensure_own(settings.home, "personal_key")
    prepare(settings, list(specs.values()))
    con = _connection(settings)
    personal_key.note(con, settings)
    with lake.write(con, settings, f"expect {day}"):
        ledger.expect(con, list(specs.values()), day)
    reopen_expired(con, settings, specs)


@cache
def opened(settings: Settings, day: date) -> None:
    """Once a process: whoever lands a feed first finds the warehouse ready, under a scheduler too."""
    open_day(settings, day)


def land(settings: Settings, feed: str, day: date) -> Manifest | None:
    """Bring the feed's bytes of the day into landing; None when a pushed feed has brought nothing yet."""
    opened(settings, day)
    spec = one(settings.feeds, feed)
    with observed.landing(settings, spec, day) as watched, _recorded(settings, spec, day):
        personal_key.check(_connection(settings), spec)
        if spec.source.kind in PUSHED:
            manifest = collect(settings, spec, day)
        else:
            manifest = pull(settings, spec, day, cursor=cursor_of(settings, spec, day))
        if manifest is not None:
            ledger.record_landed(_connection(settings), settings, feed, day)
        watched.manifest = manifest
    log.event(logger, "landed", feed=feed, interval=day, run=manifest.load_id if manifest else None)
    return manifest


def load_landed(settings: Settings, feed: str, day: date) -> list[LoadResult]:
    """Load what has landed for the day and is not in the warehouse yet; the newest again if all is there."""
    spec = one(settings.feeds, feed)
    con = _connection(settings)
    with observed.loading(settings, spec, day, con) as watched:
        with _recorded(settings, spec, day):
            landed = deliveries(settings.landing / feed / day.isoformat())
            if not landed and spec.arrives.min_rows > 0:
                raise Stop("CH-RUN-002", feed=feed, day=day)
            newest = _loaded_until(con, feed, day)
            todo = [manifest for manifest in landed if manifest.load_id > newest] or landed[-1:]
            spec_archive.remember(settings, spec)
            results = [load(settings, spec, manifest, con=con) for manifest in todo]
            if spec.source.kind in PUSHED and clock.now() >= clock.day_bounds(day)[1]:
                _settle(settings, spec, day, [manifest for manifest in landed if manifest not in todo])
        if any(result.repeated for result in results):
            ledger.recovered(con, settings, feed, day)  # a load writes the ledger itself; a repetition writes nothing
        watched.results = results
    for result in results:
        log.event(logger, "loaded", **_logged(result))
    return results


def _settle(settings: Settings, spec: FeedSpec, day: date, earlier: list[Manifest]) -> None:
    """End the day of a pushed feed: earlier deliveries whose rows still wait for their parent are loaded again, and a
    day that brought too little in all is held, which no single delivery can know."""
    con = _connection(settings)
    for manifest in reversed(earlier):
        if load(settings, spec, manifest, con=con).repeated:
            break
    ledger.hold_if_few(con, settings, spec, day)


def close(settings: Settings, feed: str, day: date) -> str:
    """The state in which the feed leaves the night."""
    row = ledger.row(_connection(settings), feed, day)
    return row.state if row else "expected"


def was_checked(settings: Settings, day: date) -> bool:
    """Whether the day's quality run has been there, so that what comes now restates the day."""
    sql = "SELECT 1 FROM quality_result WHERE service_day = ? LIMIT 1"
    return _connection(settings).execute(sql, [day]).fetchone() is not None


def sync(settings: Settings, feed: str, day: date) -> list[LoadResult]:
    """Land and load one feed of one day."""
    land(settings, feed, day)
    return load_landed(settings, feed, day)


@explained()
def check(settings: Settings, day: date) -> dict[str, Any]:
    """The quality run of the day over all feeds that were loaded, and the watches over all that should have come; then
    what departments have to see to."""
    from expectations.run import check_day
    from warehouse.watch.run import watch_day

    specs = active(settings)
    with observed.stage(settings, "quality", day) as watched:
        with closing(lake.connect(settings)) as con:
            results = check_day(settings, specs, day, con=con)
            found = [finding for item in watch_day(settings, specs, day, con=con) for finding in item.findings]
        watched.told = {
            "checks": len(results),
            "failed": sum(not result.success for result in results),
            "findings": len(found),
            "critical": sum(finding.severity == "critical" for finding in found),
        }
        observed.issues(settings, specs, watched)
    return watched.told


@explained()
def compute(settings: Settings, day: date) -> dict[str, Any]:
    """Indicators: the day, days that late rows changed, the month so far."""
    from indicators.engine import compute_night

    with observed.stage(settings, "indicators", day) as watched:
        watched.told = asdict(compute_night(settings, day))
    return watched.told


@explained()
def score(settings: Settings, day: date) -> dict[str, Any]:
    """Scores and ranking of the day's month, as of the day."""
    from scoring.month import score_month

    with observed.stage(settings, "scoring", day) as watched:
        score_month(settings, month_of(day), day)
        watched.told = {"month": month_of(day)}
    return watched.told


@explained()
def publish(settings: Settings, day: date) -> dict[str, Any]:
    """Freeze the month's results as a numbered publication; the same content makes no new number. Then its extract for
    other levels of government, and those that an earlier night left out."""
    from extracts.make import make_missing
    from scoring.publish import publish as publish_month

    with observed.stage(settings, "publication", day) as watched:
        publication = publish_month(settings, month_of(day), day)
        ledger.record_published(_connection(settings), settings, month_of(day), day)
        watched.told = {"publication": publication.number, "extracts": make_missing(settings)}
    observed.published(settings, day)
    return watched.told


def cursor_of(settings: Settings, spec: FeedSpec, day: date, *, con: Any = None) -> str | None:
    """Where the delivery before this day ended: a run of the same day again reads the same changes."""
    if spec.source.kind != "database" or spec.source.cursor is None:
        return None
    sql = "SELECT position FROM feed_cursor WHERE feed = $feed AND service_day < $day ORDER BY service_day DESC LIMIT 1"
    row = (con or _connection(settings)).execute(sql, {"feed": spec.feed, "day": day}).fetchone()
    return str(row[0]) if row else None


def _logged(result: LoadResult) -> dict[str, Any]:
    fields = asdict(result)
    return {
        "feed": fields["feed"],
        "interval": fields["service_day"],
        "run": fields["load_id"],
        "rows": fields["landed"],
        "loaded": fields["loaded"],
        "duplicate": fields["duplicate"],
        "quarantined": fields["quarantined"],
    }


@cache
def _connection(settings: Settings) -> Any:
    """One connection per process: attaching the lake costs more than loading a small feed."""
    return lake.connect(settings)


@contextmanager
def _recorded(settings: Settings, spec: FeedSpec, day: date) -> Iterator[None]:
    try:
        with explained():
            yield
    except HubError as error:
        log.event(logger, "failed", feed=spec.feed, interval=day, code=error.code)
        try:
            ledger.record_failure(settings, spec, day, error)
        except (HubError, OSError, duckdb.Error) as second:  # the ledger may be what cannot be written
            log.event(logger, "failure_not_recorded", level=40, feed=spec.feed, interval=day, detail=str(second))
        raise


def _loaded_until(con: Any, feed: str, day: date) -> str:
    row = con.execute("SELECT max(load_id) FROM load_log WHERE feed = ? AND service_day = ?", [feed, day]).fetchone()
    return str(row[0] or "")
