"""The working calendar: holidays and worked weekends of each year, and the heating season, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

Day = tuple[date, int, str, int, bool, str | None, bool]


def span(first: date, last: date) -> Iterator[date]:
    """All days from `first` to `last`, both included."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def days(content: dict[str, Any]) -> Iterator[Day]:
    """Rows of `calendar_day` from the content of calendar.yaml.

    day, day_id (yyyymmdd), month, weekday (1 Monday … 7 Sunday), working, holiday, heating. Raises ValueError
    for a year without an entry, and for a day that is worked and off.
    """
    worked = {day for year in content["years"] for day in year["workdays"]}
    holidays = {
        day: holiday["name"]
        for year in content["years"]
        for holiday in year["holidays"]
        for day in span(holiday["from"], holiday["to"])
    }
    years = {year["year"] for year in content["years"]}
    if both := sorted(worked & set(holidays)):
        raise ValueError(f"{both[0]} is a holiday and a working day")
    for day in span(content["first"], content["last"]):
        if day.year not in years:
            raise ValueError(f"there is no entry for the year {day.year}")
        yield (
            day,
            day.year * 10000 + day.month * 100 + day.day,
            f"{day:%Y-%m}",
            day.isoweekday(),
            day in worked or (day not in holidays and day.isoweekday() <= 5),
            holidays.get(day),
            heating_season(content["heating"], day) is not None,
        )


def office_minutes(content: dict[str, Any]) -> list[tuple[int, int]]:
    """Office hours of calendar.yaml as minutes of the day: `[(510, 720), …]`."""

    def minute(text: str) -> int:
        hours, minutes = text.split(":")
        return int(hours) * 60 + int(minutes)

    return [(minute(span["from"]), minute(span["to"])) for span in content["office"]]


def heating_season(heating: dict[str, str], day: date) -> tuple[date, date] | None:
    """First and last day of the heating season (`heating` of calendar.yaml) that a day lies in, None in summer."""
    begin, end = heating["from"], heating["to"]
    for year in (day.year - 1, day.year):
        first = date.fromisoformat(f"{year}-{begin}")
        last = date.fromisoformat(f"{year if begin <= end else year + 1}-{end}")
        if first <= day <= last:
            return first, last
    return None
