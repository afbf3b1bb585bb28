"""The watches of a day over all feeds: readings first, then one write of what changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from functools import cache

import duckdb

from cityhub import clock, log
from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import findings, lake, ledger
from warehouse.findings import Finding, Stored
from warehouse.migrate import migrate
from warehouse.watch import arrival, counters, devices, levels, places, rate, strangers
from warehouse.watch.scan import scan

logger = log.get("cityhub.watch")
BACK = timedelta(days=7)  # days of the past whose silence is looked at again: what was late may have come
_OPEN = """
SELECT DISTINCT service_day FROM (
    SELECT service_day FROM delivery
    WHERE service_day BETWEEN $since AND $until AND state IN ('expected', 'landed', 'failed')
    UNION ALL
    SELECT service_day FROM finding
    WHERE service_day BETWEEN $since AND $until AND origin = 'watch' AND state = 'open'
      AND kind IN ('late', 'missing', 'below_min_rows', 'above_max_rows', 'web_page')
) ORDER BY service_day
"""


@dataclass(frozen=True)
class Watched:
    """What a run found about one feed and day, and what it cost."""

    feed: str
    day: date
    findings: tuple[Finding, ...]
    rows: int
    ms: float


def watch_day(
    settings: Settings,
    specs: Mapping[str, FeedSpec] | Iterable[FeedSpec],
    day: date,
    *,
    back: bool = True,
    con: duckdb.DuckDBPyConnection | None = None,
) -> list[Watched]:
    """Watch the active feeds of a service day, and with `back` what the week before still lacks. A second run over
    the same rows writes nothing. Nothing that a feed holds can keep the others from being watched. `con` has the lake
    attached and no open transaction; without it one is opened."""
    if con is None:
        with closing(lake.connect(settings)) as own:
            return watch_day(settings, specs, day, back=back, con=own)
    every = [spec for spec in (specs.values() if isinstance(specs, Mapping) else specs) if spec.active]
    migrate(con, settings)
    con.execute("BEGIN")  # one snapshot for all that is read
    found: list[Watched] = []
    try:
        days = [*(_unfinished(con, day) if back else []), day]
        stored = [item for each in days for item in findings.stored(con, day=each, origin="watch")]
        for each in days:
            found += _day(con, settings, every, each)
    finally:
        con.execute("COMMIT")
    known = {spec.feed: spec for spec in every}
    changed = [item for item in found if _differs(stored, item)]
    if changed:
        with lake.write(con, settings, f"watch {day}"):
            for item in changed:
                findings.record(
                    con, item.findings, feed=item.feed, day=item.day, origin="watch",
                    owner=ledger.owner(known[item.feed]),
                )  # fmt: skip
    said = [finding for item in found if item.day == day for finding in item.findings]
    counts = {name: sum(item.severity == name for item in said) for name in ("critical", "warning", "info")}
    ms = round(sum(item.ms for item in found))
    log.event(logger, "watched", interval=day, feeds=len(every), changed=len(changed), ms=ms, **counts)
    return [item for item in found if item.day == day]


def _unfinished(con: duckdb.DuckDBPyConnection, day: date) -> list[date]:
    window = {"since": day - BACK, "until": day - timedelta(days=1)}
    return [row[0] for row in con.execute(_OPEN, window).fetchall()]


def _day(con: duckdb.DuckDBPyConnection, settings: Settings, specs: list[FeedSpec], day: date) -> list[Watched]:
    lines, refused = arrival.read(con, day)
    return [
        _feed(con, settings, spec, lines[spec.feed], refused.get(spec.feed, []))
        for spec in specs
        if spec.feed in lines and lines[spec.feed][0].day == day
    ]


def _feed(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: FeedSpec,
    lines: list[arrival.Line],
    refused: list[arrival.Refused],
) -> Watched:
    started = time.perf_counter()
    line = lines[0]
    found = list(arrival.watch(spec, lines, refused, clock.now()))
    if line.state in ledger.LOADED and line.loaded:
        week = [item.day for item in lines[1:] if item.delivered and item.loaded and line.day - item.day <= BACK]
        rows, last = line.loaded, max(week, default=None)
        seen = cache(lambda: scan(con, spec, line.day, rows))
        watches: dict[str, Callable[[], Iterator[Finding]]] = {
            "devices": lambda: devices.watch(con, settings, spec, seen(), line.day, week),
            "levels": lambda: levels.watch(con, spec, seen(), last),
            "places": lambda: places.watch(con, spec, seen(), line.day, last),
            "rate": lambda: rate.watch(con, spec, line.day),
            "counters": lambda: counters.watch(con, spec, line.day),
            "strangers": lambda: strangers.watch(con, spec, line.day, last),
        }
        for name, watch in watches.items():
            try:
                found += watch()
            except (duckdb.Error, HubError) as error:  # the others still look
                text = str(error).splitlines()[0] if isinstance(error, duckdb.Error) else error.part("what")
                log.event(logger, "watch_failed", level=40, feed=spec.feed, interval=line.day, watch=name, detail=text)
                found.append(Finding("watch_failed", "warning", f"the watch {name} could not be run: {text}", name))
    return Watched(spec.feed, line.day, tuple(found), line.loaded or 0, (time.perf_counter() - started) * 1000)


def _differs(stored: list[Stored], item: Watched) -> bool:
    """Whether what was found is not what stands open in the warehouse."""
    names = [field.name for field in fields(Finding)]
    now = {findings.identity(item.feed, item.day, "watch", each): asdict(each) for each in item.findings}
    known = [each for each in stored if (each.feed, each.service_day) == (item.feed, item.day)]
    return now != {each.id: {name: getattr(each, name) for name in names} for each in known}
