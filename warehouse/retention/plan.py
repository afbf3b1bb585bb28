"""What a retention run would delete: by feed and kind, with what holds it back. Looks only, writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import duckdb

from cityhub import clock
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse.names import identifier, literal
from warehouse.retention import guard, raw

What = Literal["raw", "detail", "quarantine", "aggregate"]
AGGREGATES = ("hour", "day")


@dataclass(frozen=True)
class Item:
    """One kind of things of one feed. All of service days before `before_day` goes: `rows` rows, or `files` files of
    `bytes` bytes, of `days` days. `held_back`: what keeps older days than the spec would, and why."""

    feed: str
    what: What
    before_day: date
    days: int
    rows: int
    files: int = 0
    bytes: int = 0
    held_back: str | None = None


def plan(
    con: duckdb.DuckDBPyConnection, settings: Settings, specs: Mapping[str, FeedSpec], feed: str | None = None
) -> list[Item]:
    """What would go now, for all feeds or one; kinds with nothing to delete and nothing held back are left out."""
    today = clock.now().date()
    found: list[Item] = []
    for name, spec in sorted(specs.items()):
        if feed is None or name == feed:
            found += _of_feed(con, settings, spec, specs, today)
    return [item for item in found if item.days or item.held_back]


def _of_feed(
    con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, specs: Mapping[str, FeedSpec], today: date
) -> list[Item]:
    keep, found = spec.retention, []
    if keep.raw_days is not None:
        found.append(_raw(con, settings, spec, guard.limit(today, keep.raw_days, looks_back=False)))
    if keep.detail_days is not None:
        before = guard.limit(today, keep.detail_days, looks_back=True)
        if spec.identity.day_from is not None:  # a register's rows are what is true today, however old
            found.append(_rows(con, spec, "detail", before, specs))
        found.append(_rows(con, spec, "quarantine", before, specs))
    if keep.aggregate_days is not None:
        found.append(_rows(con, spec, "aggregate", guard.limit(today, keep.aggregate_days, looks_back=False), specs))
    return found


def _raw(con: duckdb.DuckDBPyConnection, settings: Settings, spec: FeedSpec, before: date) -> Item:
    days = raw.days(settings, spec.feed)
    cut, why = _cut(con, [day for day in days if day < before], before)
    waiting = next((day for day in days if day < cut and raw.waits(con, settings, spec.feed, day)), None)
    if waiting is not None:
        cut, why = waiting, f"a delivery of {waiting} is not loaded"
    going = [day for day in days if day < cut]
    files, size = raw.size(settings, spec.feed, going)
    return Item(spec.feed, "raw", cut, len(going), 0, files, size, why)


def _rows(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, what: What, before: date, specs: Mapping[str, FeedSpec]
) -> Item:
    chosen = where(con, spec, what, specs)
    if chosen is None:
        return Item(spec.feed, what, before, 0, 0)
    table, day, condition = chosen
    sql = f"SELECT {day} AS d, count(*) FROM {table} WHERE {condition} AND {day} < {literal(before.isoformat())}::DATE"
    counts = dict(con.execute(f"{sql} GROUP BY d ORDER BY d").fetchall())
    cut, why = _cut(con, list(counts), before)
    going = {found: rows for found, rows in counts.items() if found < cut}
    return Item(spec.feed, what, cut, len(going), sum(going.values()), held_back=why)


def _cut(con: duckdb.DuckDBPyConnection, days: Iterable[date], before: date) -> tuple[date, str | None]:
    found = sorted(days)
    month = guard.unsettled(con, found[0], found[-1]) if found else None
    if month is None:
        return before, None
    return min(before, date.fromisoformat(f"{month}-01")), f"the scores of {month} are not final"


def where(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, what: What, specs: Mapping[str, FeedSpec]
) -> tuple[str, str, str] | None:
    """Table, expression of the service day and condition of a feed's rows of a kind; None where there is no table.

    A table that several feeds fill is cut by the loads that wrote its rows. An indicator that other feeds feed too
    goes only when all of them say so: then the longest of their times counts.
    """
    if what == "quarantine":
        return "quarantine", "service_day", f"feed = {literal(spec.feed)}"
    if what == "detail":
        if not _exists(con, spec.table):
            return None
        shared = [other.feed for other in specs.values() if other.table == spec.table and other.feed != spec.feed]
        own = f"_load_id IN (SELECT load_id FROM load_log WHERE feed = {literal(spec.feed)})" if shared else "true"
        return identifier(spec.table), "service_day", own
    codes = _codes(con, spec, specs)
    if not codes:
        return None
    listed, kinds = ", ".join(map(literal, codes)), ", ".join(map(literal, AGGREGATES))
    day = "TRY_CAST(left(period, 10) AS DATE)"
    return "indicator_value", day, f"code IN ({listed}) AND period_kind IN ({kinds})"


def _codes(con: duckdb.DuckDBPyConnection, spec: FeedSpec, specs: Mapping[str, FeedSpec]) -> list[str]:
    """Indicators made from the feed whose other feeds keep their aggregates no longer than this one does."""
    ours = spec.retention.aggregate_days or 0
    longer = {
        other.table
        for other in specs.values()
        if other.retention.aggregate_days is None or other.retention.aggregate_days > ours
    } - {spec.table}
    found = con.execute("SELECT code, tables FROM indicator WHERE tables IS NOT NULL").fetchall()
    uses = {code: {name.strip(' "[]') for name in str(tables).split(",")} for code, tables in found}
    return sorted(code for code, tables in uses.items() if spec.table in tables and not tables & longer)


def _exists(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    found = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'lake' AND table_name = $name", {"name": table}
    )
    return found.fetchone() is not None
