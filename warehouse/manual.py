"""What a person brought: a file in place of a delivery, until the platform's own comes."""

from __future__ import annotations

from datetime import date
from typing import Any

import duckdb

from cityhub import clock
from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import PUSHED
from warehouse import ledger
from warehouse.landing import Manifest
from warehouse.names import identifier

ORIGIN, BY, UPLOAD = "origin", "uploaded_by", "manual"  # keys and value in a manifest's options
_UPLOADS = """
SELECT DISTINCT load_id FROM load_log
WHERE feed = $feed AND service_day = $day AND load_id <> $load_id AND load_id IN
    (SELECT load_id FROM delivery WHERE feed = $feed AND service_day = $day AND manual = 'upload')
"""


def marks(manifest: Manifest) -> dict[str, Any]:
    """How the ledger marks a load: nothing for the platform's own."""
    if manifest.options.get(ORIGIN) != UPLOAD:
        return {}
    return {"manual": "upload", "manual_by": str(manifest.options.get(BY) or "?")}


def may_upload(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date) -> None:
    """Raise `Stop` CH-FALL-001 when the spec does not allow it, 002 when the platform has delivered the day."""
    if spec.arrives.fallback != "manual":
        raise Stop("CH-FALL-001", feed=spec.feed, fallback=spec.arrives.fallback)
    row = ledger.row(con, spec.feed, day)
    if row is not None and row.loaded and row.manual is None:
        raise Stop("CH-FALL-002", feed=spec.feed, day=day.isoformat(), loaded=row.loaded)


def may_confirm_empty(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date, *, by: str, why: str) -> None:
    """Raise `Stop` CH-FALL-004 when any row of the day is there, 005 without name or reason, 006 before it is over."""
    for option, text in {"--by": by, "--why": why}.items():
        if not text.strip():
            raise Stop("CH-FALL-005", feed=spec.feed, option=option)
    if clock.now() < clock.day_bounds(day)[1]:
        raise Stop("CH-FALL-006", feed=spec.feed, day=day.isoformat())
    row = ledger.row(con, spec.feed, day)
    rows = (row.landed or 0) if row else 0
    if not rows and spec.identity.day_from is not None:
        try:
            sql = f"SELECT count(*) FROM {identifier(spec.table)} WHERE service_day = $day"
            rows = int((con.execute(sql, {"day": day}).fetchone() or (0,))[0])
        except duckdb.CatalogException:
            rows = 0  # no table yet, so no row
    if rows:
        raise Stop("CH-FALL-004", feed=spec.feed, day=day.isoformat(), rows=rows)


def replaces(spec: FeedSpec) -> bool:
    """Whether one delivery of the feed is the whole day, so that the platform's own takes an upload's rows away.

    Elsewhere (changes only, many messages, a register) it corrects the rows that it knows and leaves the others.
    """
    identity, source = spec.identity, spec.source
    whole = source.kind not in PUSHED and getattr(source, "cursor", None) is None
    return whole and identity.day_from is not None and identity.version is None


def make_way(con: duckdb.DuckDBPyConnection, spec: FeedSpec, manifest: Manifest) -> bool:
    """Take the rows of the day's uploads away before another delivery is merged, in the load's transaction; whether
    there were any. What of them was refused is fixed: it does not count any more."""
    values: dict[str, object] = {"feed": spec.feed, "day": manifest.day(), "load_id": manifest.load_id}
    uploads = [row[0] for row in con.execute(_UPLOADS, values).fetchall()]
    if not uploads:
        return False
    con.execute(
        "UPDATE quarantine SET state = 'fixed', state_at = $at, state_by = $load_id,"
        " state_reason = 'the delivery that came replaces the upload'"
        " WHERE feed = $feed AND service_day = $day AND state = 'open' AND list_contains($uploads, load_id)",
        {**values, "at": clock.now(), "uploads": uploads},
    )
    if not replaces(spec):
        return False
    con.execute(
        f"DELETE FROM {identifier(spec.table)} WHERE service_day = $day AND list_contains($uploads, _load_id)",
        {"day": manifest.day(), "uploads": uploads},
    )
    return True
