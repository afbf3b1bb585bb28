"""One screen: what is missing, since when, and whose move it is. Reads one snapshot and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from cityhub import clock
from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.read import read_good
from warehouse import lake
from warehouse.findings import Stored, stored
from warehouse.ledger import LOADED
from warehouse.migrate import demand_current
from warehouse.names import literal

QUERY = (Path(__file__).parent / "sql" / "status.sql").read_text(encoding="utf-8")

# Worst last, so that the word of a platform is the greatest of its feeds' words.
WORDS = {
    "fresh": "正常",
    "expected": "未到时限",
    "manual": "人工补录",
    "stale": "有数据，最近取数失败",
    "late": "迟到",
    "held": "待核",
    "missing": "缺失",
    "failed": "失败",
}
_ORDER = list(WORDS)
# A delivery that is due is late for a day, then missing.
MISSING_AFTER = timedelta(days=1)
TROUBLE = frozenset({"late", "missing", "held", "failed"})
SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class FeedStatus:
    """One feed of the day. `word` is one of `WORDS`; `since` is when the trouble began, perhaps on an earlier
    day; `days_without` counts service days since the last good one; `last_data` is when rows last came.
    `fallback` says what stands in for a delivery that is not there, or who brought it: a value that rests on it is
    marked. `critical`, `warning`, `info` count the open findings about the day."""

    feed: str
    platform: str
    service_day: date
    state: str
    word: str
    word_zh: str
    landed: int | None
    loaded: int | None
    quarantined: int | None
    expected_by: datetime | None
    finished_at: datetime | None
    last_day: date | None
    last_data: datetime | None
    since: datetime | None
    days_without: int
    error_code: str | None
    error: str | None
    whose_move: str | None
    findings: str | None
    fallback: str | None = None
    critical: int = 0
    warning: int = 0
    info: int = 0

    @property
    def needs_action(self) -> bool:
        """Whether somebody has to act: not there though due, failed, held, failed after a good load, or a critical
        finding."""
        return self.word in TROUBLE or self.error_code is not None or self.critical > 0


@dataclass(frozen=True)
class PlatformStatus:
    """A platform's feeds counted by word; the worst word speaks for the platform."""

    platform: str
    name_zh: str
    name_en: str
    word: str
    word_zh: str
    feeds: int
    fresh: int
    expected: int
    manual: int
    stale: int
    late: int
    held: int
    missing: int
    failed: int
    landed: int
    loaded: int
    quarantined: int
    last_data: datetime | None
    critical: int
    warning: int
    info: int


@dataclass(frozen=True)
class Status:
    """The answer for one service day as of `as_of`; `actions` are the feeds that need action, worst first;
    `findings` are the open ones of the day, worst first."""

    day: date
    as_of: datetime
    platforms: tuple[PlatformStatus, ...]
    actions: tuple[FeedStatus, ...]
    feeds: tuple[FeedStatus, ...]
    findings: tuple[Stored, ...] = ()


def status(settings: Settings, day: date | None = None) -> Status:
    """The state of a service day, by default the newest in the ledger.

    Raises `Stop` CH-LAKE-003 when there is no warehouse yet.
    """
    con = lake.connect(settings, read_only=True)
    try:
        demand_current(con)
        return of_day(con, day, clock.now(), fallbacks(settings))
    except duckdb.CatalogException:
        raise Stop("CH-LAKE-003", catalog=settings.catalog) from None
    finally:
        con.close()


def fallbacks(settings: Settings) -> dict[str, str]:
    """Feed → what its spec wants without a delivery, for those that want something."""
    specs, _ = read_good(settings.feeds)
    return {name: spec.arrives.fallback for name, spec in specs.items() if spec.arrives.fallback != "none"}


