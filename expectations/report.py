"""The quality page of a day: one HTML file without any address of elsewhere, made from the stored results."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cityhub.errors import Stop
from cityhub.files import keep_text
from cityhub.settings import Settings
from expectations import results
from expectations.results import QualityResult
from warehouse import lake, ledger

_FOLDER = Path(__file__).resolve().parent
_STATES = {
    "expected": "未到",
    "landed": "已落地",
    "loaded": "已入库",
    "checked": "已检查",
    "published": "已发布",
    "empty_confirmed": "确认无数据",
    "held": "暂缓",
    "failed": "失败",
}
_KINDS = {
    "row_count": "行数",
    "not_null": "非空",
    "unique": "主键唯一",
    "in_set": "取值范围",
    "between": "数值范围",
    "mean_between": "均值范围",
    "distinct_at_least": "不同值个数",
    "sql": "规则",
}


def write(settings: Settings, day: date) -> Path:
    """Write `<home>/quality/<day>/index.html`; raises `Stop` CH-QUAL-003 when the day was never checked."""
    con = lake.connect(settings, read_only=True)
    try:
        html = render(con, day)
    finally:
        con.close()
    return put(settings, day, html)


def put(settings: Settings, day: date, html: str) -> Path:
    """Put the page where it belongs, whole or not at all; an unchanged one stays untouched."""
    path = settings.home / "quality" / day.isoformat() / "index.html"
    keep_text(path, html)
    return path


def render(con: duckdb.DuckDBPyConnection, day: date) -> str:
    """The page as text: Chinese first, English beside it."""
    found = results.read(con, day)
    if not found:
        raise Stop("CH-QUAL-003", day=day.isoformat())
    by_feed: dict[str, list[QualityResult]] = {}
    for item in found:
        by_feed.setdefault(item.feed, []).append(item)
    feeds = [_feed(row, by_feed.get(row.feed, [])) for row in ledger.delivery_rows(con, day)]
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        day=day.isoformat(), feeds=feeds, totals=_totals(found), kinds=_KINDS
    )


def mark(item: QualityResult) -> str:
    """`good`, `errored`, `bad` (critical) or `warn`."""
    if item.errored:
        return "errored"
    if item.success:
        return "good"
    return "bad" if item.severity == "critical" else "warn"


def _feed(row: ledger.Row, found: list[QualityResult]) -> dict[str, Any]:
    marks = Counter(mark(item) for item in found)
    worst = next((name for name in ("bad", "errored", "warn") if marks[name]), "good")
    return {
        "name": row.feed,
        "state": _STATES.get(row.state, row.state),
        "mark": worst if found else ("good" if row.state in ledger.LOADED else "bad"),
        "counts": [row.landed, row.loaded, row.duplicate, row.quarantined, row.late, row.flagged],
        "error": row.error,
        "whose_move": row.whose_move,
        "checks": [(mark(item), item) for item in found],
    }


def _totals(found: list[QualityResult]) -> dict[str, int]:
    marks = Counter(mark(item) for item in found)
    return {"all": len(found)} | {name: marks[name] for name in ("good", "warn", "bad", "errored")}
