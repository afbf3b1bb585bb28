"""The quarantine: refused rows with reason and owner. The load writes, `quarantine_life` moves, people read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from cityhub import clock
from cityhub.errors import Usage
from cityhub.spec.feed import FeedSpec
from warehouse import ledger
from warehouse.landing import Manifest
from warehouse.names import literal
from warehouse.personal.seal import WITHHELD
from warehouse.readers.job import Reject

HERE = Path(__file__).parent
COLUMNS = (
    "id, feed, service_day, load_id, place, natural_key, reason, field, value, raw, state, owner, seen_at, spec_sha256,"
    " state_at, state_by, state_reason, waived_until, coalesce(last_load_id, load_id), coalesce(last_place, place)"
)
STATES = ("open", "fixed", "released", "waived")


@dataclass(frozen=True)
class Refused:
    """One refused row. `raw` is the row as received (JSON), personal fields hashed or masked; `place` is part and
    row in it, or sheet and cell. Further reasons stand in `raw` under `_reasons`. `last_load_id` and `last_place`:
    the newest delivery that brought it. `state_by`: the load, or the person, that gave it its state."""

    id: str
    feed: str
    service_day: date
    load_id: str
    place: str | None
    natural_key: str | None
    reason: str
    field: str | None
    value: str | None
    raw: str
    state: str
    owner: str
    seen_at: datetime
    spec_sha256: str
    state_at: datetime | None
    state_by: str | None
    state_reason: str | None
    waived_until: date | None
    last_load_id: str
    last_place: str | None


@dataclass(frozen=True)
class Reason:
    """How many rows of a feed and day were refused for one reason of one field."""

    feed: str
    service_day: date
    reason: str
    field: str | None
    state: str
    owner: str
    rows: int
    sample: str | None


@dataclass(frozen=True)
class Which:
    """Which refused rows; None for any. `id` is the beginning of one; `department` a part of the owner's name."""

    feed: str | None = None
    day: date | None = None
    reason: str | None = None
    state: str | None = "open"
    id: str | None = None
    department: str | None = None

    def sql(self) -> str:
        """The condition over `quarantine`."""
        # Literals, quoted: binding Python values would import pandas, a second that the command line saves.
        wanted = {
            "feed": self.feed, "service_day": self.day.isoformat() if self.day else None, "reason": self.reason,
            "state": self.state,
        }  # fmt: skip
        tests = [f"{name} = {literal(value)}" for name, value in wanted.items() if value is not None]
        tests += [f"starts_with(id, {literal(self.id)})"] if self.id else []
        tests += [f"contains(owner, {literal(self.department)})"] if self.department else []
        return " AND ".join(tests) or "true"


def refused(
    con: duckdb.DuckDBPyConnection,
    *,
    feed: str | None = None,
    day: date | None = None,
    reason: str | None = None,
    state: str | None = "open",
    limit: int = 100,
) -> list[Refused]:
    """Refused rows, newest days first; None for any."""
    return chosen(con, Which(feed, day, reason, state), limit=limit)


def chosen(con: duckdb.DuckDBPyConnection, which: Which, *, limit: int | None = None) -> list[Refused]:
    """These refused rows, newest days first."""
    found = con.execute(
        f"SELECT {COLUMNS} FROM quarantine WHERE {which.sql()} ORDER BY service_day DESC, feed, place, id"
        + ("" if limit is None else f" LIMIT {limit:d}")
    )
    return [Refused(*row) for row in found.fetchall()]


def one(con: duckdb.DuckDBPyConnection, id: str) -> Refused:
    """The row whose id begins so; raises `Usage` CH-QUAR-001 when none or several do."""
    found = chosen(con, Which(id=id, state=None), limit=2)
    if len(found) != 1:
        raise Usage("CH-QUAR-001", id=id, found="none" if not found else "more than one")
    return found[0]


def summary(
    con: duckdb.DuckDBPyConnection,
    *,
    feed: str | None = None,
    day: date | None = None,
    reason: str | None = None,
    state: str | None = "open",
) -> list[Reason]:
    """Counts by feed, day, reason and field, most rows first, each with one of its values."""
    found = con.execute(
        "SELECT feed, service_day, reason, field, state, owner, count(*) AS rows, min(value) FROM quarantine"
        f" WHERE {Which(feed, day, reason, state).sql()}"
        " GROUP BY feed, service_day, reason, field, state, owner ORDER BY rows DESC, feed, service_day, reason, field"
    )
    return [Reason(*row) for row in found.fetchall()]


def stage(
    con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, rejects: tuple[Reject, ...], *, keyed: str
) -> int:
    """Make `hub_refused` from what the staged delivery refused; `keyed` is the expression of a row's key. How many of
    these rows only repeat another one of the delivery."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE hub_reject (r BIGINT, part INTEGER, place VARCHAR, reason VARCHAR, raw VARCHAR)"
    )
    if rejects:
        rows = [
            [-i, item.part, _place(manifest, item), item.problem, _line(spec, item)]
            for i, item in enumerate(reversed(rejects), 1)
        ]
        con.executemany("INSERT INTO temp.hub_reject VALUES (?, ?, ?, ?, ?)", rows)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE hub_bad AS SELECT rowid AS r, __part, __place, __bad, service_day AS day,"
        f" {keyed} AS row_key, _version AS version FROM temp.hub_stage WHERE __bad IS NOT NULL"
    )
    _run(con, "quarantine_write.sql", {"feed": spec.feed, "files": [part.file for part in manifest.parts]})
    (repeated,) = con.execute("SELECT count(*) FROM temp.hub_refused WHERE nth > 1").fetchone() or (0,)
    return int(repeated)


def _place(manifest: Manifest, item: Reject) -> str:
    return str(item.line) if manifest.parts[item.part].format == "json" else f"line {item.line}"


def insert(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest, spec_sha256: str) -> set[date]:
    """Insert the staged cases in the caller's transaction; ids that are known stay untouched. The service day where
    there is a new one that is open."""
    new = con.execute(
        "SELECT count(*), count(*) FILTER (n.id NOT IN (SELECT id FROM temp.hub_outdated)) FROM temp.hub_refused AS n"
        " WHERE n.nth = 1 AND n.id NOT IN (SELECT id FROM quarantine WHERE feed = $feed)",
        {"feed": spec.feed},
    ).fetchone() or (0, 0)
    if new[0]:
        values = {
            "feed": spec.feed,
            "day": manifest.service_day,
            "load_id": manifest.load_id,
            "owner": ledger.owner(spec),
            "spec_sha256": spec_sha256,
            "seen_at": clock.now(),
        }
        _run(con, "quarantine_insert.sql", values)
    return {manifest.day()} if new[1] else set()


def _run(con: duckdb.DuckDBPyConnection, name: str, values: dict[str, Any]) -> None:
    con.execute((HERE / name).read_text(encoding="utf-8"), values)


def _line(spec: FeedSpec, item: Reject) -> str:
    """A line that is no row; where the feed holds personal fields nobody can say where they stand in it."""
    if any(field.personal != "no" for field in spec.fields.values()):
        sealed = item.text.strip().strip('"').rstrip(",;|\t")
        known = sealed.startswith(WITHHELD)
        digest = sealed.removeprefix(WITHHELD) if known else hashlib.sha256(item.text.encode()).hexdigest()
        return json.dumps({"withheld": "the feed holds personal fields", "sha256": digest})
    return item.text if item.record else json.dumps({"line": item.text}, ensure_ascii=False)
