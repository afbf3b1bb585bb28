"""The window that a definition's SQL runs over, and its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Literal

from cityhub.clock import day_bounds, month_bounds
from warehouse import reference
from warehouse.reference.calendar import heating_season

Kind = Literal["day", "week", "month", "quarter", "season", "year"]


@dataclass(frozen=True)
class Period:
    """Service days `[first, end)`, stored under `kind` and `name`: `2026-11-20`, `2026-W47` (ISO 8601, from Monday),
    `2026-11`, `2026-Q4`, `2026`, and `2026-2027` for the heating season that begins in 2026."""

    kind: Kind
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


def around(days: Iterable[date], computed: set[date]) -> list[Period]:
    """The weeks, quarters, years and heating seasons of some days, each from its first day to the last one in it that
    was computed."""
    found: list[Period] = []
    for span in dict.fromkeys(span for day in sorted(days) for span in spans(day)):
        inside = [day for day in computed if span.first <= day < span.end]
        if inside:
            found.append(replace(span, end=max(inside) + timedelta(days=1)))
    return found


def spans(day: date) -> Iterator[Period]:
    """The whole week, quarter, year and heating season that a day lies in."""
    iso = day.isocalendar()
    monday = day - timedelta(days=iso.weekday - 1)
    yield Period("week", f"{iso.year}-W{iso.week:02d}", monday, monday + timedelta(days=7))
    quarter = (day.month - 1) // 3
    first, last = f"{day.year}-{quarter * 3 + 1:02d}", f"{day.year}-{quarter * 3 + 3:02d}"
    yield Period("quarter", f"{day.year}-Q{quarter + 1}", month_bounds(first)[0], month_bounds(last)[1])
    yield Period("year", f"{day.year}", date(day.year, 1, 1), date(day.year + 1, 1, 1))
    if season := heating_season(_heating(), day):
        begin, last_day = season
        yield Period("season", f"{begin.year}-{last_day.year}", begin, last_day + timedelta(days=1))


@cache
def _heating() -> dict[str, str]:
    return reference.heating()
