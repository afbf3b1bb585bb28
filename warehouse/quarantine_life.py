"""The life of a refused row, moved along by each load, inside its transaction.

open → fixed (a later delivery brought the key right, or the table has it from a newer one already), released (loaded
again under other rules it passes), waived (by a person, `quarantine_waive`). A case that is refused once more after
it was fixed or released is open again. Every move marks the service day under which the row is counted, so that the
counts beside its indicators are computed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from cityhub import clock
from cityhub.spec.feed import FeedSpec
from warehouse import quarantine
from warehouse.landing import Manifest
from warehouse.names import identifier, literal
from warehouse.readers.job import Reject
from warehouse.tables import column_types

PASSES, GONE = "passes under the present spec", "the source no longer has it"
_LAST = "coalesce(q.last_load_id, q.load_id)"
# Load ids begin with their time; of two of the same millisecond the one that is loaded now is the later.
_EARLIER = f"({_LAST} <> $load_id AND split_part({_LAST}, '-', 1) <= split_part($load_id, '-', 1))"
_WAITS = f"q.state IN ('open', 'waived') AND q.row_key IS NOT NULL AND {_EARLIER}"
_SAME = f"q.state IN ('open', 'waived') AND {_LAST} = $load_id"
_LOOK = (
    f"SELECT count(*) FILTER ({_WAITS}), count(*) FILTER ({_SAME}) FROM quarantine AS q WHERE q.feed = $feed"
    " AND q.state IN ('open', 'waived')"
)
_AGAIN = (
    "CREATE OR REPLACE TEMP TABLE hub_again AS SELECT q.id, q.service_day, n.id AS now, k.id IS NOT NULL AS known"
    " FROM quarantine AS q LEFT JOIN temp.hub_refused AS n ON n.place = coalesce(q.last_place, q.place)"
    " LEFT JOIN (SELECT id FROM quarantine WHERE feed = $feed) AS k ON k.id = n.id"
    f" WHERE q.feed = $feed AND {_SAME} AND n.id IS DISTINCT FROM q.id"
)
_SEEN = (
    "CREATE OR REPLACE TEMP TABLE hub_seen AS SELECT q.id, q.service_day, n.place, n.row_key,"
    " q.state IN ('fixed', 'released') AND o.id IS NULL"
    " AND split_part(coalesce(q.state_by, ''), '-', 1) <= split_part($load_id, '-', 1) AS opens"
    " FROM temp.hub_refused AS n INNER JOIN quarantine AS q ON q.id = n.id LEFT JOIN temp.hub_outdated AS o"
    f" ON o.id = n.id WHERE q.feed = $feed AND ({_EARLIER} OR (q.state = 'released' AND {_LAST} = $load_id))"
)


@dataclass
class Life:
    """Cases that changed their state in a load, and the days under which they are counted; refused rows of the delivery
    that only repeat another one, which are no cases."""

    repeated: int = 0
    fixed: int = 0
    released: int = 0
    reopened: int = 0
    days: set[date] = field(default_factory=set)


def follow(
    con: duckdb.DuckDBPyConnection,
    spec: FeedSpec,
    manifest: Manifest,
    rejects: tuple[Reject, ...],
    spec_sha256: str,
    *,
    refused: bool,
    full: bool,
) -> Life:
    """Write what the staged and merged delivery refused, and move the cases that it settles or brings back.

    `refused`: it has such rows; `full`: it has every key that the source knows. Needs `hub_stage` and `hub_good`.
    """
    life = Life()
    values: dict[str, Any] = {"feed": spec.feed, "load_id": manifest.load_id}
    waits, same = con.execute(_LOOK, values).fetchone() or (0, 0)
    if refused or same:
        life.repeated = quarantine.stage(con, spec, manifest, rejects, keyed=keyed(spec))
        _outdated(con, spec, manifest)
        if same:
            _again(con, values, spec_sha256, life)
        life.days |= quarantine.insert(con, spec, manifest, spec_sha256)
        _seen(con, values, life)
    if waits:
        _fix(con, spec, values, life, full=full)
    return life


def keyed(spec: FeedSpec) -> str:
    """The expression of `row_key` over a staged row; NULL where a key is not stored or could not be read."""
    if any(spec.fields[name].personal == "drop" for name in spec.identity.key):
        return "NULL::VARCHAR"
    names = [identifier(name) for name in spec.identity.key]
    known = " AND ".join(f"{name} IS NOT NULL" for name in names)
    texts = ", ".join(f"CAST({name} AS VARCHAR)" for name in names)
    return f"CASE WHEN {known} THEN CAST(json_array({texts}) AS VARCHAR) END"


def _unpacked(spec: FeedSpec, row_key: str) -> str:
    """Columns `k0`, `k1` … with the types of the table; NULL where the spec's key was another one then."""
    types = column_types(spec)
    return ", ".join(
        f"TRY_CAST(CASE WHEN json_array_length({row_key}) = {len(spec.identity.key)}"
        f" THEN json_extract_string({row_key}, '$[{i}]') END AS {types[name]}) AS k{i}"
        for i, name in enumerate(spec.identity.key)
    )


def _matches(spec: FeedSpec, left: str, right: str) -> str:
    return " AND ".join(f"{right}.{identifier(name)} = {left}.k{i}" for i, name in enumerate(spec.identity.key))


