"""Which days are in a longer period's value, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from indicators.why.evidence import Day, Evidence
from indicators.why.question import Question
from indicators.why.sentence import Reference, Sentence
from indicators.why.words import chinese, ranges


def of_period(question: Question, evidence: Evidence) -> Iterator[Sentence]:
    """Which days are in a longer period's value, and why the others are not."""
    groups: dict[tuple[str, str], list[date]] = {}
    for day in evidence.days:
        groups.setdefault(_class(day, evidence.begun), []).append(day.day)
    inside = [day for (kind, _), days in groups.items() if kind == "in" for day in days]
    yield Sentence(
        "days",
        f"{question.name} 至 {question.period.last} 共 {len(evidence.days)} 天，计入 {len(inside)} 天"
        + (f"（{ranges(inside)}）。" if inside else "。"),
        f"{question.name} has {len(evidence.days)} days up to {question.period.last}, {len(inside)} of them count"
        + (f" ({ranges(inside)})." if inside else "."),
        (Reference("days", question.name, {"counted": [day.isoformat() for day in inside]}),),
    )
    words = {
        "missing": ("没有计入，缺数据", "do not count, missing"),
        "before": ("早于数据源首次到数，不计入也不算缺", "come before the feed's first delivery and are not missed"),
        "carried": ("没有计入，日值为沿用", "do not count, carried forward"),
        "nothing": ("已到，没有该单位的对象", "came and had nothing of the unit"),
        "waiting": ("已到，尚未计算", "came and are not computed"),
        "provisional": ("计入但暂定", "count, provisional"),
    }
    for (kind, reason), days in groups.items():
        if kind in words:
            zh, en = words[kind]
            yield _group(zh, en, reason, days, kind)
    marked = [day for day in evidence.days if day.counted and day.standing.provisional]
    by_reason: dict[str, list[date]] = {}
    for day in marked:
        by_reason.setdefault(day.standing.provisional or "", []).append(day.day)
    for reason, days in by_reason.items():
        yield _group(*words["provisional"], reason, days, "provisional")


def _group(zh: str, en: str, reason: str, days: list[date], kind: str) -> Sentence:
    return Sentence(
        "days",
        f"{ranges(days)}（{len(days)} 天）{zh}{f'：{chinese(reason)}' if reason else ''}。",
        f"{ranges(days)} ({len(days)} days) {en}{f': {reason}' if reason else ''}.",
        (Reference("days", kind, {"days": [day.isoformat() for day in days], "reason": reason}),),
    )


def _class(day: Day, begun: date | None) -> tuple[str, str]:
    if day.counted:
        return "in", ""
    if begun and day.day < begun and day.standing.missing:
        return "before", ""
    if day.standing.missing:
        return "missing", day.standing.missing
    if day.standing.carried:
        return "carried", day.standing.provisional or ""
    return ("waiting", "") if day.state is None else ("nothing", "")
