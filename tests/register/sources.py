"""Sources for the tests of registering: a spec in a few words for each transport."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec

DAY = date(2026, 11, 20)
FIELDS: dict[str, Any] = {
    "id": {"from": "编号", "required": True},
    "ts": {"from": "时间", "type": "timestamp", "required": True},
    "kpa": {"from": "压力", "type": "double", "unit": "MPa", "to": "kPa", "min": 0, "max": 1000},
    "state": {"from": "状态", "codes": {"01": "normal", "02": "alarm"}},
    "lon": {"from": "经度", "type": "double"},
    "lat": {"from": "纬度", "type": "double"},
}
ROWS = [
    {
        "编号": f"P{i}",
        "时间": f"2026-11-20 08:00:0{i}",
        "压力": f"0.{i + 1}",
        "状态": "01",
        "经度": "114.7",
        "纬度": "34.5",
    }
    for i in range(4)
]


def settings(home: Path) -> Settings:
    """An installation of its own."""
    return Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))


def spec(source: dict[str, Any], fields: dict[str, Any] | None = None, **more: Any) -> FeedSpec:
    """A feed with a source; a field given here takes the place of the usual one."""
    body: dict[str, Any] = {
        "feed": "gas.trial", "title": {"zh": "试", "en": "trial"}, "platform": "gas", "table": "gas_trial",
        "description": "Rows of a test.", "owner": {"department": "城管局", "person": "张三", "phone": "0371-0000"},
        "source": source, "arrives": {"min_rows": 0}, "identity": {"key": ["id", "ts"], "day_from": "ts"},
        "fields": {**FIELDS, **(fields or {})}, "location": {"lon": "lon", "lat": "lat", "system": "wgs84"},
    }  # fmt: skip
    return FeedSpec.model_validate(body | more)


def csv(
    folder: Path, rows: list[dict[str, str]] = ROWS, sign: str = ",", encoding: str = "utf-8", top: str = ""
) -> dict[str, Any]:
    """A file of the day and the source that names it."""
    lines = [sign.join(rows[0]), *(sign.join(row.values()) for row in rows)]
    (folder / "trial_20261120.csv").write_bytes((top + "\n".join(lines) + "\n").encode(encoding))
    return {"kind": "files", "address": str(folder), "pattern": "trial_{day_compact}.csv"}


def changed(**values: str) -> list[dict[str, str]]:
    """The rows with other values in some columns."""
    return [{**row, **values} for row in ROWS]
