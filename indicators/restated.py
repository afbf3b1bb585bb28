"""Numbers that came out otherwise when they were computed again: old value, new value, and the loads behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from cityhub import clock
from cityhub.clock import month_of

_STAGE = """
CREATE OR REPLACE TEMP TABLE cause AS SELECT unnest(from_json($rows,
    '[{"code":"VARCHAR","period":"VARCHAR","load_ids":"VARCHAR"}]'), recursive := true)
"""
# A month grows with each of its days: that is no restatement, and the caller does not ask for it.
_NOTE = """
INSERT INTO restatement
SELECT $at, $plan, c.code, c.unit_code, c.period_kind, c.period,
    v.numerator, v.denominator, v.value, v.state, c.numerator, c.denominator, c.value, c.state,
    CASE WHEN v.definition_sha256 <> c.definition_sha256 THEN 'definition'
         WHEN w.load_ids IS NOT NULL THEN 'rows' ELSE 'ledger' END,
    w.load_ids
FROM temp.changed AS c
INNER JOIN indicator_value AS v ON v.code = c.code AND v.unit_code = c.unit_code
    AND v.period_kind = c.period_kind AND v.period = c.period
LEFT JOIN temp.cause AS w ON w.code = c.code AND w.period = c.period
WHERE c.period_kind IN ('day', 'month')
    AND (v.numerator IS DISTINCT FROM c.numerator OR v.denominator IS DISTINCT FROM c.denominator
        OR v.value IS DISTINCT FROM c.value OR v.state <> c.state)
ORDER BY c.period_kind, c.period, c.code, c.unit_code
"""


@dataclass(frozen=True)
class Cause:
    """`loads`: (code, day or month) → load ids with commas; `plan`: the plan that is being applied."""

    loads: Mapping[tuple[str, str], str]
    plan: str | None = None


def cause(loads: Mapping[tuple[date, str], set[str]], plan: str | None) -> Cause:
    """From the loads by day, those by month as well."""
    found: dict[tuple[str, str], set[str]] = {}
    for (day, code), ids in loads.items():
        found.setdefault((code, day.isoformat()), set()).update(ids)
        found.setdefault((code, month_of(day)), set()).update(ids)
    return Cause({key: ",".join(sorted(ids)) for key, ids in found.items()}, plan)


def note(con: duckdb.DuckDBPyConnection, why: Cause) -> None:
    """Write what the staged values (`temp.changed`) replace, inside the caller's transaction and before they do."""
    rows = [{"code": code, "period": period, "load_ids": ids} for (code, period), ids in why.loads.items()]
    con.execute(_STAGE, {"rows": json.dumps(rows)})
    con.execute(_NOTE, {"at": clock.now(), "plan": why.plan})
