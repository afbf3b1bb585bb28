"""A month as the sum of its days: numerators and denominators are added, never percentages."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from indicators.definitions import HUB_TABLES, Definition
from indicators.delivered import Deliveries, Standing
from indicators.period import Period, of_day
from indicators.run import Sums, total

_DAYS = """
SELECT unit_code, period, numerator, denominator, n_expected, n_valid FROM indicator_value
WHERE code = $code AND period_kind = 'day' AND period >= $first AND period <= $last AND state <> 'missing'
ORDER BY unit_code, period
"""


def of_days(
    con: duckdb.DuckDBPyConnection,
    definition: Definition,
    period: Period,
    ledger: Deliveries,
    *,
    standing: Standing,
    scope: dict[str, list[str]],
) -> tuple[dict[str, list[Sums]], Standing]:
    """Sums of the stored days by kind of unit, and the standing, which names delivered days not computed."""
    window = {"code": definition.code, "first": period.first.isoformat(), "last": period.last.isoformat()}
    rows: dict[str, list[Sums]] = {}
    computed = set()
    for unit, day, *numbers in con.execute(_DAYS, window).fetchall():
        rows.setdefault(unit, []).append(Sums(unit, None, *numbers))
        computed.add(day)
    if not set(definition.reads()) <= HUB_TABLES:
        there = [day for day in period.days() if ledger.standing(definition, of_day(day)).missing is None]
        waiting = [day for day in there if day.isoformat() not in computed]
        if waiting:
            reasons = [standing.provisional] if standing.provisional else []
            said = f"{len(waiting)} delivered days are not computed, first {waiting[0]}"
            standing = replace(standing, provisional="; ".join([*reasons, said]))
    found = {
        kind: [total(rows[unit], unit=unit) for unit in units if unit in rows]
        for kind, units in scope.items()
    }
    return found, standing
