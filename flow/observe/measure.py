"""What only the warehouse can say for the metrics: read in one snapshot, kept in `<home>/metrics/warehouse.json`.

The feeds' own numbers come from their run summaries, which cost no query; this is read at the end of a stage.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import duckdb

from cityhub import clock
from cityhub.errors import HubError
from cityhub.settings import Settings
from warehouse import lake

DAYS = 40
LINE = ("feed", "platform", "service_day", "state", "expected_by", "last_day")
COUNTS = ("landed", "loaded", "duplicate", "quarantined", "inserted", "updated", "unchanged", "late", "flagged")
# each feed's newest day that is due or has brought something, and its last good one
DELIVERY = """
    WITH good AS (SELECT feed, max(service_day) AS last_day FROM delivery
        WHERE state IN ('loaded', 'checked', 'published', 'empty_confirmed') GROUP BY feed)
    SELECT d.feed, d.platform, d.service_day, d.state, d.expected_by, g.last_day
    FROM delivery AS d LEFT JOIN good AS g ON g.feed = d.feed
    WHERE d.service_day >= $since
    QUALIFY row_number() OVER (PARTITION BY d.feed
        ORDER BY d.state = 'expected' AND d.expected_by >= $now::TIMESTAMPTZ, d.service_day DESC) = 1
    ORDER BY d.feed
"""
ROWS = f"SELECT feed, {', '.join(f'sum({name})::BIGINT' for name in COUNTS)} FROM load_log GROUP BY feed ORDER BY feed"
QUARANTINE = "SELECT feed, count(*) FROM quarantine WHERE state = 'open' GROUP BY feed ORDER BY feed"
FINDINGS = "SELECT feed, origin, severity, count(*) FROM finding WHERE state = 'open' GROUP BY ALL ORDER BY ALL"
ISSUES = "SELECT department, kind, count(*) FROM issue WHERE state = 'open' GROUP BY ALL ORDER BY ALL"
CHECKS = """
    SELECT severity, count(*) FILTER (NOT success), count(*) FROM quality_result
    WHERE service_day = (SELECT max(service_day) FROM quality_result) GROUP BY severity ORDER BY severity
"""
SIZE = "SELECT count(*), sum(file_count)::BIGINT, sum(file_size_bytes + delete_file_size_bytes)::BIGINT"
LAKE = f"{SIZE}, (SELECT count(*) FROM ducklake_snapshots('lake')) FROM ducklake_table_info('lake')"


def read(settings: Settings) -> dict[str, Any] | None:
    """All numbers as one JSON object; None where there is no warehouse yet."""
    try:
        con = lake.connect(settings, read_only=True)
    except HubError:
        return None
    try:
        con.execute("BEGIN")
        return _read(con, clock.now())
    except duckdb.CatalogException:  # a lake that is older than the table that is asked
        return None
    finally:
        con.close()


def _read(con: duckdb.DuckDBPyConnection, now: datetime) -> dict[str, Any]:
    since = now.date() - timedelta(days=DAYS)
    tables, files, size, snapshots = con.execute(LAKE).fetchone() or (0, 0, 0, 0)
    return {
        "at": now,
        "feeds": [
            dict(zip(LINE, row, strict=True)) for row in con.execute(DELIVERY, {"since": since, "now": now}).fetchall()
        ],
        "rows": {feed: dict(zip(COUNTS, counts, strict=True)) for feed, *counts in con.execute(ROWS).fetchall()},
        "quarantine": dict(con.execute(QUARANTINE).fetchall()),
        "findings": con.execute(FINDINGS).fetchall(),
        "issues": con.execute(ISSUES).fetchall(),
        "checks": con.execute(CHECKS).fetchall(),
        "lake": {"tables": tables, "files": files or 0, "bytes": size or 0, "snapshots": snapshots},
    }
