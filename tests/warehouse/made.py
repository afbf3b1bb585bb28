"""A small feed spec, changed as a test needs it."""

from __future__ import annotations

from typing import Any

import duckdb

from cityhub.spec.feed import FeedSpec

FIELDS: dict[str, dict[str, Any]] = {
    "lamp_id": {"from": "id", "title": "灯具", "description": "Number of the lamp."},
    "class": {"from": "class", "title": "类别", "description": "Class.", "codes": {"1": "led", "2": "hps"}},
    "ts": {"from": "t", "type": "timestamp", "title": "时间", "description": "Time."},
    "count": {"from": "n", "type": "integer", "title": "次数", "description": "Count."},
    "share": {"from": "s", "type": "decimal", "title": "份额", "description": "Share."},
}


def spec(feed: str = "city.lamp", fields: dict[str, dict[str, Any]] | None = None, **changes: Any) -> FeedSpec:
    """A valid spec of a feed; `changes` replace whole top-level entries."""
    platform, _, kind = feed.partition(".")
    return FeedSpec.model_validate(
        {
            "feed": feed,
            "title": {"zh": "灯具", "en": "Lamps"},
            "platform": platform,
            "table": f"{platform}_{kind}",
            "description": "Lamps of the city.",
            "owner": {"department": "城管局", "person": "张三", "phone": "0371-1"},
            "source": {"kind": "files", "address": "/drop", "pattern": "*.csv"},
            "identity": {"key": ["lamp_id"]},
            "fields": FIELDS if fields is None else fields,
        }
        | changes
    )


def snapshots(con: duckdb.DuckDBPyConnection) -> int:
    """How often the lake was written."""
    row = con.execute("SELECT count(*) FROM ducklake_snapshots('lake')").fetchone()
    assert row is not None
    return int(row[0])
