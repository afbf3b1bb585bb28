"""The chain of an answer, from question and evidence alone: value, reason, days, feeds, rows, formula, limits."""

from __future__ import annotations

from collections.abc import Iterator

from indicators.values import ADDITIVE_KINDS
from indicators.why import basis, days, feeds
from indicators.why.evidence import Evidence, Feed, Stored
from indicators.why.question import Question
from indicators.why.sentence import Answer, Reference, Sentence
from indicators.why.words import STATES, chinese, moment, number, percent


def compose(question: Question, evidence: Evidence) -> Answer:
    """The answer. Pure: the same question and evidence give the same text."""
    definition, unit, stored = question.definition, question.unit, evidence.stored
    state = "not_computed" if stored is None else stored.state
    return Answer(
        code=definition.code,
        title_zh=definition.title.zh,
        title_en=definition.title.en,
        measure=definition.unit,
        unit_code=unit.code,
        unit_zh=unit.zh,
        unit_en=unit.en,
        period_kind=question.kind,
        period=question.name,
        state=state,
        value=stored.value if stored else None,
        numerator=stored.numerator if stored else None,
        denominator=stored.denominator if stored else None,
        coverage=stored.coverage if stored else None,
        reason=stored.reason if stored else None,
        as_of=stored.as_of if stored else None,
        sentences=tuple(_sentences(question, evidence, state)),
    )


def _sentences(question: Question, evidence: Evidence, state: str) -> Iterator[Sentence]:
    stored = evidence.stored
    yield _answer(question, stored, state)
    if stored is None:
        yield _not_computed(question, evidence)
    else:
        yield from _moved_on(question, evidence, stored)
        yield from _coverage(question, stored)
        yield from _nothing(question, evidence, stored)
    if evidence.days:
        yield from days.of_period(question, evidence)
        for feed in _worst_first(evidence):
            yield from feeds.of_days(evidence, feed)
    else:
        for feed in _worst_first(evidence):
            yield from feeds.of_day(question, evidence, feed)
    for feed in evidence.feeds:
        yield from basis.rows(question, feed)
    yield basis.formula(question)
    yield from basis.limits(question)
    yield from basis.restated(evidence)
    if stored is not None and stored.definition_sha256 != question.definition.sha256:
        yield Sentence(
            "definition",
            "这个数值是按指标定义的另一个版本算出的，下一次计算会按现行定义重算。",
            "Another version of the definition gave this value; the next computation takes the present one.",
            (basis.definition_file(question),),
        )


def _answer(question: Question, stored: Stored | None, state: str) -> Sentence:
    definition, unit = question.definition, question.unit
    zh, en = STATES[state]
    what_zh = f"{unit.zh} {question.name} {definition.code} {definition.title.zh}"
    what_en = f"{definition.code} {definition.title.en} of {unit.en} for {question.name}"
    if stored is None or stored.value is None:
        why = (f"：{chinese(stored.reason)}", f": {stored.reason}") if stored and stored.reason else ("", "")
        return Sentence(
            "answer",
            f"{what_zh}：没有数值（{zh}）{why[0]}。缺不等于零。",
            f"{what_en}: no value ({en}){why[1]}. Missing is not zero.",
            (basis.definition_file(question),),
        )
    shown, sums = f"{number(stored.value)} {definition.unit}", number(stored.numerator)
    sums += f" / {number(stored.denominator)}" if definition.kind not in ADDITIVE_KINDS else ""
    why_zh = f"，因为 {chinese(stored.reason)}" if stored.reason else ""
    why_en = f" because {stored.reason}" if stored.reason else ""
    return Sentence(
        "answer",
        f"{what_zh} = {shown}（{sums}），状态{zh}{why_zh}；计算于 {moment(stored.as_of)}。",
        f"{what_en} = {shown} ({sums}), {en}{why_en}; computed {moment(stored.as_of)}.",
        (basis.definition_file(question),),
    )


