"""A warehouse with a few feeds of different kinds, and rows to check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_all
from tests.indicators import city
from warehouse import lake

FEEDS = ("sanitation.route_task", "sanitation.vehicle", "gas.pressure", "muck.position")
CHECKS = {
    "sanitation.route_task": """
arrives: {min_rows: 2}
identity: {key: [task_id], day_from: task_date}
checks:
  - {check: between, column: done_km, min: 0, max: 50, mostly: 0.5, severity: warning, note: 里程应合理}
  - {check: mean_between, column: planned_km, min: 1, max: 30, severity: critical}
  - {check: not_null, column: done_km, mostly: 0.9}
  - {check: sql, sql: "SELECT * FROM {batch} WHERE done_km > planned_km * 2", severity: warning}
""",
    "sanitation.vehicle": """
checks:
  - {check: in_set, column: status, values: [active, retired], severity: critical}
  - {check: distinct_at_least, column: vehicle_id, min: 2}
""",
    "gas.pressure": """
identity: {key: [point_id, ts], day_from: ts}
checks:
  - {check: sql, sql: "SELECT nonsense FROM {batch}", severity: critical}
  - {check: row_count, min: 1, max: 9, severity: critical}
""",
    "muck.position": "arrives: {min_rows: 0}\n",
}


@pytest.fixture
def hub(tmp_path: Path) -> Settings:
    made = city.build(tmp_path, FEEDS)
    for feed, text in CHECKS.items():
        path = made.feeds / f"{feed}.yaml"
        lines = path.read_text(encoding="utf-8").splitlines()
        if "identity:" in text:
            lines = [line for line in lines if not line.startswith("identity:")]
        path.write_text("\n".join([*lines, text]), encoding="utf-8")
    return made


@pytest.fixture
def specs(hub: Settings) -> dict[str, FeedSpec]:
    return read_all(hub.feeds)


@pytest.fixture
def con(hub: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    con = lake.connect(hub)
    yield con
    con.close()
