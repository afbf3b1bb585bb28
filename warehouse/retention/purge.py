"""The bytes of deleted rows: out of the files that are read now, and out of those that only old snapshots name."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import duckdb

from cityhub import clock
from cityhub.settings import Settings
from warehouse import lake
from warehouse.maintain import KEEP_DAYS, ORPHAN_HOURS

# Any file with a deleted row is written anew without it.
REWRITE = "CALL ducklake_rewrite_data_files('lake', delete_threshold => 0)"


def bytes_until() -> datetime:
    """When the last bytes of rows deleted now are gone, given that `cityhub maintain` runs once a day."""
    return clock.now() + timedelta(days=KEEP_DAYS + 1, hours=ORPHAN_HOURS)


def purge(con: duckdb.DuckDBPyConnection, settings: Settings, *, at_once: bool) -> None:
    """Write files with deleted rows anew; `at_once` also lets go every older snapshot and its files, in an hour when
    nobody reads (`Retry` CH-LAKE-004 during a night): a reader that holds an older snapshot would lose its files."""
    if not at_once:
        with lake.write(con, settings, "retention: files without the deleted rows", run="retention"):
            con.execute(REWRITE).fetchall()
        return
    with lake.lock(settings, "nightly", timeout_s=1):
        for call in ("CALL ducklake_flush_inlined_data('lake')", REWRITE):
            with lake.write(con, settings, "retention: files without the deleted rows", run="retention"):
                con.execute(call).fetchall()
        with lake.lock(settings, "lake"):
            # the newest snapshot always stays
            con.execute("CALL ducklake_expire_snapshots('lake', older_than => now() + INTERVAL 1 HOUR)").fetchall()
            con.execute("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)").fetchall()
            con.execute("CALL ducklake_delete_orphaned_files('lake', older_than => now() + INTERVAL 1 HOUR)").fetchall()
            if not settings.catalog.startswith("postgres:"):
                _vacuum(settings)


def _vacuum(settings: Settings) -> None:
    """Free pages of an embedded catalog keep what stood there."""
    with closing(sqlite3.connect(settings.catalog, timeout=30, isolation_level=None)) as catalog:
        catalog.execute("VACUUM")
        catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
