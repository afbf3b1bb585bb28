"""Decisions of people about refused rows: waived for a reason, for good or until a day; then open again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import duckdb

from cityhub import clock
from cityhub.errors import Usage
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake
from warehouse.landing import new_load_id
from warehouse.names import literal
from warehouse.quarantine import Which

EXPIRED = "state = 'waived' AND waived_until < $today::DATE"


def waive(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    specs: Mapping[str, FeedSpec],
    which: Which,
    *,
    by: str,
    why: str,
    until: date | None = None,
) -> int:
    """Waive the open rows; their number. Raises `Usage` CH-QUAR-002 without who and why, or with a day that is over."""
    for option, text in (("--by", by), ("--why", why)):
        if not text.strip():
            raise Usage("CH-QUAR-002", option=option, detail="is missing")
    if until is not None and until < clock.now().date():
        raise Usage("CH-QUAR-002", option="--until", detail=f"{until} is over")
    where = which.sql()
    days = _days(con, where)
    if not days:
        return 0
    with lake.write(con, settings, f"waive {which.feed or which.id or 'rows'}"):
        changed = con.execute(
            "UPDATE quarantine SET state = 'waived', state_at = $at, state_by = $by, state_reason = $why,"
            f" waived_until = $until::DATE WHERE {where}",
            {"at": clock.now(), "by": by.strip(), "why": why.strip(), "until": until},
        ).fetchone()
        mark(con, specs, days)
    return int(changed[0]) if changed else 0


def reopen_expired(con: duckdb.DuckDBPyConnection, settings: Settings, specs: Mapping[str, FeedSpec]) -> int:
    """Open the rows whose waiver is over, in a transaction of its own when there is one; their number. Each night
    begins with this, so that the state in the table is the truth for every count."""
    today = clock.now().date()
    where = EXPIRED.replace("$today", literal(today.isoformat()))
    days = _days(con, where)
    if not days:
        return 0
    with lake.write(con, settings, "waivers that are over"):
        changed = con.execute(
            "UPDATE quarantine SET state = 'open', state_at = $at, state_by = NULL,"
            " state_reason = 'the waiver of ' || state_by || ' ended: ' || state_reason, waived_until = NULL"
            f" WHERE {where}",
            {"at": clock.now()},
        ).fetchone()
        mark(con, specs, days)
    return int(changed[0]) if changed else 0


def mark(con: duckdb.DuckDBPyConnection, specs: Mapping[str, FeedSpec], days: Iterable[tuple[str, date]]) -> None:
    """Mark feeds' days whose counts of refused rows changed, in the caller's transaction. A feed without a spec has no
    indicators either."""
    at, mark_id = clock.now(), new_load_id()
    for feed, day in days:
        if feed in specs:
            con.execute(
                "INSERT INTO dirty_day (table_name, service_day, load_id, marked_at) VALUES ($table, $day, $id, $at)",
                {"table": specs[feed].table, "day": day, "id": mark_id, "at": at},
            )


def _days(con: duckdb.DuckDBPyConnection, where: str) -> list[tuple[str, date]]:
    return con.execute(f"SELECT DISTINCT feed, service_day FROM quarantine WHERE {where} ORDER BY ALL").fetchall()