def _outdated(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest) -> None:
    """Make `hub_outdated`: refused rows whose key the table has from a newer version or delivery."""
    keys = "SELECT NULL::VARCHAR AS id, NULL::VARCHAR AS load_id WHERE false"
    if _may_be_late(con, spec, manifest):
        later = f"split_part(t._load_id, '-', 1) > split_part({literal(manifest.load_id)}, '-', 1)"
        own = spec.identity.day_from in spec.identity.key
        days = "t.service_day IN (SELECT day FROM temp.hub_refused)" if own else "true"
        keys = (
            "SELECT c.id, any_value(t._load_id) AS load_id FROM"
            f" (SELECT id, version, {_unpacked(spec, 'row_key')} FROM temp.hub_refused WHERE row_key IS NOT NULL) AS c"
            f" INNER JOIN {identifier(spec.table)} AS t ON {_matches(spec, 'c', 't')}"
            f" WHERE {days} AND (t._version > c.version OR (t._version = c.version AND {later})) GROUP BY c.id"
        )
    con.execute(f"CREATE OR REPLACE TEMP TABLE hub_outdated AS {keys}")


def _may_be_late(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest) -> bool:
    """Whether the table can hold anything newer at all: without versions only when a later delivery is loaded."""
    if spec.identity.version is not None:
        return True
    found = con.execute(
        "SELECT 1 FROM load_log WHERE feed = $feed AND (service_day > $day::DATE"
        " OR split_part(load_id, '-', 1) > split_part($load_id, '-', 1)) LIMIT 1",
        {"feed": spec.feed, "day": manifest.service_day, "load_id": manifest.load_id},
    ).fetchone()
    return found is not None


def _again(con: duckdb.DuckDBPyConnection, values: dict[str, Any], spec_sha256: str, life: Life) -> None:
    """Cases of this very delivery, which is loaded once more: those that pass now, and those that fail in another
    way, which stay open under their new reason."""
    con.execute(_AGAIN, values)
    rows = con.execute("SELECT service_day, now, known FROM temp.hub_again").fetchall()
    if not rows:
        return
    life.days |= {row[0] for row in rows}
    life.released += sum(now is None for _, now, _ in rows)
    moment = {"at": clock.now(), "load_id": values["load_id"]}
    con.execute(
        "UPDATE quarantine SET state = 'released', state_at = $at, state_by = $load_id, waived_until = NULL,"
        f" state_reason = coalesce('refused for another reason now: ' || a.now, {literal(PASSES)})"
        " FROM temp.hub_again AS a WHERE a.id = quarantine.id AND (a.now IS NULL OR a.known)",
        moment,
    )
    con.execute(
        "UPDATE quarantine SET id = n.id, reason = n.reason, field = n.field, value = n.value, raw = n.raw,"
        " natural_key = n.natural_key, row_key = n.row_key, spec_sha256 = $spec, state = 'open', state_at = $at,"
        " state_by = $load_id, state_reason = 'fails another check now', waived_until = NULL"
        " FROM temp.hub_again AS a INNER JOIN temp.hub_refused AS n ON n.id = a.now"
        " WHERE a.id = quarantine.id AND NOT a.known",
        {**moment, "spec": spec_sha256},
    )


def _seen(con: duckdb.DuckDBPyConnection, values: dict[str, Any], life: Life) -> None:
    """Known cases that this delivery brought once more: where they are now, and open again where they were closed."""
    con.execute(_SEEN, values)
    rows = con.execute("SELECT service_day, opens FROM temp.hub_seen").fetchall()
    if not rows:
        return
    life.reopened += sum(opens for _, opens in rows)
    life.days |= {day for day, opens in rows if opens}
    con.execute(
        "UPDATE quarantine SET last_load_id = $load_id, last_place = s.place, row_key = s.row_key,"
        " state = CASE WHEN s.opens THEN 'open' ELSE quarantine.state END,"
        " state_at = CASE WHEN s.opens THEN $at ELSE quarantine.state_at END,"
        " state_by = CASE WHEN s.opens THEN $load_id ELSE quarantine.state_by END,"
        " state_reason = CASE WHEN s.opens THEN 'refused once more' ELSE quarantine.state_reason END"
        " FROM temp.hub_seen AS s WHERE s.id = quarantine.id",
        {"load_id": values["load_id"], "at": clock.now()},
    )


def _fix(con: duckdb.DuckDBPyConnection, spec: FeedSpec, values: dict[str, Any], life: Life, *, full: bool) -> None:
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE hub_case AS SELECT q.id, q.service_day, {_unpacked(spec, 'q.row_key')}"
        f" FROM quarantine AS q WHERE q.feed = $feed AND {_WAITS}",
        values,
    )
    gone = "SELECT NULL::VARCHAR, NULL::DATE, NULL::VARCHAR WHERE false"
    if full and spec.identity.day_from is None:
        gone = (
            f"SELECT c.id, c.service_day, {literal(GONE)} FROM temp.hub_case AS c WHERE c.k0 IS NOT NULL"
            f" AND NOT EXISTS (SELECT 1 FROM temp.hub_stage AS s WHERE {_matches(spec, 'c', 's')})"
        )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE hub_fixed AS SELECT c.id, c.service_day, NULL::VARCHAR AS why"
        f" FROM temp.hub_case AS c SEMI JOIN temp.hub_good AS g ON {_matches(spec, 'c', 'g')} UNION ALL {gone}"
    )
    days = [row[0] for row in con.execute("SELECT service_day FROM temp.hub_fixed").fetchall()]
    if days:
        life.fixed += len(days)
        life.days |= set(days)
        con.execute(
            "UPDATE quarantine SET state = 'fixed', state_at = $at, state_by = $load_id, state_reason = f.why,"
            " waived_until = NULL FROM temp.hub_fixed AS f WHERE f.id = quarantine.id",
            {"at": clock.now(), "load_id": values["load_id"]},
        )
