"""Findings: what was noticed about a delivery beside its rows. Written by whoever looks, closed when it is gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Literal

import duckdb

from cityhub import clock
from warehouse.names import literal

Origin = Literal["drift", "watch", "personal"]
Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True)
class Finding:
    """One thing noticed. `subject` is the column, device or file it is about; `suggestion` a change of the spec as a
    unified diff. Values of personal fields never stand in it."""

    kind: str
    severity: Severity
    detail: str
    subject: str | None = None
    observed: str | None = None
    expected: str | None = None
    row_count: int | None = None
    suggestion: str | None = None

    @property
    def short(self) -> str:
        """As the ledger's line shows it: `column_missing:JD`."""
        return self.kind + (f":{self.subject}" if self.subject else "")


@dataclass(frozen=True)
class Stored:
    """A finding as it stands in the table `finding`."""

    id: str
    feed: str
    service_day: date
    load_id: str | None
    origin: str
    kind: str
    severity: str
    subject: str | None
    detail: str
    observed: str | None
    expected: str | None
    row_count: int | None
    suggestion: str | None
    owner: str
    state: str
    found_at: datetime
    closed_at: datetime | None


COLUMNS = ", ".join(item.name for item in fields(Stored))
_TYPES = json.dumps([{item.name: "VARCHAR" for item in fields(Finding)} | {"id": "VARCHAR", "row_count": "BIGINT"}])
_STAGE = f"CREATE OR REPLACE TEMP TABLE found AS SELECT unnest(from_json($rows, '{_TYPES}'), recursive := true)"
_OF = "feed = $feed AND service_day = $day AND origin = $origin"
_SAME = " AND ".join(
    f"s.{name} IS NOT DISTINCT FROM f.{name}"
    for name in ("severity", "detail", "observed", "expected", "row_count", "suggestion")
)


def record(
    con: duckdb.DuckDBPyConnection,
    found: Iterable[Finding],
    *,
    feed: str,
    day: date,
    origin: Origin,
    owner: str,
    load_id: str | None = None,
) -> int:
    """Bring the findings of one origin about one feed and day to what it found now, inside the caller's write
    transaction: new ones open, changed ones are replaced, those not found any more close. Gives the number written;
    a second run writes nothing. Needs temporary tables, so the caller's connection is not read-only.
    """
    rows = [
        asdict(item) | {"id": identity(feed, day, origin, item)}
        for item in {identity(feed, day, origin, item): item for item in found}.values()
    ]
    con.execute(_STAGE, {"rows": json.dumps(rows, ensure_ascii=False)})
    values = {"feed": feed, "day": day, "origin": origin}
    over = f"{_OF} AND state = 'open' AND id NOT IN (SELECT id FROM found)"
    gone = con.execute(f"SELECT count(*) FROM finding WHERE {over}", values).fetchone() or (0,)
    if gone[0]:
        con.execute(f"UPDATE finding SET state = 'closed', closed_at = $at WHERE {over}", {**values, "at": clock.now()})
    con.execute(
        "CREATE OR REPLACE TEMP TABLE found_new AS SELECT * FROM found AS f WHERE NOT EXISTS"
        f" (SELECT 1 FROM finding AS s WHERE s.id = f.id AND s.state = 'open' AND {_SAME})"
    )
    new = con.execute("SELECT count(*) FROM found_new").fetchone() or (0,)
    if new[0]:
        con.execute("DELETE FROM finding WHERE id IN (SELECT id FROM found_new)")
        con.execute(
            f"INSERT INTO finding ({COLUMNS}) SELECT id, $feed, $day, $load_id, $origin, kind, severity, subject,"
            " detail, observed, expected, row_count, suggestion, $owner, 'open', $at, NULL FROM found_new",
            {**values, "load_id": load_id, "owner": owner, "at": clock.now()},
        )
    con.execute("DROP TABLE temp.found_new; DROP TABLE temp.found")
    return int(gone[0]) + int(new[0])


def identity(feed: str, day: date, origin: str, item: Finding) -> str:
    """The id of a finding: the same thing about the same delivery is the same finding."""
    return hashlib.sha256(
        "\x1f".join([feed, day.isoformat(), origin, item.kind, item.subject or ""]).encode()
    ).hexdigest()


def stored(
    con: duckdb.DuckDBPyConnection,
    *,
    feed: str | None = None,
    day: date | None = None,
    origin: str | None = None,
    state: str | None = "open",
) -> list[Stored]:
    """Findings, newest days first; None for any."""
    # Literals, quoted: binding Python values would import pandas, a second that the command line saves.
    wanted = {"feed": feed, "service_day": day.isoformat() if day else None, "origin": origin, "state": state}
    where = " AND ".join(f"{name} = {literal(value)}" for name, value in wanted.items() if value is not None) or "true"
    found = con.execute(
        f"SELECT {COLUMNS} FROM finding WHERE {where} ORDER BY service_day DESC, feed, origin, kind, id"
    )
    return [Stored(*row) for row in found.fetchall()]
