"""A month as the sum of its days: numerators and denominators are added, never percentages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import duckdb

from indicators.definitions import HUB_TABLES, Definition
from indicators.delivered import Deliveries, Standing
from indicators.period import Period, of_day
from indicators.run import Sums, total

_DAYS = """
SELECT code, unit_code, period, numerator, denominator, n_expected, n_valid FROM indicator_value
WHERE period_kind = 'day' AND period >= $first AND period <= $last AND state <> 'missing'
ORDER BY code, unit_code, period
"""


@dataclass
class Stored:
    """The stored days of a month by code: sums by unit, and which days were computed at all."""

    sums: dict[str, dict[str, list[tuple[str, Sums]]]] = field(default_factory=dict)
    days: dict[str, set[str]] = field(default_factory=dict)


def read(con: duckdb.DuckDBPyConnection, period: Period) -> Stored:
    """All stored days of the month that have a value: one query for all indicators."""
    stored = Stored()
    window = {"first": period.first.isoformat(), "last": period.last.isoformat()}
    for code, unit, day, *numbers in con.execute(_DAYS, window).fetchall():
        stored.sums.setdefault(code, {}).setdefault(unit, []).append((day, Sums(unit, None, *numbers)))
        stored.days.setdefault(code, set()).add(day)
    return stored


def of_days(
    stored: Stored, definition: Definition, period: Period, ledger: Deliveries, *, standing: Standing
) -> tuple[dict[str, Sums], Standing]:
    """The month's sums by unit, and the standing, which names delivered days that nobody computed. A day whose
    values are carried forward adds nothing: its rows never came, and no other day counts twice."""
    sums = stored.sums.get(definition.code, {})
    carried: set[str] = set()
    if not set(definition.reads()) <= HUB_TABLES:
        judged = {day: ledger.standing(definition, of_day(day)) for day in period.days()}
        carried = {day.isoformat() for day, found in judged.items() if found.carried}
        there = [day for day, found in judged.items() if found.missing is None and not found.carried]
        computed = stored.days.get(definition.code, set())
        waiting = [day for day in there if day.isoformat() not in computed]
        if waiting:
            reasons = [standing.provisional] if standing.provisional else []
            said = f"{len(waiting)} delivered days are not computed, first {waiting[0]}"
            standing = replace(standing, provisional="; ".join([*reasons, said]))
    own = {unit: [found for day, found in days if day not in carried] for unit, days in sums.items()}
    return {unit: total(days, unit=unit) for unit, days in own.items() if days}, standing
