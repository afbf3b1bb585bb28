"""What a value rests on whatever its state: rows, formula, limits, what it was before."""

from __future__ import annotations

from collections.abc import Iterator

from indicators.why.evidence import Evidence, Feed
from indicators.why.question import Question
from indicators.why.sentence import Reference, Sentence
from indicators.why.words import CAUSES, STATES, moment, number


def definition_file(question: Question) -> Reference:
    facts = {"line": question.line, "sha256": question.definition.sha256}
    return Reference("definition", question.file, facts)


def rows(question: Question, feed: Feed) -> Iterator[Sentence]:
    found = feed.rows
    if found is None or (found.count == 0 and found.of_unit):
        return
    whose = (question.unit.zh, question.unit.en) if found.of_unit else ("全部单位", "all units")
    if found.of_days:
        when = ("这一期间", "in this period")
    elif question.definition.by == "event" and not feed.registry:
        when = ("现有（按各行自己的时间计入）", "now, each counted on the day of its own event")
    else:
        when = ("现有（按现状读取）", "now, read as they stand")
    more = "" if len(found.keys) == found.count else f"，列出前 {len(found.keys)} 行的键"
    yield Sentence(
        "rows",
        f"表 {found.table} {whose[0]}{when[0]} {found.count} 行{more}。",
        f"Table {found.table} has {found.count} rows of {whose[1]} {when[1]}"
        + (f"; the keys of the first {len(found.keys)} are named." if more else "."),
        (Reference("rows", found.table, {"keys": list(found.keys), "load_ids": list(found.loads[:5])}),),
    )


def formula(question: Question) -> Sentence:
    item = question.definition
    how = ("按月由 SQL 整体计算", "the SQL runs over the whole period")
    if item.roll_up == "sum":
        how = ("月值由各日分子、分母相加", "a month adds the days' numerators and denominators")
    facts = {"confidence": item.confidence, "note": item.note or None, "target": item.target}
    return Sentence(
        "formula",
        f"算法：{item.formula}；{how[0]}。出处：{item.source}（{item.confidence}）。",
        f"How: {item.formula}; {how[1]}. Source: {item.source} ({item.confidence}).",
        (definition_file(question), Reference("clause", item.source, facts)),
    )


def limits(question: Question) -> Iterator[Sentence]:
    limits = question.definition.limits
    if not limits:
        return
    listed = ", ".join(f"{name} = {number(limit.value)}" for name, limit in limits.items())
    yield Sentence(
        "limits",
        f"所用界限：{listed}。",
        f"Limits taken: {listed}.",
        tuple(
            Reference("limit", f"{name} = {number(limit.value)}", {"source": limit.source})
            for name, limit in limits.items()
        ),
    )


def restated(evidence: Evidence) -> Iterator[Sentence]:
    for item in evidence.restated:
        zh, en = CAUSES[item.cause]
        old = [f"{number(item.old_value)} ({word})" for word in STATES[item.old_state]]
        new = [f"{number(item.new_value)} ({word})" for word in STATES[item.new_state]]
        yield Sentence(
            "restated",
            f"{moment(item.at)} 重算：{old[0]} → {new[0]}，{zh}。",
            f"Restated {moment(item.at)}: {old[1]} → {new[1]}, {en}.",
            (Reference("restatement", moment(item.at), {"plan": item.plan, "load_ids": item.load_ids}),),
        )
