"""Staged rows into the canonical table, inside the caller's transaction: newest version of each key, once.

DuckLake has no keys: rows are matched on the natural key here, and a check of the touched days ends the merge.
A row's order among its versions is (`_version`, time of the delivery): what came later never gives way to what came
earlier. The time is that in the load id; deliveries of the same millisecond count in the order of their loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import duckdb

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from warehouse.compile import data_columns, stage_columns
from warehouse.geometry import unit_by_point_sql
from warehouse.names import identifier, identifiers
from warehouse.tombstone import apply as apply_tombstones

MANY_DAYS = 40
# Hashes of keys that stand more than once in the staged delivery.
_TWICE = "SELECT __hash FROM temp.hub_stage WHERE __bad IS NULL GROUP BY __hash HAVING count(*) > 1"


@dataclass
class Merged:
    """Counts of rows; `days` are the service days whose rows changed."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0  # in the delivery itself: identical rows and superseded versions
    older: int = 0  # than the row that is stored
    late: int = 0
    flagged: int = 0
    closed: int = 0
    days: set[date] = field(default_factory=set)


@dataclass(frozen=True)
class Stamp:
    """What the load writes beside the data."""

    load_id: str
    received: str
    day: date


def select_good(con: duckdb.DuckDBPyConnection, spec: FeedSpec) -> int:
    """Make `hub_good`: staged rows without fault, the newest of each key; the number of others of the same key.

    Reads the cell grid of the units where the spec attributes by point; outside the write lock, since it
    writes nothing to the lake.
    """
    keys = identifiers(spec.identity.key)
    counted = con.execute(
        "SELECT count(*), count(DISTINCT __hash) FROM temp.hub_stage WHERE __bad IS NULL"
    ).fetchone() or (0, 0)
    repeated, where = 0, "__bad IS NULL"
    if counted[0] != counted[1]:  # never the case without repeats; a hash collision alone changes nothing below
        con.execute(
            "CREATE OR REPLACE TEMP TABLE hub_loser AS SELECT rowid AS r FROM temp.hub_stage WHERE __bad IS NULL AND"
            f" __hash IN ({_TWICE})"
            f" QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY _version DESC, rowid DESC) > 1"
        )
        repeated = _count(con, "SELECT count(*) FROM temp.hub_loser")
        where += " AND rowid NOT IN (SELECT r FROM temp.hub_loser)"
    if spec.unit.by == "point":
        rows = f"(SELECT * EXCLUDE (unit_code), rowid AS __row FROM temp.hub_stage WHERE {where})"
        select = unit_by_point_sql(rows, "lon_wgs84", "lat_wgs84")
        con.execute(f"CREATE OR REPLACE TEMP TABLE hub_located AS {select}")
        con.execute("CREATE OR REPLACE TEMP VIEW hub_good AS SELECT * FROM temp.hub_located")
    else:
        rows = f"SELECT *, rowid AS __row FROM temp.hub_stage WHERE {where}"
        try:
            con.execute(f"CREATE OR REPLACE TEMP VIEW hub_good AS {_with_parent(spec, rows)}")
        except duckdb.CatalogException as error:  # the parent's table is not there yet
            raise Stop("CH-LOAD-007", feed=spec.feed, detail=str(error).splitlines()[0]) from error
    return repeated


def conflicting(con: duckdb.DuckDBPyConnection, spec: FeedSpec) -> int:
    """Keys of the delivery that stand in several good rows which differ: the newest is kept, but somebody disagrees.
    For deliveries in which `select_good` found repeats."""
    keys, columns = identifiers(spec.identity.key), identifiers(data_columns(spec))
    return _count(
        con,
        f"SELECT count(*) FROM (SELECT 1 FROM temp.hub_stage WHERE __bad IS NULL AND __hash IN ({_TWICE})"
        f" GROUP BY {keys} HAVING count(DISTINCT hash({columns})) > 1)",
    )


def _with_parent(spec: FeedSpec, rows: str) -> str:
    """Rows with the unit of their parent, where the spec looks it up. A join while rows are read would mix their
    order, on which the newest of equal versions and the place of a refused row depend."""
    if spec.unit.by != "lookup":
        return rows
    key, own = identifier(spec.unit.key or ""), identifier(spec.unit.field or "")
    return (
        f"SELECT s.* REPLACE (parent.unit_code AS unit_code) FROM ({rows}) AS s"
        f" LEFT JOIN (SELECT CAST({key} AS VARCHAR) AS key, arg_max(unit_code, _version) AS unit_code"
        f" FROM lake.{identifier(spec.unit.table or '')} GROUP BY ALL) AS parent"
        f" ON parent.key = CAST(s.{own} AS VARCHAR)"
    )


