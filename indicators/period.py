"""The window that a definition's SQL runs over, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from cityhub.clock import day_bounds, month_bounds


@dataclass(frozen=True)
class Period:
    """Service days `[first, end)`, stored under `kind` and `name` (`2026-11-20`, `2026-11`, `2026-Q4`, `2026`)."""

    kind: Literal["day", "month", "quarter", "year"]
    name: str
    first: date
    end: date

    @property
    def last(self) -> date:
        """The last day inside."""
        return self.end - timedelta(days=1)

    def days(self) -> list[date]:
        """All days of the window."""
        return [self.first + timedelta(days=n) for n in range((self.end - self.first).days)]

    def parameters(self) -> dict[str, object]:
        """The named parameters of `indicators.lint.PARAMETERS`. `to_ms` is what open cases take as now:
        the end of the window, so that a later run gives the same number."""
        return {
            "day_from": self.first,
            "day_to": self.end,
            "day_before": self.first - timedelta(days=1),
            "days": (self.end - self.first).days,
            "from_ms": _epoch_ms(self.first),
            "to_ms": _epoch_ms(self.end),
        }


def _epoch_ms(day: date) -> int:
    return int(day_bounds(day)[0].timestamp()) * 1000


def of_day(day: date) -> Period:
    """One service day."""
    return Period("day", day.isoformat(), day, day + timedelta(days=1))


def of_month(month: str, as_of: date) -> Period:
    """The month from its first day to `as_of` (included), or to its end when `as_of` lies later."""
    first, end = month_bounds(month)
    return Period("month", month, first, max(min(end, as_of + timedelta(days=1)), first))


def around_month(month: str, computed: set[date]) -> list[Period]:
    """The quarter and the year of a month, each from its first day to the last one in it that was computed."""
    year, number = (int(part) for part in month.split("-"))
    quarter = (number - 1) // 3
    spans: tuple[tuple[Literal["quarter", "year"], str, int, int], ...] = (
        ("quarter", f"{year}-Q{quarter + 1}", quarter * 3 + 1, quarter * 3 + 3),
        ("year", f"{year}", 1, 12),
    )
    found: list[Period] = []
    for kind, name, start, last in spans:
        first, end = month_bounds(f"{year}-{start:02d}")[0], month_bounds(f"{year}-{last:02d}")[1]
        days = [day for day in computed if first <= day < end]
        if days:
            found.append(Period(kind, name, first, max(days) + timedelta(days=1)))
    return found
