"""Words and numbers of the chain in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from cityhub.clock import SHANGHAI

STATES = {
    "ok": ("有效", "valid"),
    "provisional": ("暂定", "provisional"),
    "missing": ("缺", "missing"),
    "no_denominator": ("无分母", "nothing to count"),
    "not_computed": ("未计算", "not computed"),
}
# The words of warehouse.status, in English.
ARRIVED = {
    "fresh": "delivered",
    "expected": "not due yet",
    "manual": "uploaded by hand",
    "stale": "delivered, the newest fetch failed",
    "late": "late",
    "held": "held",
    "missing": "missing",
    "failed": "failed",
}
CAUSES = {
    "rows": ("数据行有变化", "its rows changed"),
    "definition": ("指标定义有变化", "its definition changed"),
    "ledger": ("到数情况有变化", "what was delivered changed"),
}
SEVERITIES = {"critical": "关键", "warning": "一般"}


# What the engine writes beside a value (indicators/delivered.py, values.py, month.py, engine.py), for people.
_FEED = r"([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)"
_REASONS = [
    (rf"{_FEED} is uploaded by hand on (\d+) days \(人工补录\)", r"\1 有 \2 天为人工补录"),
    (rf"{_FEED} is held on (\d+) days", r"\1 有 \2 天待核"),
    (rf"{_FEED} lacks (\d+) of (\d+) days", r"\1 应到 \3 天，缺 \2 天"),
    (rf"{_FEED} delivered nothing in (\S+?)(?=;|$)", r"\1 在 \2 没有交付"),
    (rf"{_FEED} uploaded by hand \(人工补录\)", r"\1 人工补录"),
    (rf"{_FEED} nothing known", r"\1 台账无记录"),
    (rf"{_FEED} failed", r"\1 采集失败"),
    (rf"{_FEED} expected", r"\1 未到"),
    (rf"{_FEED} landed", r"\1 已收到未入库"),
    (rf"{_FEED} held", r"\1 待核"),
    (r", carried forward since (\S+) \(沿用\)", r"，沿用 \1 的数值"),
    (r"(\d+) of (\d+) valid, under ([\d.]+%)", r"有效 \1 / \2，低于 \3"),
    (r"(\d+) delivered days are not computed, first (\S+)", r"\1 个已到的日子尚未计算，最早 \2"),
    (r"nothing to count", "没有可计算的对象"),
    (r"no feed fills the table (\w+)", r"没有数据源写入表 \1"),
    (r"the table (\w+) does not exist", r"表 \1 不存在"),
    (r", which has no value", "，而那一天没有数值"),
    (r"hours are not carried forward", "小时值不沿用"),
]


def chinese(reason: str | None) -> str:
    """A stored reason in Chinese; what no pattern knows stays as it is."""
    said = reason or ""
    for pattern, words in _REASONS:
        said = re.sub(pattern, words, said)
    return said.replace("; ", "；")


def failure(code: str | None, error: str | None) -> str:
    """Code and sentence of an error, the code once."""
    said = error or ""
    return said if not code or said.startswith(code) else f"{code} {said}".strip()


def number(value: float | Decimal | None, missing: str = "–") -> str:
    """Twelve significant digits at most, as values are kept, with no trailing zeros."""
    return missing if value is None else f"{float(value):.12g}"


def percent(share: float | None) -> str:
    """A share as percent with at most two decimals."""
    return "–" if share is None else f"{share * 100:.2f}".rstrip("0").rstrip(".") + " %"


def moment(at: datetime | None) -> str:
    """Local time to the minute."""
    return "–" if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def ranges(days: Iterable[date]) -> str:
    """`2026-11-01..03, 2026-11-07`: runs of days together."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day == runs[-1][1] + timedelta(days=1):
            runs[-1][1] = day
        else:
            runs.append([day, day])
    return ", ".join(f"{first}" if first == last else f"{first}..{last}" for first, last in runs)