def of_day(
    con: duckdb.DuckDBPyConnection, day: date | None, now: datetime, fallback: Mapping[str, str] | None = None
) -> Status:
    """As `status`, on an open connection and at a given moment."""
    con.execute("BEGIN")  # one snapshot for all that is read
    try:
        newest = con.execute("SELECT max(service_day) FROM delivery").fetchone()
        day = day or (newest[0] if newest else None) or clock.yesterday()
        con.execute(f"SET VARIABLE day = CAST({literal(day.isoformat())} AS DATE)")
        feeds = tuple(_feed(row, now, fallback or {}) for row in con.execute(QUERY).fetchall())
        noticed = sorted(stored(con, day=day), key=lambda item: (SEVERITIES.index(item.severity), item.feed, item.kind))
        names = con.execute("SELECT platform, name_zh, name_en FROM platform ORDER BY sort").fetchall()
    finally:
        con.execute("ROLLBACK")
    order = {platform: place for place, (platform, _, _) in enumerate(names)}
    titles = {platform: (zh, en) for platform, zh, en in names}
    present = sorted({feed.platform for feed in feeds}, key=lambda name: (order.get(name, len(order)), name))
    platforms = tuple(
        _platform(name, titles.get(name, (name, name)), [feed for feed in feeds if feed.platform == name])
        for name in present
    )
    worst = sorted(
        feeds, key=lambda feed: (-_ORDER.index(feed.word), -feed.critical, order.get(feed.platform, 0), feed.feed)
    )
    return Status(day, now, platforms, tuple(feed for feed in worst if feed.needs_action), feeds, tuple(noticed))


def word(
    state: str, expected_by: datetime | None, now: datetime, *, manual: str | None = None, error: str | None = None
) -> str:
    """The word for a delivery's state at a moment. `error`: the last attempt to fetch it failed, after a good one."""
    if state in {"failed", "held"}:
        return state
    if state in LOADED:
        return "stale" if error else "manual" if manual == "upload" else "fresh"
    if expected_by is None or now <= expected_by:
        return "expected"
    return "late" if now <= expected_by + MISSING_AFTER else "missing"


def _feed(row: tuple, now: datetime, fallback: Mapping[str, str]) -> FeedStatus:  # type: ignore[type-arg]  # the columns of status.sql
    (
        feed, platform, service_day, state, landed, loaded, quarantined, expected_by, finished_at,
        error_code, error, whose_move, since, findings, last_day, last_data, without_since, days_without,
        manual, manual_by, manual_why, critical, warning, info,
    ) = row  # fmt: skip
    said = word(state, expected_by, now, manual=manual, error=error_code)
    trouble = said in TROUBLE
    return FeedStatus(
        feed=feed,
        platform=platform,
        service_day=service_day,
        state=state,
        word=said,
        word_zh=WORDS[said],
        landed=landed,
        loaded=loaded,
        quarantined=quarantined,
        expected_by=expected_by,
        finished_at=finished_at,
        last_day=last_day,
        last_data=last_data,
        since=without_since if trouble else since if error_code else None,
        days_without=days_without if trouble else 0,
        error_code=error_code,
        error=error or ("nothing has come" if said in {"late", "missing"} else None),
        whose_move=whose_move,
        findings=findings,
        fallback=_stands_in(fallback.get(feed), said, last_day, (manual, manual_by, manual_why)),
        critical=critical,
        warning=warning,
        info=info,
    )


def _stands_in(
    fallback: str | None, said: str, last_day: date | None, manual: tuple[str | None, str | None, str | None]
) -> str | None:
    kind, by, why = manual
    if kind == "upload":
        return f"uploaded by {by} (人工补录)"
    if kind == "empty":
        return f"confirmed empty by {by}: {why} (确认无数据)"
    if said not in {"late", "missing", "failed"}:
        return None
    if fallback == "carry_forward" and last_day is not None:
        return f"carried forward since {last_day} (沿用)"
    return "waits for an upload (待人工补录)" if fallback == "manual" else None


def _platform(name: str, titles: tuple[str, str], feeds: list[FeedStatus]) -> PlatformStatus:
    counts = {each: sum(feed.word == each for feed in feeds) for each in WORDS}
    said = max((feed.word for feed in feeds), key=_ORDER.index)
    return PlatformStatus(
        platform=name,
        name_zh=titles[0],
        name_en=titles[1],
        word=said,
        word_zh=WORDS[said],
        feeds=len(feeds),
        landed=sum(feed.landed or 0 for feed in feeds),
        loaded=sum(feed.loaded or 0 for feed in feeds),
        quarantined=sum(feed.quarantined or 0 for feed in feeds),
        last_data=max((feed.last_data for feed in feeds if feed.last_data), default=None),
        critical=sum(feed.critical for feed in feeds),
        warning=sum(feed.warning for feed in feeds),
        info=sum(feed.info for feed in feeds),
        **counts,
    )
