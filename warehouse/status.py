"""One screen: what is missing, since when, and whose move it is. Reads one snapshot and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from cityhub import clock
from cityhub.errors import Stop
from cityhub.settings import Settings
from warehouse import lake
from warehouse.ledger import LOADED
from warehouse.names import literal

QUERY = (Path(__file__).parent / "sql" / "status.sql").read_text(encoding="utf-8")

# Worst last, so that the word of a platform is the greatest of its feeds' words.
WORDS = {
    "fresh": "正常",
    "expected": "未到时限",
    "late": "迟到",
    "held": "待核",
    "missing": "缺失",
    "failed": "失败",
}
_ORDER = list(WORDS)
# A delivery that is due is late for a day, then missing.
MISSING_AFTER = timedelta(days=1)


@dataclass(frozen=True)
class FeedStatus:
    """One feed of the day. `word` is one of `WORDS`; `since` is when the trouble began, perhaps on an earlier
    day; `days_without` counts service days since the last good one; `last_data` is when rows last came."""

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

    @property
    def needs_action(self) -> bool:
        """Whether somebody has to act: not there though due, failed, held, or failed after a good load."""
        return self.word in {"late", "missing", "held", "failed"} or self.error_code is not None


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
    late: int
    held: int
    missing: int
    failed: int
    landed: int
    loaded: int
    quarantined: int
    last_data: datetime | None


@dataclass(frozen=True)
class Status:
    """The answer for one service day as of `as_of`; `actions` are the feeds that need action, worst first."""

    day: date
    as_of: datetime
    platforms: tuple[PlatformStatus, ...]
    actions: tuple[FeedStatus, ...]
    feeds: tuple[FeedStatus, ...]


def status(settings: Settings, day: date | None = None) -> Status:
    """The state of a service day, by default the newest in the ledger.

    Raises `Stop` CH-LAKE-003 when there is no warehouse yet.
    """
    con = lake.connect(settings, read_only=True)
    try:
        return of_day(con, day, clock.now())
    except duckdb.CatalogException:
        raise Stop("CH-LAKE-003", catalog=settings.catalog) from None
    finally:
        con.close()


def of_day(con: duckdb.DuckDBPyConnection, day: date | None, now: datetime) -> Status:
    """As `status`, on an open connection and at a given moment."""
    con.execute("BEGIN")  # one snapshot for all that is read
    try:
        newest = con.execute("SELECT max(service_day) FROM delivery").fetchone()
        day = day or (newest[0] if newest else None) or clock.yesterday()
        con.execute(f"SET VARIABLE day = CAST({literal(day.isoformat())} AS DATE)")
        feeds = tuple(_feed(row, now) for row in con.execute(QUERY).fetchall())
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
    worst = sorted(feeds, key=lambda feed: (-_ORDER.index(feed.word), order.get(feed.platform, 0), feed.feed))
    return Status(day, now, platforms, tuple(feed for feed in worst if feed.needs_action), feeds)


def word(state: str, expected_by: datetime | None, now: datetime) -> str:
    """The word for a delivery's state at a moment."""
    if state in {"failed", "held"}:
        return state
    if state in LOADED:
        return "fresh"
    if expected_by is None or now <= expected_by:
        return "expected"
    return "late" if now <= expected_by + MISSING_AFTER else "missing"


def _feed(row: tuple, now: datetime) -> FeedStatus:  # type: ignore[type-arg]  # the columns of status.sql
    (
        feed, platform, service_day, state, landed, loaded, quarantined, expected_by, finished_at,
        error_code, error, whose_move, since, findings, last_day, last_data, without_since, days_without,
    ) = row  # fmt: skip
    said = word(state, expected_by, now)
    trouble = said in {"late", "missing", "failed", "held"}
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
    )


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
        **counts,
    )
