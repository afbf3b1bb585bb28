"""The quarantine: refused rows with reason and owner. The load writes, people and the CLI read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from cityhub import clock
from cityhub.spec.feed import FeedSpec
from warehouse import ledger
from warehouse.landing import Manifest
from warehouse.names import literal
from warehouse.personal.seal import WITHHELD
from warehouse.readers.job import Reject

HERE = Path(__file__).parent
COLUMNS = "id, feed, service_day, load_id, place, natural_key, reason, field, value, raw, state, owner, seen_at"


@dataclass(frozen=True)
class Refused:
    """One refused row. `raw` is the row as received (JSON), personal fields hashed or masked; `place` is part and
    row in it, or sheet and cell. Further reasons stand in `raw` under `_reasons`."""

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
    where = _where(feed=feed, day=day, reason=reason, state=state)
    found = con.execute(
        f"SELECT {COLUMNS} FROM quarantine WHERE {where} ORDER BY service_day DESC, feed, place, id LIMIT {limit:d}"
    )
    return [Refused(*row) for row in found.fetchall()]


def summary(
    con: duckdb.DuckDBPyConnection,
    *,
    feed: str | None = None,
    day: date | None = None,
    state: str | None = "open",
) -> list[Reason]:
    """Counts by feed, day, reason and field, most rows first, each with one of its values."""
    found = con.execute(
        "SELECT feed, service_day, reason, field, state, owner, count(*) AS rows, min(value) FROM quarantine"
        f" WHERE {_where(feed=feed, day=day, reason=None, state=state)}"
        " GROUP BY feed, service_day, reason, field, state, owner ORDER BY rows DESC, feed, service_day, reason, field"
    )
    return [Reason(*row) for row in found.fetchall()]


def _where(*, feed: str | None, day: date | None, reason: str | None, state: str | None) -> str:
    # Literals, quoted: binding Python values would import pandas, a second that the command line saves.
    wanted = {"feed": feed, "service_day": day.isoformat() if day else None, "reason": reason, "state": state}
    return " AND ".join(f"{name} = {literal(value)}" for name, value in wanted.items() if value is not None) or "true"


def write(
    con: duckdb.DuckDBPyConnection,
    spec: FeedSpec,
    manifest: Manifest,
    rejects: tuple[Reject, ...],
    spec_sha256: str,
) -> None:
    """Insert what the staged delivery refused, in the caller's transaction; ids that are known stay untouched."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE hub_reject (r BIGINT, part INTEGER, place VARCHAR, reason VARCHAR, raw VARCHAR)"
    )
    if rejects:
        rows = [
            [-i, item.part, f"line {item.line}", item.problem, _line(spec, item)]
            for i, item in enumerate(reversed(rejects), 1)
        ]
        con.executemany("INSERT INTO temp.hub_reject VALUES (?, ?, ?, ?, ?)", rows)
    values = {
        "feed": spec.feed,
        "day": manifest.service_day,
        "load_id": manifest.load_id,
        "owner": ledger.owner(spec),
        "spec_sha256": spec_sha256,
        "seen_at": clock.now(),
        "files": [part.file for part in manifest.parts],
    }
    for name in ("quarantine_write.sql", "quarantine_insert.sql"):
        sql = (HERE / name).read_text(encoding="utf-8")
        con.execute(sql, {key: value for key, value in values.items() if f"${key}" in sql})


def _line(spec: FeedSpec, item: Reject) -> str:
    """A line that is no row; where the feed holds personal fields nobody can say where they stand in it."""
    if any(field.personal != "no" for field in spec.fields.values()):
        sealed = item.text.strip().strip('"').rstrip(",;|\t")
        known = sealed.startswith(WITHHELD)
        digest = sealed.removeprefix(WITHHELD) if known else hashlib.sha256(item.text.encode()).hexdigest()
        return json.dumps({"withheld": "the feed holds personal fields", "sha256": digest})
    return item.text if item.record else json.dumps({"line": item.text}, ensure_ascii=False)
