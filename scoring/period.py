"""Periods by name: week `2026-W19`, month `2026-05`, quarter `2026-Q2`, year `2026`."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

from cityhub.errors import Usage

Kind = Literal["week", "month", "quarter", "year"]
SHAPES: dict[Kind, re.Pattern[str]] = {
    "week": re.compile(r"^\d{4}-W(0[1-9]|[1-4]\d|5[0-3])$"),
    "month": re.compile(r"^\d{4}-(0[1-9]|1[0-2])$"),
    "quarter": re.compile(r"^\d{4}-Q[1-4]$"),
    "year": re.compile(r"^\d{4}$"),
}


def kind(period: str) -> Kind:
    """What a period's name says that it is; raises `Usage` CH-SCORE-008 for anything else."""
    for name, shape in SHAPES.items():
        if shape.match(period) and (name != "week" or _is_week(period)):
            return name
    raise Usage("CH-SCORE-008", period=period)


def _is_week(period: str) -> bool:
    """Week 53 exists only in long years."""
    year, week = int(period[:4]), int(period[6:])
    return week <= date(year, 12, 28).isocalendar().week


def bounds(period: str) -> tuple[date, date]:
    """First day and the day after the last."""
    what, year = kind(period), int(period[:4])
    if what == "week":
        first = date.fromisocalendar(year, int(period[6:]), 1)
        return first, first + timedelta(days=7)
    if what == "year":
        return date(year, 1, 1), date(year + 1, 1, 1)
    months = 1 if what == "month" else 3
    month = int(period[5:]) if what == "month" else 3 * int(period[6:]) - 2
    after = month + months
    return date(year, month, 1), date(year, after, 1) if after <= 12 else date(year + 1, after - 12, 1)


def contains(period: str, day: date) -> bool:
    """Whether the day is in the period."""
    first, after = bounds(period)
    return first <= day < after


def months_of(period: str) -> list[str]:
    """The months of a quarter or a year (or the month itself)."""
    first, after = bounds(period)
    last = after - timedelta(days=1)
    return [f"{first.year}-{month:02d}" for month in range(first.month, last.month + 1)]


def quarters_of(year: str) -> list[str]:
    """The four quarters of a year."""
    return [f"{year}-Q{number}" for number in range(1, 5)]


def days(period: str) -> int:
    """How many days it has."""
    first, after = bounds(period)
    return (after - first).days


def month_of_week(week: str, way: str) -> str:
    """The month that a week belongs to: that of its Thursday (as ISO does with years), Monday or Sunday."""
    offset = {"monday": 0, "thursday": 3, "sunday": 6}[way]
    day = bounds(week)[0] + timedelta(days=offset)
    return f"{day.year}-{day.month:02d}"


def weeks_of(period: str, way: str) -> list[str]:
    """The weeks that belong to a month, quarter or year, by the month that each belongs to."""
    first, after = bounds(period)
    found: list[str] = []
    day = first - timedelta(days=7)
    while day < after + timedelta(days=7):
        year, number, _ = day.isocalendar()
        week = f"{year}-W{number:02d}"
        month = month_of_week(week, way)
        if contains(period, date.fromisoformat(f"{month}-01")):
            found.append(week)
        day += timedelta(days=7)
    return found
