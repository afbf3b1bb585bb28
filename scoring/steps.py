"""The lines of a trace that every scheme has: weighting, events, grade, rank."""

from __future__ import annotations

from decimal import Decimal

from scoring.numbers import rounded, text
from scoring.result import ComponentResult, Place, Step
from scoring.scheme import Grade, Scheme
from scoring.switches import Choices


def weighting(
    scheme: Scheme, top: list[ComponentResult], raw: Decimal | None, added: Decimal, choices: Choices
) -> Step:
    """Shares times values, and their sum."""
    if choices["input_scale"] == "points":
        sums = " + ".join(text(p.value) or "缺" for p in top)
    else:
        sums = " + ".join(f"{_cut(p.weight)}×{text(p.value) or '缺'}" for p in top)
    return Step(
        rule="weighted_sum",
        what=f"加权：{sums}" + (f" + ({text(added)})" if added else ""),
        inputs={part.component: text(part.points) or "" for part in top},
        result=text(raw) or "暂定，不出总分",
        clause=scheme.formula,
    )


def _cut(weight: Decimal | None) -> str:
    return "缺" if weight is None else text(rounded(weight, 6)) or ""


def adding(raw: Decimal, net: Decimal, score: Decimal, choices: Choices) -> Step:
    """Event points on top of the weighted sum."""
    return Step(
        rule="events",
        what="加减分加到加权成绩",
        inputs={"weighted_sum": text(raw) or "", "events": text(net) or ""},
        result=text(score) or "",
        switch=choices.cite("event_points"),
    )


def grade(scheme: Scheme, band: Grade, score: Decimal, flags: frozenset[str], choices: Choices) -> Step:
    """The band, with what kept the unit from a better one."""
    blocking = [rule for rule in scheme.events if rule.id in flags and rule.blocks_grade]
    held = f"（{'；'.join(rule.title for rule in blocking)}）" if blocking else ""
    cited = choices.cite("veto_source") if blocking else choices.cite("grade_rounding")
    return Step("grade", f"等次：{band.title.zh}{held}", {"score": text(score) or ""}, band.id,
                scheme.grade_clause, cited)  # fmt: skip


def ranking(scheme: Scheme, place: Place, score: Decimal, choices: Choices) -> Step:
    """The place in the group."""
    tied = f"，{place.tied} 个单位并列" if place.tied > 1 else ""
    return Step(
        rule="rank",
        what=f"第 {place.rank} 名，共 {place.size} 个有成绩的单位{tied}",
        inputs={"score": text(score) or ""},
        result=str(place.rank),
        clause=scheme.rank_clause,
        switch=f"{choices.cite('ties')}，{choices.cite('groups')}",
    )
