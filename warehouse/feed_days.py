"""One feed's last days: what state each is in, how many rows it brought, what was noticed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from cityhub import clock
from cityhub.settings import Settings
from cityhub.spec.read import one
from warehouse import lake
from warehouse.findings import Stored, stored
from warehouse.names import literal
from warehouse.status import SEVERITIES, WORDS, word

QUERY = (Path(__file__).parent / "sql" / "feed_days.sql").read_text(encoding="utf-8")
# One sign a day for the strip, so that a month fits on a line.
SIGNS = {
    "fresh": "●", "manual": "◐", "stale": "◍", "expected": "·", "late": "○", "held": "◇", "missing": "✕", "failed": "✕",
    "unknown": " ",
}  # fmt: skip


@dataclass(frozen=True)
class FeedDay:
    """One day of the feed; `word` as in `WORDS`, or `unknown` where the ledger has no line. Counts are rows;
    `carried_from` is the day whose values stand in, where the spec carries them forward."""

    service_day: date
    word: str
    word_zh: str
    state: str | None = None
    landed: int | None = None
    loaded: int | None = None
    duplicate: int | None = None
    quarantined: int | None = None
    late: int | None = None
    expected_by: datetime | None = None
    finished_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None
    whose_move: str | None = None
    manual: str | None = None
    manual_by: str | None = None
    manual_why: str | None = None
    critical: int = 0
    warning: int = 0
    info: int = 0
    carried_from: date | None = None


@dataclass(frozen=True)
class FeedDays:
    """A feed's days, newest first, and the open findings about them, newest day and worst first."""

    feed: str
    title_zh: str
    owner: str
    fallback: str
    days: tuple[FeedDay, ...]
    findings: tuple[Stored, ...]

    @property
    def strip(self) -> str:
        """One sign a day, oldest first."""
        return "".join(SIGNS[day.word] for day in reversed(self.days))


def feed_days(settings: Settings, feed: str, last: date | None = None, *, count: int = 30) -> FeedDays:
    """The days of a feed up to `last`, by default yesterday. Raises `Stop` CH-FEED-002 (no such feed), CH-LAKE-003."""
    spec = one(settings.feeds, feed)
    last = last or clock.yesterday()
    since = last - timedelta(days=count)
    con = lake.connect(settings, read_only=True)
    try:
        con.execute(
            f"SET VARIABLE feed = {literal(feed)}; SET VARIABLE day = DATE {literal(last.isoformat())};"
            f" SET VARIABLE since = DATE {literal(since.isoformat())}"
        )
        known = {row[0]: row for row in con.execute(QUERY).fetchall()}
        noticed = [item for item in stored(con, feed=feed) if since < item.service_day <= last]
    finally:
        con.close()
    noticed.sort(key=lambda item: (-item.service_day.toordinal(), SEVERITIES.index(item.severity), item.kind))
    days: list[FeedDay] = []
    good: date | None = None
    for ago in reversed(range(count)):
        day = _day(last - timedelta(days=ago), known, clock.now())
        if day.word in {"fresh", "stale"} and day.loaded:
            good = day.service_day
        elif spec.arrives.fallback == "carry_forward" and day.word in {"late", "missing", "failed"}:
            day = replace(day, carried_from=good)
        days.append(day)
    owner = f"{spec.owner.department} {spec.owner.person} {spec.owner.phone}"
    return FeedDays(feed, spec.title.zh, owner, spec.arrives.fallback, tuple(reversed(days)), tuple(noticed))


def _day(day: date, known: dict[date, tuple], now: datetime) -> FeedDay:  # type: ignore[type-arg]  # columns of the query
    if day not in known:
        return FeedDay(day, "unknown", "无记录")
    _, state, *counts = known[day]
    found = FeedDay(day, "", "", state, *counts)
    said = word(state, found.expected_by, now, manual=found.manual, error=found.error_code)
    return replace(found, word=said, word_zh=WORDS[said])
