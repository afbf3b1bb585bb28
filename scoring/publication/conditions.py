"""What must hold before a month becomes final or a final month is corrected; raises what does not."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from cityhub import clock
from cityhub.clock import month_bounds
from cityhub.errors import Stop
from scoring import tables
from scoring.publication.manifest import Manifest
from warehouse.names import literal

SHOWN = 12  # of what is missing; `cityhub score explain` tells all

_REACHED = """
SELECT max(period) FROM indicator_value WHERE period_kind = 'day' AND starts_with(period, getvariable('month') || '-')
"""
# A unit whose score the rule calls whole (`ok`) has what the rule asks for: a switch may do without a part.
_NOT_WHOLE = """
SELECT r.unit_name, r.state, r.reason, s.component, s.state AS part_state
FROM ranking AS r
LEFT JOIN score AS s ON s.scheme = r.scheme AND s.period = r.period AND s.unit_code = r.unit_code
    AND s.state <> 'ok' AND s.component NOT LIKE 'digital.%'
WHERE r.scheme = {scheme} AND r.period = getvariable('month') AND r.state <> 'ok'
ORDER BY r.league, r.unit_code, s.component
"""


def named(text: str | None) -> str | None:
    """A name or a reason without the blanks around it; None for nothing."""
    return (text or "").strip() or None


def may_be_final(
    con: duckdb.DuckDBPyConnection, scheme: str, month: str, *, day: date, complete: bool, approved_by: str | None
) -> None:
    """Raise `Stop` CH-PUB-005 (no approver), 006 (the month is not over), 007 (something is missing or provisional).

    `complete`: the scores were computed as of the month's last day; indicators, where there are any by day, must
    reach it too. `tables.set_month` was called before.
    """
    if named(approved_by) is None:
        raise Stop("CH-PUB-005", month=month)
    last = month_bounds(month)[1] - timedelta(days=1)
    today = clock.now().date()
    if today <= last:
        raise Stop("CH-PUB-006", month=month, last=last, problem=f"it ends on {last}, and today is {today}")
    if day < last or not complete:
        shown = (
            "its scores are not those of its last day" if day >= last else f"it would hold its days until {day} only"
        )
        raise Stop("CH-PUB-006", month=month, last=last, problem=shown)
    reached = con.execute(_REACHED).fetchone()
    if reached is not None and reached[0] is not None and reached[0] < last.isoformat():
        raise Stop("CH-PUB-006", month=month, last=last, problem=f"its indicators reach {reached[0]} only")
    lacking = _lacking(con, scheme)
    if lacking:
        more = f"; and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
        raise Stop("CH-PUB-007", month=month, problem="; ".join(lacking[:SHOWN]) + more)


def _lacking(con: duckdb.DuckDBPyConnection, scheme: str) -> list[str]:
    """One text a unit that is not whole: its components that are missing or provisional, and the reason."""
    parts: dict[str, list[str]] = {}
    why: dict[str, str] = {}
    for row in tables.rows(con, _NOT_WHOLE.format(scheme=literal(scheme))):
        why[row["unit_name"]] = row["reason"] or row["state"]
        found = parts.setdefault(row["unit_name"], [])
        if row["component"] is not None:
            found.append(f"{row['component']} {row['part_state']}")
    return [f"{unit}: {', '.join([*found, why[unit]])}" for unit, found in parts.items()]


def may_be_corrected(before: Manifest, *, late: str, reason: str | None, corrected_by: str | None) -> None:
    """Raise `Stop` CH-PUB-003 (switch late_data says frozen) or CH-PUB-008 (no reason, or nobody named)."""
    month, number = before.period, before.number
    if late == "frozen":
        raise Stop("CH-PUB-003", month=month, number=number, switch=f"QA19={late}")
    lacking = [
        what
        for what, text in (("a reason (--reason)", reason), ("a name (--corrected-by)", corrected_by))
        if named(text) is None
    ]
    if lacking:
        raise Stop("CH-PUB-008", month=month, number=number, problem=" and ".join(lacking))
