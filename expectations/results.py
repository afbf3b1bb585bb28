"""What a check found, and how it is kept: rows of `quality_result`, replaced by feed and day."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date

import duckdb

from cityhub import clock


@dataclass(frozen=True)
class QualityResult:
    """One check of one feed's day. `errored`: the check itself could not be run, which says nothing about the
    data. Values of rows are never kept: they may be personal."""

    feed: str
    service_day: date
    check_id: str
    check_kind: str
    column_name: str | None
    severity: str
    success: bool
    errored: bool
    observed: str | None
    expected: str | None
    unexpected_count: int | None
    element_count: int | None
    detail: str | None

    @property
    def holds(self) -> bool:
        """True when this result holds the feed's day."""
        return self.severity == "critical" and not self.success and not self.errored


_NAMES = [item.name for item in fields(QualityResult)]
_LIST = ", ".join(_NAMES)
_SELECT = f"SELECT {_LIST} FROM quality_result WHERE service_day = $day ORDER BY feed, check_id"
_TYPES = json.dumps(
    [
        dict.fromkeys(_NAMES, "VARCHAR")
        | {"service_day": "DATE", "success": "BOOLEAN", "errored": "BOOLEAN"}
        | {"unexpected_count": "BIGINT", "element_count": "BIGINT"}
    ]
)
_STAGE = f"""
CREATE OR REPLACE TEMP TABLE checked AS SELECT unnest(from_json($rows, '{_TYPES}'), recursive := true)
"""
_DELETE = """
DELETE FROM quality_result q
WHERE EXISTS (SELECT 1 FROM checked c WHERE c.feed = q.feed AND c.service_day = q.service_day)
"""
_INSERT = f"INSERT INTO quality_result ({_LIST}, run_at) SELECT {_LIST}, $now FROM checked ORDER BY feed, check_id"


def read(con: duckdb.DuckDBPyConnection, day: date) -> list[QualityResult]:
    """The stored results of a service day, by feed and check."""
    return [QualityResult(*row) for row in con.execute(_SELECT, {"day": day}).fetchall()]


def changed(stored: Iterable[QualityResult], new: Iterable[QualityResult]) -> list[QualityResult]:
    """The new results of those feeds whose stored results differ from them."""
    before, after = _by_feed(stored), _by_feed(new)
    return [item for feed, rows in after.items() if before.get(feed) != rows for item in rows]


def put(con: duckdb.DuckDBPyConnection, new: Iterable[QualityResult]) -> None:
    """Replace the results of these feeds and days, inside the caller's transaction."""
    rows = [asdict(item) | {"service_day": item.service_day.isoformat()} for item in new]
    con.execute(_STAGE, {"rows": json.dumps(rows, ensure_ascii=False)})
    con.execute(_DELETE)
    con.execute(_INSERT, {"now": clock.now()})


def _by_feed(results: Iterable[QualityResult]) -> dict[str, list[QualityResult]]:
    grouped: dict[str, list[QualityResult]] = {}
    for item in sorted(results, key=lambda found: (found.feed, found.check_id)):
        grouped.setdefault(item.feed, []).append(item)
    return grouped
