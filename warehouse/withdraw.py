"""A delivery that is loaded again under another spec takes back what it does not bring any more.

Without this a row that the new spec refuses would stand in the quarantine and, as it came in before, still among the
good rows.
"""

from __future__ import annotations

from datetime import date

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.names import identifier

_OTHER_SPEC = """
SELECT 1 FROM load_log WHERE feed = $feed AND load_id = $load_id AND spec_sha256 <> $spec LIMIT 1
"""


def withdraw(con: duckdb.DuckDBPyConnection, spec: FeedSpec, load_id: str, spec_sha256: str) -> dict[date, int]:
    """Delete the rows that stand as this delivery's and are not in `hub_good`; service day → rows deleted.

    Only where the delivery was loaded under another spec before; inside the caller's transaction, after the merge.
    """
    values = {"feed": spec.feed, "load_id": load_id, "spec": spec_sha256}
    if con.execute(_OTHER_SPEC, values).fetchone() is None:
        return {}
    keys = " AND ".join(f"s.{identifier(name)} = t.{identifier(name)}" for name in spec.identity.key)
    gone = f"t._load_id = $load_id AND NOT EXISTS (SELECT 1 FROM temp.hub_good AS s WHERE {keys})"
    table, mine = identifier(spec.table), {"load_id": load_id}
    found = con.execute(f"SELECT t.service_day, count(*) FROM {table} AS t WHERE {gone} GROUP BY ALL", mine).fetchall()
    if found:
        con.execute(f"DELETE FROM {table} AS t WHERE {gone}", mine)
    return dict(found)
