"""A rate that the vendor computed beside ours: he leaves out what is silent, and silence looks like 100 %."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb

from cityhub.spec.feed import FeedSpec
from warehouse.findings import Finding
from warehouse.names import identifier

BATCH = "watch_rows"


def watch(con: duckdb.DuckDBPyConnection, spec: FeedSpec, day: date) -> Iterator[Finding]:
    """One finding that names every unit whose two rates differ by more than the tolerance."""
    rate, ours = spec.watch.rate, spec.watch.rate_sql
    if rate is None or ours is None or "rate" in spec.watch.off:
        return
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {BATCH} AS SELECT * FROM {identifier(spec.table)}"
        f" WHERE service_day = DATE '{day.isoformat()}'"
    )
    rows = con.execute(
        f"WITH ours AS ({ours.replace('{batch}', BATCH)}), theirs AS ("
        f" SELECT unit_code, avg({identifier(rate)})::DOUBLE AS rate FROM {BATCH} GROUP BY unit_code)"
        " SELECT o.unit_code, t.rate, o.rate::DOUBLE FROM ours AS o JOIN theirs AS t"
        " ON o.unit_code IS NOT DISTINCT FROM t.unit_code WHERE abs(t.rate - o.rate) > $tolerance ORDER BY 1",
        {"tolerance": spec.watch.rate_tolerance},
    ).fetchall()
    if rows:
        said = "; ".join(f"{unit or 'no unit'}: {theirs:.6g}, ours {own:.6g}" for unit, theirs, own in rows)
        worst = max(abs(theirs - own) for _, theirs, own in rows)
        yield Finding(
            "rate_disagrees",
            "warning",
            f"the rate that the vendor computed is not ours: {said}",
            rate,
            observed=f"{worst:.6g} apart at most",
            expected=f"<= {spec.watch.rate_tolerance:g}",
            row_count=len(rows),
        )
