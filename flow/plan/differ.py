"""What is different after a change: rows, quarantine, ledger, checks, indicators, scores and ranks, A → B.

Two states of a lake are compared: `before` (a snapshot of the real one) and `after` (the shadow, or the real one after
it was applied). DuckLake's change feed names the keys that were touched, so only those rows are read. Moments of
writing, load ids and traces are no differences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow.plan.judge import corrections
from warehouse.between import both, columns_of, differing
from warehouse.names import identifier, identifiers
from warehouse.query import jsonable

SAMPLE = 20
Row = dict[str, Any]
Differences = dict[str, list[Row]]


@dataclass(frozen=True)
class Watched:
    """A table of the hub: its key, what of it counts, and what only describes the row."""

    key: tuple[str, ...]
    values: tuple[str, ...]
    said: tuple[str, ...] = ()


WATCHED = {
    "delivery": Watched(
        ("feed", "service_day"),
        ("state", "landed", "loaded", "duplicate", "quarantined", "content_sha256", "spec_sha256", "error_code"),
        ("platform",),
    ),
    "quarantine": Watched(("id",), ("state",), ("feed", "service_day", "reason", "field", "natural_key")),
    "quality_result": Watched(("feed", "service_day", "check_id"), ("success", "errored"), ("severity",)),
    "indicator_value": Watched(
        ("code", "unit_code", "period_kind", "period"),
        ("numerator", "denominator", "value", "coverage", "state", "reason", "quarantined"),
    ),
    "score": Watched(("scheme", "period", "unit_code", "component"), ("weight", "value", "points", "state", "source")),
    "ranking": Watched(
        ("scheme", "period", "league", "unit_code"), ("score", "rank", "grade", "state", "reason"), ("unit_name",)
    ),
}


def differences(before: Settings, snapshot: int, after: Settings, specs: Mapping[str, FeedSpec]) -> Differences:
    """All differences, by part: rows, quarantine, ledger, checks, indicators, scores, ranking, publications."""
    with both(before, snapshot, after) as con:
        newest = _one(con, "SELECT id FROM ducklake_current_snapshot('after')")
        touched = _touched(con, snapshot)
        found = {
            name: list(_watched(con, name, watched, snapshot, newest)) if name in touched else []
            for name, watched in WATCHED.items()
        }
        rows = [
            _table(con, spec, snapshot, newest)
            for spec in sorted(specs.values(), key=lambda spec: spec.table)
            if spec.table in touched
        ]
        names = dict(con.execute("SELECT unit_code, name_zh FROM after.main.unit").fetchall())
        titles = dict(con.execute("SELECT code, title_zh FROM after.main.indicator").fetchall())
    for row in (*found["indicator_value"], *found["score"]):
        row["unit_name"] = names.get(row["unit_code"])
    for row in found["indicator_value"]:
        row["title"] = titles.get(row["code"])
    made = {
        "rows": [row for row in rows if row["inserted"] + row["changed"] + row["removed"]],
        "quarantine": _grouped(found["quarantine"]),
        "ledger": found["delivery"],
        "checks": found["quality_result"],
        "indicators": [row for row in found["indicator_value"] if row["period_kind"] != "hour"],
        "hours": _hours(found["indicator_value"]),
        "scores": found["score"],
        "ranking": found["ranking"],
    }
    months = {row["period"][:7] for part in ("indicators", "scores", "ranking") for row in made[part]}
    return made | {"publications": corrections(before.publications, months)}


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _touched(con: duckdb.DuckDBPyConnection, snapshot: int) -> set[str]:
    """Tables of `after` whose rows were written since a snapshot."""
    numbers: set[int] = set()
    names: set[str] = set()
    for (changes,) in con.execute(f"SELECT changes FROM ducklake_snapshots('after') WHERE snapshot_id > {snapshot:d}"
    ).fetchall():  # fmt: skip
        for items in changes.values():
            numbers |= {int(item) for item in items if str(item).isdigit()}
            names |= {str(item).split(".")[-1].strip('"') for item in items if not str(item).isdigit()}
    known = con.execute("SELECT table_id, table_name FROM ducklake_table_info('after')").fetchall()
    return {name for number, name in known if number in numbers or name in names}


def _watched(con: duckdb.DuckDBPyConnection, table: str, watched: Watched, snapshot: int, newest: int) -> Iterator[Row]:
    """Rows of a hub table that differ: key, words, `before` and `after` (None where there is none)."""
    if not columns_of(con, "before", table):
        return
    select = differing(
        con, table, key=watched.key, columns=watched.values, shown=watched.said, snapshot=snapshot, newest=newest
    )
    for what, *values in con.execute(f"{select} ORDER BY {identifiers(watched.key)}").fetchall():
        *key, old, new = values
        row = {name: jsonable(value) for name, value in zip(watched.key, key, strict=True)}
        row |= {name: jsonable((old if what == "removed" else new)[name]) for name in watched.said}
        row["before"] = None if what == "inserted" else {name: jsonable(old[name]) for name in watched.values}
        row["after"] = None if what == "removed" else {name: jsonable(new[name]) for name in watched.values}
        yield row


def _table(con: duckdb.DuckDBPyConnection, spec: FeedSpec, snapshot: int, newest: int) -> Row:
    """Counts, a digest over all differing rows, and the first of them, of one canonical table."""
    names = dict.fromkeys([*columns_of(con, "before", spec.table), *columns_of(con, "after", spec.table)])
    values = tuple(name for name in names if name not in {"_load_id", "_received_at"})
    key = tuple(spec.identity.key)
    select = differing(con, spec.table, key=key, columns=values, shown=("_load_id",), snapshot=snapshot, newest=newest)
    con.execute(f"CREATE OR REPLACE TEMP TABLE differing AS {select}")
    packed = ", ".join(f"{side}.{identifier(name)}" for side in ("old", "new") for name in values)
    counted = con.execute(
        "SELECT count(*) FILTER (what = 'inserted'), count(*) FILTER (what = 'changed'),"
        f" count(*) FILTER (what = 'removed'), CAST(bit_xor(hash(what, {packed})) AS VARCHAR),"
        " list(DISTINCT CAST(coalesce(new.service_day, old.service_day) AS VARCHAR)"
        " ORDER BY CAST(coalesce(new.service_day, old.service_day) AS VARCHAR)) FROM temp.differing"
    ).fetchone() or (0, 0, 0, None, [])
    sample = []
    for what, *rest in con.execute(
        f"SELECT * FROM temp.differing ORDER BY {identifiers(key)} LIMIT {SAMPLE:d}"
    ).fetchall():
        *own, old, new = rest
        changed = [n for n in values if what == "changed" and old[n] != new[n]]
        shown = changed or [n for n in values if (new if what == "inserted" else old)[n] is not None]
        sample.append(
            {
                "what": what,
                "key": {name: jsonable(value) for name, value in zip(key, own, strict=True)},
                "before": None if what == "inserted" else {n: jsonable(old[n]) for n in shown},
                "after": None if what == "removed" else {n: jsonable(new[n]) for n in shown},
                "load_id": (old if what == "removed" else new)["_load_id"],
            }
        )
    return {
        "table": spec.table, "feed": spec.feed, "inserted": counted[0], "changed": counted[1], "removed": counted[2],
        "days": counted[4] or [], "digest": counted[3], "sample": sample,
    }  # fmt: skip


def _grouped(found: list[Row]) -> list[Row]:
    """Quarantine moves by feed, day, reason and field: how many rows went from one state to another."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in found:
        states = [side and side["state"] for side in (row["before"], row["after"])]
        groups.setdefault((row["feed"], row["service_day"], row["reason"], row["field"], *states), []).append(row)
    return [
        {
            "feed": feed, "service_day": day, "reason": reason, "field": field, "before": old, "after": new,
            "rows": len(rows), "keys": [row["natural_key"] for row in rows[:SAMPLE]],
        }
        for (feed, day, reason, field, old, new), rows in sorted(groups.items(), key=str)
    ]  # fmt: skip


def _hours(found: list[Row]) -> list[Row]:
    """Hourly values are many: their number by indicator and day."""
    counts: dict[tuple[str, str], int] = {}
    for row in found:
        if row["period_kind"] == "hour":
            counts[row["code"], row["period"][:10]] = counts.get((row["code"], row["period"][:10]), 0) + 1
    return [{"code": code, "period": day, "values": number} for (code, day), number in sorted(counts.items())]
