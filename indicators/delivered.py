"""Did the feeds behind an indicator deliver? One reading of the ledger answers for every definition.

Delivered are the states loaded, checked, published and empty_confirmed; a held day is there but provisional;
everything else is missing, and a missing day has no value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import duckdb

from cityhub.spec.feed import FeedSpec
from indicators.definitions import HUB_TABLES, Definition
from indicators.period import Period

GOOD = frozenset({"loaded", "checked", "published", "empty_confirmed"})

_LEDGER = """
SELECT feed, service_day, state, loaded, error_code FROM delivery
WHERE service_day >= $first AND service_day < $end
"""
_FIRST = """
SELECT feed, MIN(service_day) FROM delivery
WHERE state IN ('loaded', 'checked', 'published', 'empty_confirmed', 'held') GROUP BY feed
"""
_OPEN = """
SELECT feed, service_day, COUNT(*) FROM quarantine
WHERE state = 'open' AND service_day >= $first AND service_day < $end GROUP BY feed, service_day
"""


Judgement = tuple[str | None, str | None, float | None]  # missing, provisional, coverage


@dataclass(frozen=True)
class Standing:
    """What the ledger lets a value be: `missing` and `provisional` hold the reason. `coverage` is days
    delivered / days elapsed since the first delivery, for a month."""

    missing: str | None = None
    provisional: str | None = None
    coverage: float | None = None
    quarantined: int = 0


@dataclass
class Deliveries:
    """The ledger of a window: what each feed delivered on each day."""

    feeds: dict[str, FeedSpec]  # by canonical table
    states: dict[tuple[str, date], tuple[str, int, str | None]] = field(default_factory=dict)
    first: dict[str, date] = field(default_factory=dict)
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
        missing, provisional, coverage = judge(definition, period)
        return Standing(missing, provisional, coverage, count)

    def _day(self, definition: Definition, period: Period) -> Judgement:
        missing: list[str] = []
        provisional: list[str] = []
        for table in (table for table in definition.reads() if table not in HUB_TABLES):
            spec = self.feeds[table]
            state, loaded, error = self.states.get((spec.feed, period.first), ("nothing known", 0, None))
            known = spec.feed in self.first and self.first[spec.feed] <= period.first
            said = f"{spec.feed} {state}" + (f" ({error})" if error else "")
            if state in GOOD:
                continue
            if state == "held" or (state == "failed" and loaded):
                provisional.append(said)
            elif known and (table in definition.registries or spec.arrives.fallback == "carry_forward"):
                provisional.append(f"{said}, an earlier delivery is used")
            else:
                missing.append(said)
        return "; ".join(missing) or None, "; ".join(provisional) or None, None

    def _month(self, definition: Definition, period: Period) -> Judgement:
        missing: list[str] = []
        provisional: list[str] = []
        coverage: float | None = None
        for table in (table for table in definition.reads() if table not in HUB_TABLES):
            spec = self.feeds[table]
            elapsed = [day for day in period.days() if self.first.get(spec.feed, date.max) <= day]
            states = [self.states.get((spec.feed, day), ("", 0, None))[0] for day in elapsed]
            there, held = sum(state in GOOD for state in states), states.count("held")
            fact = table not in definition.registries
            if not elapsed or (there + held == 0 and fact and spec.arrives.fallback != "carry_forward"):
                missing.append(f"{spec.feed} delivered nothing in {period.name}")
                continue
            if there + held < len(elapsed):
                provisional.append(f"{spec.feed} lacks {len(elapsed) - there - held} of {len(elapsed)} days")
            if held:
                provisional.append(f"{spec.feed} is held on {held} days")
            if fact:
                coverage = min(1.0 if coverage is None else coverage, (there + held) / len(elapsed))
        return "; ".join(missing) or None, "; ".join(provisional) or None, coverage


def read(con: duckdb.DuckDBPyConnection, specs: dict[str, FeedSpec], first: date, end: date) -> Deliveries:
    """The ledger of the days `[first, end)` and the first delivery ever of each feed."""
    window: dict[str, date] = {"first": first, "end": end}
    states = {
        (feed, day): (state, loaded or 0, error)
        for feed, day, state, loaded, error in con.execute(_LEDGER, window).fetchall()
    }
    return Deliveries(
        feeds={spec.table: spec for spec in specs.values()},
        states=states,
        first=dict(con.execute(_FIRST).fetchall()),
        quarantined={(feed, day): count for feed, day, count in con.execute(_OPEN, window).fetchall()},
    )
