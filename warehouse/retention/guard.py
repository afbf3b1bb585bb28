"""What retention never takes: days of months whose scores are not final, and what the next months look back on.

A month is settled when its newest publication is final or corrected, or when it is over and nothing of it was ever
scored. Its publication holds the figures behind each score, so the rows may go; before that they are the evidence.
"""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from cityhub.clock import month_of

# Cases reported in one month and closed in the next, rolling means: a month's indicators look back so far.
LOOK_BACK_DAYS = 62


def unsettled(con: duckdb.DuckDBPyConnection, first: date, last: date) -> str | None:
    """The earliest month between two days that still needs its rows; None when there is none."""
    newest = dict(con.execute("SELECT period, arg_max(status, number) FROM publication GROUP BY period").fetchall())
    scored = {row[0] for row in con.execute("SELECT DISTINCT period FROM score").fetchall()}
    day = first.replace(day=1)
    while day <= last:
        month = month_of(day)
        if newest.get(month) not in {"final", "corrected"} and (month in newest or month in scored):
            return month
        day = (day + timedelta(days=32)).replace(day=1)
    return None


def limit(today: date, keep_days: int, *, looks_back: bool) -> date:
    """The first service day that stays by a spec's number of days."""
    kept = max(keep_days, LOOK_BACK_DAYS) if looks_back else keep_days
    return min(today - timedelta(days=kept), today.replace(day=1))  # the running month stays whole
