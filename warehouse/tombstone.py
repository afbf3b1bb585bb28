"""Rows that say that they are gone (`deletes: tombstone`): they remove what is stored, and are remembered.

Remembered with their version, because deliveries come in any order: an older version of the row that comes later must
not bring it back, a newer one does. A tombstone counts as loaded: `updated` when it removed a row, else `unchanged`.
"""

from __future__ import annotations

from typing import Any

import duckdb

from cityhub import clock
from cityhub.spec.feed import FeedSpec
from warehouse.names import identifier, literal

TEMPORARY = ("hub_dead", "hub_live")
# What came later never gives way to what came earlier, as in the merge.
_LATER = "split_part({0}.load_id, '-', 1) > split_part($load_id, '-', 1)"


def condition(spec: FeedSpec, alias: str) -> str:
    """When a mapped row says that it is gone: any of the declared columns has one of its values."""
    tests = [
        f"coalesce(CAST({alias}.{identifier(name)} AS VARCHAR) IN ({', '.join(map(literal, values))}), false)"
        for name, values in spec.identity.tombstone.items()
    ]
    return "(" + " OR ".join(tests) + ")"


def apply(con: duckdb.DuckDBPyConnection, spec: FeedSpec, load_id: str, scope: str) -> list[tuple[Any, ...]]:
    """Take the tombstones out of `hub_good`, and the rows that a remembered one forbids; delete what they remove.

    Gives (verdict, service day, day of the removed row, rows, flagged) with the verdicts `removed`, `noted` and `same`
    (nothing was stored), `older` (superseded, forbidden). Inside the caller's write transaction; `scope` says where
    rows of these keys can stand.
    """
    table, values = identifier(spec.table), {"load_id": load_id}
    con.execute(
        "CREATE OR REPLACE TEMP TABLE hub_dead AS"
        f" SELECT g.__row AS r, {_key(spec, 'g')} AS key, g._version AS version, g.service_day,"
        f" t.service_day AS old_day, g._flags IS NOT NULL AS flagged, CASE WHEN NOT {condition(spec, 'g')}"
        f" THEN CASE WHEN d.version > g._version OR (d.version = g._version AND {_LATER.format('d')}) THEN 'older'"
        " WHEN d.key IS NOT NULL THEN 'revived' ELSE 'live' END"
        f" WHEN t.key IS NOT NULL AND (t.version > g._version OR (t.version = g._version AND {_LATER.format('t')}))"
        " THEN 'older' WHEN t.key IS NOT NULL THEN 'removed'"
        " WHEN d.version > g._version THEN 'older' WHEN d.version = g._version THEN 'same' ELSE 'noted' END AS verdict"
        " FROM temp.hub_good AS g"
        f" LEFT JOIN (SELECT {_key(spec, 's')} AS key, service_day, _version AS version, _load_id AS load_id"
        f" FROM {table} AS s WHERE {scope}) AS t ON t.key = {_key(spec, 'g')}"
        f" LEFT JOIN (SELECT * FROM tombstone WHERE feed = {literal(spec.feed)}) AS d ON d.key = {_key(spec, 'g')}",
        values,
    )
    found = con.execute(
        "SELECT verdict, service_day, old_day, count(*), count(*) FILTER (flagged) FROM temp.hub_dead"
        " WHERE verdict NOT IN ('live', 'revived') GROUP BY ALL"
    ).fetchall()
    if found:
        con.execute(
            "CREATE OR REPLACE TEMP TABLE hub_live AS SELECT * FROM temp.hub_good"
            " WHERE __row IN (SELECT r FROM temp.hub_dead WHERE verdict IN ('live', 'revived'))"
        )
        con.execute("CREATE OR REPLACE TEMP VIEW hub_good AS SELECT * FROM temp.hub_live")
    verdicts = {row[0] for row in found}
    if "removed" in verdicts:
        con.execute(
            f"DELETE FROM {table} AS s WHERE {scope}"
            f" AND {_key(spec, 's')} IN (SELECT key FROM temp.hub_dead WHERE verdict = 'removed')"
        )
    _remember(con, spec, load_id)
    return found


def _remember(con: duckdb.DuckDBPyConnection, spec: FeedSpec, load_id: str) -> None:
    touched = "SELECT key FROM temp.hub_dead WHERE verdict IN ('removed', 'noted', 'revived')"
    of_feed = f"feed = {literal(spec.feed)}"
    known = con.execute(f"SELECT count(*) FROM tombstone WHERE {of_feed} AND key IN ({touched})").fetchone()
    if known and known[0]:
        con.execute(f"DELETE FROM tombstone WHERE {of_feed} AND key IN ({touched})")
    new = con.execute("SELECT count(*) FROM temp.hub_dead WHERE verdict IN ('removed', 'noted')").fetchone()
    if new and new[0]:
        con.execute(
            "INSERT INTO tombstone (feed, key, version, service_day, load_id, noted_at)"
            f" SELECT {literal(spec.feed)}, key, version, service_day, $load_id, $at FROM temp.hub_dead"
            " WHERE verdict IN ('removed', 'noted')",
            {"load_id": load_id, "at": clock.now()},
        )


def _key(spec: FeedSpec, alias: str) -> str:
    texts = ", ".join(f"CAST({alias}.{identifier(name)} AS VARCHAR)" for name in spec.identity.key)
    return f"CAST(to_json([{texts}]) AS VARCHAR)"
