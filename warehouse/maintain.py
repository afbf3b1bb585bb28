"""Upkeep of the lake: small files merged, old snapshots let go, files that nothing refers to removed.

Every rule is from a reproduced failure. Never `cleanup_all`: it deletes the files of a write that has not
committed yet. Snapshots live at least a day: a reader that holds an older one would lose its files. Files go
only when they are older than any load can run. Small writes stay in the catalog unless the caller says that
nobody reads: flushing them took rows out of the snapshot of readers that were inside a transaction, silently.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from cityhub.errors import Stop, Usage
from cityhub.settings import Settings
from warehouse import lake, shadow

KEEP_DAYS = 7
# A file with deleted rows cannot be merged; the default rewrites only files that are 95 % deleted.
REWRITE = "CALL ducklake_rewrite_data_files('lake', delete_threshold => 0.1)"
ORPHAN_HOURS = 24


@dataclass(frozen=True)
class Upkeep:
    """What one run did: rows moved from catalog to files, files merged and made, snapshots and files gone."""

    rows_flushed: int
    files_merged: int
    files_made: int
    snapshots_expired: int
    files_removed: int


def maintain(settings: Settings, *, keep_days: int = KEEP_DAYS, flush: bool = False) -> Upkeep:
    """Compact the lake under its write lock; readers go on undisturbed. A second run finds nothing to do.

    Time travel reaches back `keep_days` (at least 1; less raises `Usage` CH-LAKE-006). `flush` moves small
    writes from the catalog into files, in an hour when nobody reads; `Retry` CH-LAKE-004 during a night.
    """
    if keep_days < 1:
        raise Usage("CH-LAKE-006", keep_days=keep_days)
    if shadow.borrowed(settings):
        raise Stop("CH-LAKE-007", home=str(settings.home))
    con = lake.connect(settings)
    try:
        flushed = []
        if flush:
            with lake.lock(settings, "nightly", timeout_s=1):
                flushed = _compact(con, settings, "CALL ducklake_flush_inlined_data('lake')")
        rewritten = _compact(con, settings, REWRITE)
        merged = _compact(con, settings, "CALL ducklake_merge_adjacent_files('lake')")
        with lake.lock(settings, "lake"):
            expired = _rows(
                con,
                f"CALL ducklake_expire_snapshots('lake', older_than => current_timestamp - INTERVAL {keep_days:d} DAY)",
            )
            age = f"older_than => current_timestamp - INTERVAL {ORPHAN_HOURS:d} HOUR"
            removed = _rows(con, f"CALL ducklake_cleanup_old_files('lake', {age})")
            removed += _rows(con, f"CALL ducklake_delete_orphaned_files('lake', {age})")
    finally:
        con.close()
    return Upkeep(
        rows_flushed=sum(row[2] for row in flushed),
        files_merged=sum(row[2] for row in (*rewritten, *merged)),
        files_made=sum(row[3] for row in (*rewritten, *merged)),
        snapshots_expired=len(expired),
        files_removed=len(removed),
    )


def _compact(con: duckdb.DuckDBPyConnection, settings: Settings, call: str) -> list[tuple[Any, ...]]:
    """One step in a write transaction of its own, because that one syncs the new files before it commits."""
    with lake.write(con, settings, "upkeep", run="maintain"):
        return _rows(con, call)


def _rows(con: duckdb.DuckDBPyConnection, call: str) -> list[tuple[Any, ...]]:
    return con.execute(call).fetchall()
