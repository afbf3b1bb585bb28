"""Did the feeds behind an indicator deliver? One reading of the ledger answers for every definition.

Delivered are the states loaded, checked, published and empty_confirmed; a held day is there but provisional, and so
is what a person uploaded; everything else is missing, and a missing day has no value, unless the feed's spec lets its
last good one be carried forward: then the value is that day's, provisional, and says since when.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from datetime import date

import duckdb

from cityhub.spec.feed import FeedSpec
from indicators.definitions import HUB_TABLES, Definition
from indicators.period import Period
from warehouse.ledger import GOOD

_LEDGER = """
SELECT feed, service_day, state, loaded, error_code, manual = 'upload' FROM delivery
WHERE service_day >= $first AND service_day < $end
"""
# Days that brought rows, and those of them that may be carried forward: nothing held, uploaded or empty.
_DAYS = """
SELECT feed, list(service_day ORDER BY service_day),
       coalesce(list(service_day ORDER BY service_day)
                FILTER (state <> 'held' AND loaded > 0 AND manual IS DISTINCT FROM 'upload'), [])
FROM delivery
WHERE state IN ('loaded', 'checked', 'published', 'empty_confirmed', 'held') AND service_day < $end
GROUP BY feed
"""
_OPEN = """
SELECT feed, service_day, COUNT(*) FROM quarantine
WHERE state = 'open' AND service_day >= $first AND service_day < $end GROUP BY feed, service_day
"""


@dataclass(frozen=True)
class Standing:
    """What the ledger lets a value be: `missing` and `provisional` hold the reason. `coverage` is days
    delivered / days elapsed since the first delivery, for a month. `carried`: the value is that of this earlier day."""

    missing: str | None = None
    provisional: str | None = None
    coverage: float | None = None
    quarantined: int = 0
    carried: date | None = None


@dataclass
class Deliveries:
    """The ledger of a window: what each feed delivered on each day."""

    feeds: dict[str, FeedSpec]  # by canonical table
    states: dict[tuple[str, date], tuple[str, int, str | None, bool]] = field(default_factory=dict)
    there: dict[str, list[date]] = field(default_factory=dict)  # days on which each feed delivered, ascending
    good: dict[str, list[date]] = field(default_factory=dict)  # those whose values may be carried forward
    quarantined: dict[tuple[str, date], int] = field(default_factory=dict)

    def standing(self, definition: Definition, period: Period) -> Standing:
        """What the deliveries of the period allow a definition's values to be."""
        names = [table for table in definition.reads() if table not in HUB_TABLES]
        if unknown := [table for table in names if table not in self.feeds]:
            return Standing(missing=f"no feed fills the table {unknown[0]}")
        count = sum(
            number
            for (feed, day), number in self.quarantined.items()
            if period.first <= day < period.end and feed in {self.feeds[table].feed for table in names}
        )
        judge = self._day if period.kind == "day" else self._month
        return replace(judge(definition, period), quarantined=count)

    @staticmethod
    def _last_before(days: list[date], day: date) -> date | None:
        place = bisect_left(days, day)
        return days[place - 1] if place else None

    def _day(self, definition: Definition, period: Period) -> Standing:
        missing: list[str] = []
        provisional: list[str] = []
        carried: list[date] = []
        for table in (table for table in definition.reads() if table not in HUB_TABLES):
            spec = self.feeds[table]
            state, loaded, error, by_hand = self.states.get(
                (spec.feed, period.first), ("nothing known", 0, None, False)
            )
            said = f"{spec.feed} {state}" + (f" ({error})" if error else "")
            registry = table in definition.registries
            last = self._last_before((self.there if registry else self.good).get(spec.feed, []), period.first)
            if state in GOOD and not by_hand:
                continue
            if state in GOOD:
                provisional.append(f"{spec.feed} uploaded by hand (人工补录)")
            elif state == "held" or (state == "failed" and loaded):
                provisional.append(said)
            elif last and (registry or spec.arrives.fallback == "carry_forward"):
                provisional.append(f"{said}, carried forward since {last} (沿用)")
                carried += [] if registry else [last]
            else:
                missing.append(said)
        return Standing("; ".join(missing) or None, "; ".join(provisional) or None, carried=min(carried, default=None))

    def _month(self, definition: Definition, period: Period) -> Standing:
        missing: list[str] = []
        provisional: list[str] = []
        coverage: float | None = None
        for table in (table for table in definition.reads() if table not in HUB_TABLES):
            spec = self.feeds[table]
            first = self.there.get(spec.feed, [date.max])[0]
            elapsed = [day for day in period.days() if first <= day]
            known = [self.states.get((spec.feed, day), ("", 0, None, False)) for day in elapsed]
            there, held = sum(state in GOOD for state, *_ in known), sum(state == "held" for state, *_ in known)
            by_hand = sum(state in GOOD and manual for state, _, _, manual in known)
            fact = table not in definition.registries
            if not elapsed or (there + held == 0 and fact):
                missing.append(f"{spec.feed} delivered nothing in {period.name}")
                continue
            if there + held < len(elapsed):
                provisional.append(f"{spec.feed} lacks {len(elapsed) - there - held} of {len(elapsed)} days")
            if held:
                provisional.append(f"{spec.feed} is held on {held} days")
            if by_hand:
                provisional.append(f"{spec.feed} is uploaded by hand on {by_hand} days (人工补录)")
            if fact:
                coverage = min(1.0 if coverage is None else coverage, (there + held) / len(elapsed))
        return Standing("; ".join(missing) or None, "; ".join(provisional) or None, coverage)


def read(con: duckdb.DuckDBPyConnection, specs: dict[str, FeedSpec], first: date, end: date) -> Deliveries:
    """The ledger of the days `[first, end)` and the days on which each feed ever brought rows."""
    window: dict[str, date] = {"first": first, "end": end}
    states = {
        (feed, day): (state, loaded or 0, error, bool(by_hand))
        for feed, day, state, loaded, error, by_hand in con.execute(_LEDGER, window).fetchall()
    }
    days = con.execute(_DAYS, {"end": end}).fetchall()
    return Deliveries(
        feeds={spec.table: spec for spec in specs.values()},
        states=states,
        there={feed: there for feed, there, _ in days},
        good={feed: good for feed, _, good in days},
        quarantined={(feed, day): count for feed, day, count in con.execute(_OPEN, window).fetchall()},
    )