def merge(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, stamp: Stamp, repeated: int, *, stale: bool, full: bool
) -> Merged:
    """Merge `hub_good`. `stale`: a newer delivery of a feed without day and version is stored already, so that
    keys it knows stay. `full`: every key is in this delivery, so that one which it lacks is closed.
    """
    merged = Merged(repeated=repeated)
    days = [row[0] for row in con.execute("SELECT DISTINCT service_day FROM temp.hub_good ORDER BY 1").fetchall()]
    scope = _scope(spec, days)
    table = identifier(spec.table)
    if spec.identity.deletes == "tombstone":
        _bury(con, spec, stamp, merged, scope)
    if _count(con, f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {scope} LIMIT 1)"):
        _judge(con, spec, stamp, scope, stale=stale)
        _write_judged(con, spec, stamp, merged, scope)
        if full:
            _close_missing(con, spec, stamp, merged)
        if merged.days:
            _check_keys(con, spec, _scope(spec, sorted(merged.days)))
    else:  # nothing stands there, and the keys of `hub_good` are distinct: nothing can stand twice
        _write_all(con, spec, stamp, merged)
    return merged


def _bury(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stamp: Stamp, merged: Merged, scope: str) -> None:
    for verdict, day, old_day, rows, flagged in apply_tombstones(con, spec, stamp.load_id, scope):
        if verdict == "older":
            merged.older += rows
            continue
        merged.flagged += flagged
        merged.late += rows if day != stamp.day else 0
        if verdict == "removed":
            merged.updated += rows
            merged.closed += rows
            merged.days.add(old_day if spec.identity.day_from is not None else stamp.day)
        else:
            merged.unchanged += rows


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = con.execute(sql).fetchone()
    return int(found[0]) if found else 0


def _scope(spec: FeedSpec, days: list[date]) -> str:
    """Where rows of these keys can stand: in their own days if the key holds the time, else anywhere."""
    if not days:
        return "true"
    if spec.identity.day_from not in spec.identity.key:
        return "true"
    if len(days) > MANY_DAYS:
        return f"service_day BETWEEN DATE '{days[0]}' AND DATE '{days[-1]}'"
    return "service_day IN (" + ", ".join(f"DATE '{day}'" for day in days) + ")"


def _columns(spec: FeedSpec) -> tuple[str, str]:
    """The target's column list and the matching expressions over a source `s`."""
    names = stage_columns(spec)
    target = identifiers([*names, "_load_id", "_received_at"])
    values = ", ".join(f"s.{identifier(name)}" for name in names)
    return target, f"{values}, $load_id, $received::TIMESTAMPTZ"


def _stamp(stamp: Stamp) -> dict[str, str]:
    return {"load_id": stamp.load_id, "received": stamp.received}


def _write_all(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stamp: Stamp, merged: Merged) -> None:
    found = con.execute(
        "SELECT service_day, count(*), count(_flags) FROM temp.hub_good GROUP BY service_day"
    ).fetchall()
    for day, rows, flagged in found:
        merged.inserted += rows
        merged.flagged += flagged
        merged.late += rows if day != stamp.day else 0
        merged.days.add(day)
    if found:
        _insert(con, spec, stamp, "temp.hub_good")


def _insert(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stamp: Stamp, source: str) -> None:
    """Write rows in any order, which takes a fifth less time: a table has none, readers sort by what they name."""
    target, values = _columns(spec)
    con.execute("SET preserve_insertion_order = false")
    try:
        con.execute(
            f"INSERT INTO {identifier(spec.table)} ({target}) SELECT {values} FROM {source} AS s", _stamp(stamp)
        )
    finally:
        con.execute("RESET preserve_insertion_order")


