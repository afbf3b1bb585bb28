"""Time at the edges is `Asia/Shanghai`; intervals are half-open `[start, end)`."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present moment with zone; `CITYHUB_NOW` (ISO 8601) replaces it in tests and replays."""
    fixed = os.environ.get("CITYHUB_NOW")
    moment = datetime.fromisoformat(fixed) if fixed else datetime.now(UTC)
    return moment.astimezone(SHANGHAI)


def yesterday() -> date:
    """The service day that a nightly run is for when nobody says: the last whole local day."""
    return now().date() - timedelta(days=1)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """`[00:00, next 00:00)` of a service day, local time with zone."""
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
    return start, start + timedelta(days=1)


def month_of(day: date) -> str:
    """`2026-11` for any day in November 2026."""
    return f"{day:%Y-%m}"


def month_bounds(month: str) -> tuple[date, date]:
    """First day of the month and first day of the next one."""
    year, number = (int(part) for part in month.split("-"))
    first = date(year, number, 1)
    return first, (first.replace(day=28) + timedelta(days=4)).replace(day=1)