def _not_computed(question: Question, evidence: Evidence) -> Sentence:
    """Why there is no row at all."""
    unit, period = question.unit, question.period
    outside = (unit.valid_from is not None and unit.valid_from >= period.end) or (
        unit.valid_to is not None and unit.valid_to < period.first
    )
    if outside:
        said = f"{unit.valid_from or '…'} – {unit.valid_to or '…'}"
        zh, en = f"{unit.zh} 只在 {said} 期间考评。", f"{unit.en} is assessed only in {said}."
    elif evidence.computed:
        zh = f"这一期间算过，但没有 {unit.code} 的行：数据中没有出现它。"
        en = f"The period was computed without {unit.code}: no row names it."
    else:
        command = f"cityhub backfill FEED --from {period.first} --to {period.last}"
        zh = f"这一期间还没有计算过：等下一夜，或补算 {command}。"
        en = f"The period has not been computed: the next night does it, or {command}."
    return Sentence("reason", zh, en)


def _moved_on(question: Question, evidence: Evidence, stored: Stored) -> Iterator[Sentence]:
    """The ledger says something else now than when the value was computed."""
    reason = stored.reason or ""
    known = [part for part in (evidence.standing.missing, evidence.standing.provisional) if part]
    new = [part for text in known for part in text.split("; ") if part not in reason]
    was = stored.state == "missing" and evidence.standing.missing is None
    if new or was:
        said = "; ".join(new) or "the feeds are there"
        yield Sentence(
            "reason",
            f"计算之后台账有变化：现在是 {chinese(said) if new else '已到'}；下一夜会重算。",
            f"The ledger has moved on since: now {said}; the next night computes it again.",
        )


def _coverage(question: Question, stored: Stored) -> Iterator[Sentence]:
    least, definition = question.definition.min_coverage, question.definition
    reference = Reference(
        "coverage", definition.code, {"min_coverage": least, "n_valid": stored.n_valid, "n_expected": stored.n_expected}
    )
    if stored.n_expected is None or stored.state == "missing":
        return
    valid, seen = stored.n_valid or 0, (stored.n_valid or 0) / stored.n_expected if stored.n_expected else None
    low = seen is not None and seen < least
    if not least:
        yield Sentence(
            "coverage",
            f"应有 {stored.n_expected}，有效 {valid}（{percent(seen)}），没有最低要求。",
            f"{valid} of {stored.n_expected} are valid ({percent(seen)}), no least share is asked for.",
            (reference,),
        )
        return
    yield Sentence(
        "coverage",
        f"应有 {stored.n_expected}，有效 {valid}（{percent(seen)}），最低要求 {percent(least)}"
        + ("，未达到，因此数值暂定。" if low else "，已达到。"),
        f"{valid} of {stored.n_expected} are valid ({percent(seen)}), at least {percent(least)} is asked for"
        + (": too few, so the value is provisional." if low else ": enough."),
        (reference,),
    )


def _nothing(question: Question, evidence: Evidence, stored: Stored) -> Iterator[Sentence]:
    """The feeds came and hold nothing of the unit."""
    facts = [feed for feed in evidence.feeds if not feed.registry and feed.rows and feed.rows.of_unit]
    empty = [feed for feed in facts if feed.rows and feed.rows.count == 0]
    if stored.state not in {"no_denominator", "ok", "provisional"} or not empty or len(empty) < len(facts):
        return
    tables = "、".join(feed.table for feed in empty)
    last = max((feed.rows.last for feed in empty if feed.rows and feed.rows.last), default=None)
    zh = f"{tables} 中没有 {question.unit.zh} 这一期间的行（" + (f"最近一行在 {last}" if last else "从未有过") + "）"
    en = (
        f"{tables} has no row of {question.unit.en} in this period ("
        + (f"the newest is of {last}" if last else "never had one")
        + ")"
    )
    if stored.value is None:
        zh, en = (
            f"{zh}，没有可计算的对象，所以没有数值，也不是零。",
            f"{en}: there is nothing to count, which is not zero.",
        )
    else:
        zh, en = f"{zh}；数据已到，这类次数按零计。", f"{en}: the feed came, and counts of this kind are then zero."
    yield Sentence("reason", zh, en, tuple(Reference("rows", feed.table, {"rows": 0}) for feed in empty))


def _worst_first(evidence: Evidence) -> list[Feed]:
    def fine(feed: Feed) -> bool:
        return bool(feed.lines) and all(
            line.state not in {"expected", "landed", "failed", "held"} and not line.manual for line in feed.lines
        )

    return sorted(evidence.feeds, key=fine)
