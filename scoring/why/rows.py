"""The rows behind a difference: what came, changed or went between two snapshots, and the bytes it came in."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake
from warehouse.between import both, columns_of, differing
from warehouse.landing import MANIFEST, read_manifest
from warehouse.names import identifiers, literal
from warehouse.query import jsonable

Tree = dict[str, Any]
_LOADS = """
SELECT load_id, feed, service_day, landed, inserted, updated, quarantined, late, landing_folder, spec_sha256,
       content_sha256, finished_at
FROM load_log WHERE feed IN ({feeds}) AND finished_at > $first AND finished_at <= $last ORDER BY finished_at, load_id
"""
_RESTATED = """
SELECT restated_at, plan, code, unit_code, period, old_value, new_value, cause, load_ids FROM restatement
WHERE code IN ({codes}) AND restated_at > $first AND restated_at <= $last ORDER BY restated_at, code, unit_code, period
"""


def changed(
    settings: Settings, spec: FeedSpec, window: tuple[int, int], *, units: set[str], days: set[str], limit: int
) -> Tree:
    """Rows of a feed's table that differ between two snapshots: totals and the first `limit` with old → new.

    `units`: of these units, all where empty; `days`: of these service days, all where empty.
    """
    table, key = spec.table, tuple(spec.identity.key)
    with both(settings, window[0], settings, window[1]) as con:
        names = dict.fromkeys([*columns_of(con, "before", table), *columns_of(con, "after", table)])
        values = tuple(name for name in names if name not in {"_load_id", "_received_at"})
        if not values:
            return {
                "table": table,
                "feed": spec.feed,
                "inserted": 0,
                "changed": 0,
                "removed": 0,
                "rows": [],
                "loads": [],
            }
        select = differing(
            con, table, key=key, columns=values, shown=("_load_id",), snapshot=window[0], newest=window[1]
        )
        where = " AND ".join([_either("unit_code", units), _either("service_day", days)])
        con.execute(f"CREATE OR REPLACE TEMP TABLE moved AS SELECT * FROM ({select}) WHERE {where}")
        counts = dict(con.execute("SELECT what, count(*) FROM temp.moved GROUP BY what").fetchall())
        loads = [
            row[0]
            for row in con.execute(
                "SELECT DISTINCT coalesce(new._load_id, old._load_id) AS l FROM temp.moved ORDER BY l"
            ).fetchall()
        ]
        order = "CASE what WHEN 'changed' THEN 0 WHEN 'removed' THEN 1 ELSE 2 END"
        found = con.execute(f"SELECT * FROM temp.moved ORDER BY {order}, {identifiers(key)} LIMIT {limit:d}").fetchall()
    rows = [_row(what, dict(zip(key, own, strict=True)), old, new, values) for what, *own, old, new in found]
    numbers = {name: counts.get(name, 0) for name in ("inserted", "changed", "removed")}
    return {"table": table, "feed": spec.feed, **numbers, "rows": rows, "loads": loads}


def _either(column: str, wanted: Iterable[str]) -> str:
    listed = ", ".join(literal(item) for item in sorted(wanted))
    if not listed:
        return "true"
    return f"(CAST(old.{column} AS VARCHAR) IN ({listed}) OR CAST(new.{column} AS VARCHAR) IN ({listed}))"


def _row(what: str, key: Tree, old: Tree, new: Tree, values: tuple[str, ...]) -> Tree:
    shown = [name for name in values if name not in key and (what != "changed" or old[name] != new[name])]
    return {
        "what": what,
        "key": {name: jsonable(value) for name, value in key.items()},
        "before": None if what == "inserted" else {name: jsonable(old[name]) for name in shown},
        "after": None if what == "removed" else {name: jsonable(new[name]) for name in shown},
        "load_id": (old if what == "removed" else new)["_load_id"],
    }


def quarantine(settings: Settings, feeds: set[str], window: tuple[int, int], days: set[str]) -> list[Tree]:
    """Refused rows that came, went or changed their state between two snapshots, by feed, day and reason."""
    said = ("feed", "service_day", "reason", "field", "load_id")
    with both(settings, window[0], settings, window[1]) as con:
        select = differing(
            con, "quarantine", key=("id",), columns=("state",), shown=said, snapshot=window[0], newest=window[1]
        )
        listed = ", ".join(literal(feed) for feed in sorted(feeds)) or "NULL"
        found = con.execute(
            "SELECT coalesce(new.feed, old.feed) AS feed, coalesce(new.service_day, old.service_day) AS service_day,"
            " coalesce(new.reason, old.reason) AS reason, coalesce(new.field, old.field) AS field,"
            f" old.state, new.state, count(*) FROM ({select}) GROUP BY ALL HAVING feed IN ({listed}) ORDER BY ALL"
        ).fetchall()
    names = ("feed", "service_day", "reason", "field", "before", "after", "rows")
    rows = [dict(zip(names, (jsonable(value) for value in row), strict=True)) for row in found]
    return [row for row in rows if not days or row["service_day"] in days]


def history(settings: Settings, feeds: set[str], codes: set[str], first: datetime, last: datetime) -> Tree:
    """What the lake's own records say of the time between: loads with their landed files, and numbers restated."""
    window = {"first": first, "last": last}
    with closing(lake.connect(settings, read_only=True)) as con:
        loads = _asked(con, _LOADS.format(feeds=_listed(feeds)), window)
        restated = _asked(con, _RESTATED.format(codes=_listed(codes)), window)
    return {"loads": [load | {"files": _files(load["landing_folder"])} for load in loads], "restated": restated}


def _listed(names: set[str]) -> str:
    return ", ".join(literal(name) for name in sorted(names)) or "NULL"


def _asked(con: duckdb.DuckDBPyConnection, sql: str, values: dict[str, datetime]) -> list[Tree]:
    cursor = con.execute(sql, values)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, (jsonable(value) for value in row), strict=True)) for row in cursor.fetchall()]


def _files(folder: str | None) -> list[Tree]:
    """The landed bodies of a delivery; none when retention has removed them."""
    if folder is None or not (Path(folder) / MANIFEST).is_file():
        return []
    return [{"file": part.file, "sha256": part.sha256} for part in read_manifest(Path(folder)).parts]