def _judge(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stamp: Stamp, scope: str, *, stale: bool) -> None:
    """Make `hub_verdict`: for each good row whether it is new, changed, the same, or older than what is stored."""
    keys = " AND ".join(f"t.{identifier(name)} = s.{identifier(name)}" for name in spec.identity.key)
    first = f"t.{identifier(spec.identity.key[0])}"
    names = data_columns(spec)
    differs = " OR ".join(f"t.{identifier(name)} IS DISTINCT FROM s.{identifier(name)}" for name in names)
    later = "split_part(t._load_id, '-', 1) > split_part($load_id, '-', 1)"
    older = "true" if stale else f"t._version > s._version OR (t._version = s._version AND {later})"
    columns = identifiers(list(dict.fromkeys([*names, "service_day", "_version", "_load_id"])))
    # A stale full delivery knows no key that has been closed since.
    unknown = "older" if stale and spec.identity.deletes == "full_compare" else "new"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE hub_verdict AS SELECT s.__row AS r, s.service_day,"
        f" s._flags IS NOT NULL AS flagged, t.service_day AS old_day, CASE WHEN {first} IS NULL THEN '{unknown}'"
        f" WHEN NOT ({differs}) THEN 'same' WHEN {older} THEN 'older' ELSE 'changed' END AS verdict"
        " FROM temp.hub_good AS s"
        f" LEFT JOIN (SELECT {columns} FROM {identifier(spec.table)} WHERE {scope}) AS t ON {keys}",
        {} if stale else {"load_id": stamp.load_id},
    )


def _write_judged(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stamp: Stamp, merged: Merged, scope: str) -> None:
    counts = con.execute(
        "SELECT verdict, service_day, old_day, count(*), count(*) FILTER (flagged) FROM temp.hub_verdict GROUP BY ALL"
    ).fetchall()
    for verdict, day, old_day, rows, flagged in counts:
        if verdict == "older":
            merged.older += rows
            continue
        merged.flagged += flagged
        merged.late += rows if day != stamp.day else 0
        if verdict == "same":
            merged.unchanged += rows
            continue
        merged.days.add(day)
        if verdict == "new":
            merged.inserted += rows
        else:
            merged.updated += rows
            if spec.identity.day_from is not None:
                merged.days.add(old_day)
    table, (target, values) = identifier(spec.table), _columns(spec)
    source = (
        "(SELECT g.* FROM temp.hub_good AS g INNER JOIN temp.hub_verdict AS v ON v.r = g.__row"
        " WHERE v.verdict IN ('new', 'changed'))"
    )
    if merged.updated:
        keys = " AND ".join(f"t.{identifier(name)} = s.{identifier(name)}" for name in spec.identity.key)
        names = stage_columns(spec)
        sets = ", ".join(f"{identifier(name)} = s.{identifier(name)}" for name in names)
        where = "" if scope == "true" else f" AND t.{scope}"
        con.execute(
            f"MERGE INTO {table} AS t USING {source} AS s ON {keys}{where}"
            f" WHEN MATCHED THEN UPDATE SET {sets}, _load_id = $load_id, _received_at = $received::TIMESTAMPTZ"
            f" WHEN NOT MATCHED THEN INSERT ({target}) VALUES ({values})",
            _stamp(stamp),
        )
    elif merged.inserted:
        _insert(con, spec, stamp, source)


def _close_missing(con: duckdb.DuckDBPyConnection, spec: FeedSpec, stamp: Stamp, merged: Merged) -> None:
    """Delete stored rows whose key the full delivery lacks; a key that stands in a refused row is not lacking."""
    table = identifier(spec.table)
    keys = " AND ".join(f"s.{identifier(name)} = t.{identifier(name)}" for name in spec.identity.key)
    gone = f"NOT EXISTS (SELECT 1 FROM temp.hub_stage AS s WHERE {keys})"
    if spec.identity.day_from is not None:
        gone += f" AND t.service_day = DATE '{stamp.day}'"
    merged.closed = _count(con, f"SELECT count(*) FROM {table} AS t WHERE {gone}")
    if merged.closed:
        con.execute(f"DELETE FROM {table} AS t WHERE {gone}")
        merged.days.add(stamp.day)


def _check_keys(con: duckdb.DuckDBPyConnection, spec: FeedSpec, scope: str) -> None:
    """Raise `Stop` CH-LOAD-005, which rolls all back, when a key of the touched days stands twice."""
    table, keys = identifier(spec.table), identifiers(spec.identity.key)
    counted = con.execute(f"SELECT count(*), count(DISTINCT hash({keys})) FROM {table} WHERE {scope}").fetchone()
    if counted and counted[0] == counted[1]:
        return
    twice = _count(
        con,
        f"SELECT count(*) FROM (SELECT {keys} FROM {table} WHERE {scope} GROUP BY ALL HAVING count(*) > 1)",
    )
    if twice:
        raise Stop("CH-LOAD-005", feed=spec.feed, table=spec.table, keys=twice, key=", ".join(spec.identity.key))
