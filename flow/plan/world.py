"""Whether the warehouse is still the one that a plan was made on."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import date

import duckdb

from cityhub.settings import Settings
from warehouse import lake
from warehouse.names import literal

# Written by every load or night, and read by nothing that a plan computes.
APART = {
    "load_log", "feed_cursor", "finding", "issue", "retention_log", "publication", "prepared", "schema_version",
    "plan_applied", "restatement", "registry_history", "quality_result", "ducklake_settings",
}  # fmt: skip
BY_FEED = {"delivery": "feed", "quarantine": "feed", "dirty_day": "table_name"}
MOVING = ("insert", "delete", "created", "dropped", "altered")  # kinds of changes that move rows; compaction does not


@dataclass(frozen=True)
class Reads:
    """What a plan rests on: canonical tables, those of them that are read as they stand whatever the day, and the
    feeds that fill them."""

    tables: frozenset[str]
    registries: frozenset[str]
    feeds: frozenset[str]


def moved(settings: Settings, snapshot: int, *, reads: Reads, until: date | None) -> list[str]:
    """What has changed since a snapshot that may concern a plan, in words; none when the plan still holds.

    `until` is the last day that it computes: rows of later days, which come in all the time, change nothing of it.
    """
    with closing(lake.connect(settings, read_only=True)) as con:
        known = {row[0] for row in con.execute("SELECT snapshot_id FROM ducklake_snapshots('lake')").fetchall()}
        if snapshot not in known:
            return [f"snapshot {snapshot} is not kept any more"]
        newest = max(known)
        if newest == snapshot:
            return []
        found = []
        for table in sorted(_written(con, snapshot) - APART):
            feed = f"ducklake_table_changes('lake', 'main', {literal(table)}, {snapshot + 1:d}, {newest:d})"
            if table in BY_FEED:
                mine = reads.tables if table == "dirty_day" else reads.feeds
                listed = ", ".join(literal(name) for name in sorted(mine)) or "NULL"
                where = f"{BY_FEED[table]} IN ({listed}){_until(until)}"
            elif table in reads.tables:
                where = "true" if table in reads.registries else f"true{_until(until)}"
            elif table in _canonical(con):
                continue
            else:
                where = "true"
            row = con.execute(f"SELECT count(*) FROM {feed} WHERE {where}").fetchone()
            if row and row[0]:
                found.append(f"{table}: {row[0]} rows")
        return found


def _until(until: date | None) -> str:
    return "" if until is None else f" AND service_day <= DATE '{until}'"


def _canonical(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Tables of feeds: those that carry a load id of their own."""
    return {
        row[0]
        for row in con.execute(
            "SELECT table_name FROM duckdb_columns() WHERE database_name = 'lake' AND column_name = '_received_at'"
        ).fetchall()
    }


def _written(con: duckdb.DuckDBPyConnection, snapshot: int) -> set[str]:
    """Tables that were written since a snapshot; files merged or moved are no writing."""
    numbers: set[int] = set()
    rows = con.execute(f"SELECT changes FROM ducklake_snapshots('lake') WHERE snapshot_id > {snapshot:d}").fetchall()
    for (changes,) in rows:
        for kind, items in changes.items():
            if any(word in kind for word in MOVING):
                numbers |= {int(item) for item in items if str(item).isdigit()}
    known = con.execute("SELECT table_id, table_name FROM ducklake_table_info('lake')").fetchall()
    return {name for number, name in known if number in numbers}
