"""What the chain says of one feed: did it come, what was refused, what holds it, who moves next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from indicators.delivered import Standing
from indicators.why import trouble
from indicators.why.evidence import Evidence, Feed
from indicators.why.question import Question
from indicators.why.sentence import Reference, Sentence
from indicators.why.words import ARRIVED, failure, moment, ranges
from warehouse.ledger import GOOD, OPEN, Row, expected_by, owner
from warehouse.status import TROUBLE, WORDS, word


def of_day(question: Question, evidence: Evidence, feed: Feed) -> Iterator[Sentence]:
    """Everything about one feed on one day, what troubles the value first."""
    if feed.spec is None:
        yield Sentence(
            "feed",
            f"没有数据源写入表 {feed.table}，因此没有数值。",
            f"No feed fills the table {feed.table}, so there is no value.",
        )
        return
    line = feed.lines[0] if feed.lines else None
    yield _arrival(question, evidence, feed, line)
    if line is not None:
        yield from _by_hand(feed, line)
        if line.state == "held":
            yield from trouble.holds(feed, line)
    yield from _carried(feed, line, evidence.standing)
    yield from _files(feed)
    yield from trouble.quarantine(feed)
    yield from _move(question, evidence, feed, line)


def of_days(evidence: Evidence, feed: Feed) -> Iterator[Sentence]:
    """A feed over the days of a longer period: how many came, and those that did not, with their loads."""
    if feed.spec is None:
        yield Sentence(
            "feed",
            f"没有数据源写入表 {feed.table}，因此没有数值。",
            f"No feed fills the table {feed.table}, so there is no value.",
        )
        return
    groups: dict[str, list[Row]] = {}
    for line in feed.lines:
        groups.setdefault(_word(line, evidence), []).append(line)
    zh = "；".join(f"{WORDS[key]} {len(lines)} 天（{ranges(_days(lines))}）" for key, lines in groups.items())
    en = "; ".join(f"{ARRIVED[key]} on {len(lines)} days ({ranges(_days(lines))})" for key, lines in groups.items())
    name, title = feed.spec.feed, feed.spec.title
    yield Sentence(
        "feed",
        f"数据源 {name}（{title.zh}）：{zh or '台账没有这段时间的记录'}。",
        f"Feed {name} ({title.en}): {en or 'the ledger has no line in this time'}.",
        tuple(trouble.delivery(line) for line in feed.lines),
    )
    for line in feed.lines:
        if line.state == "held":
            yield from trouble.holds(feed, line)
    yield from trouble.quarantine(feed)
    for line in feed.lines:
        if _word(line, evidence) in TROUBLE and line.whose_move:
            yield trouble.who_moves(feed, line)


def _days(lines: list[Row]) -> list[date]:
    return [line.service_day for line in lines]


def _word(line: Row, evidence: Evidence) -> str:
    return word(line.state, line.expected_by, evidence.now, manual=line.manual, error=line.error_code)


def _arrival(question: Question, evidence: Evidence, feed: Feed, line: Row | None) -> Sentence:
    assert feed.spec is not None
    name, day = feed.spec.feed, question.period.first
    zh = f"数据源 {name}（{feed.spec.title.zh}）{day}："
    en = f"Feed {name} ({feed.spec.title.en}) on {day}: "
    if line is None:
        due = expected_by(feed.spec, day)
        reference = Reference("deadline", f"{name} {day}", {"expected_by": due, "owner": owner(feed.spec)})
        said = "not due yet" if evidence.now <= due else "the ledger has no line"
        zh += f"台账没有记录，时限 {moment(due)}，责任方 {owner(feed.spec)}。"
        return Sentence("feed", zh, f"{en}{said}, expected by {moment(due)}, owner {owner(feed.spec)}.", (reference,))
    key = _word(line, evidence)
    counts_zh = (
        f"到达 {line.landed or 0} 行，入库 {line.loaded or 0}，重复 {line.duplicate or 0}，隔离 {line.quarantined or 0}"
    )
    counts_en = (
        f"{line.landed or 0} rows landed, {line.loaded or 0} loaded, {line.duplicate or 0} duplicate,"
        f" {line.quarantined or 0} quarantined"
    )
    zh, en = zh + WORDS[key], en + ARRIVED[key]
    if line.state in OPEN:
        zh += "，没有可用数据" + (f"，时限 {moment(line.expected_by)}" if line.expected_by else "")
        en += ", nothing of it can be used" + (f", expected by {moment(line.expected_by)}" if line.expected_by else "")
    else:
        zh += f"，{counts_zh}" + (f"，批次 {line.load_id}" if line.load_id else "")
        en += f", {counts_en}" + (f", load {line.load_id}" if line.load_id else "")
    if line.error_code or (line.error and line.state != "held"):
        zh += f"；错误 {failure(line.error_code, line.error)}"
        en += f"; error {failure(line.error_code, line.error)}"
    return Sentence("feed", f"{zh}。", f"{en}.", (trouble.delivery(line),))


def _by_hand(feed: Feed, line: Row) -> Iterator[Sentence]:
    why = line.manual_why or ""
    if line.manual == "upload":
        yield Sentence(
            "fallback",
            f"{feed.spec.feed if feed.spec else feed.table} 的这一天由 {line.manual_by} 人工补录"
            f"{f'（{why}）' if why else ''}，不是平台自己的交付，因此数值暂定。",
            f"The day of {line.feed} was uploaded by {line.manual_by}{f' ({why})' if why else ''}, it is no delivery of"
            " the platform's own: the value is provisional.",
            (trouble.delivery(line),),
        )
    elif line.manual == "empty":
        yield Sentence(
            "fallback",
            f"{line.manual_by} 确认 {line.feed} 这一天没有数据{f'（{why}）' if why else ''}。",
            f"{line.manual_by} confirmed that {line.feed} had no rows that day{f' ({why})' if why else ''}.",
            (trouble.delivery(line),),
        )
    elif line.state == "empty_confirmed":
        yield Sentence(
            "fallback",
            f"{line.feed} 这一天交付了 0 行，接入规格允许为空。",
            f"{line.feed} delivered no rows that day, which its spec allows.",
            (trouble.delivery(line),),
        )


def _carried(feed: Feed, line: Row | None, standing: Standing) -> Iterator[Sentence]:
    """Only for the feed that did not come: the value is that of an earlier day."""
    if standing.carried is None or standing.missing or feed.registry or (line is not None and line.state in GOOD):
        return
    name = feed.spec.feed if feed.spec else feed.table
    yield Sentence(
        "fallback",
        f"{name} 没有到，接入规格允许沿用：数值取自 {standing.carried}，因此暂定，且不计入月度合计。",
        f"{name} did not come and its spec carries forward: the value is that of {standing.carried}, provisional, and"
        " adds nothing to the month.",
        (Reference("delivery", f"{name} {standing.carried}", {"fallback": "carry_forward"}),),
    )


def _files(feed: Feed) -> Iterator[Sentence]:
    for item in feed.landed:
        gone = not item.files
        named = tuple(
            Reference("file", f"{item.folder}/{file}", {"load_id": item.load_id, "sha256": digest})
            for file, digest in item.files.items()
        ) or (Reference("file", item.folder, {"load_id": item.load_id, "content_sha256": item.content_sha256}),)
        yield Sentence(
            "file",
            f"批次 {item.load_id} 的原始字节"
            + ("已过保留期，指纹留存。" if gone else f"在落地区，共 {len(item.files)} 个文件。"),
            f"The bytes of load {item.load_id} "
            + ("are past retention, their digest is kept." if gone else f"lie in landing, {len(item.files)} files."),
            named,
        )


def _move(question: Question, evidence: Evidence, feed: Feed, line: Row | None) -> Iterator[Sentence]:
    if line is not None and _word(line, evidence) in TROUBLE:
        yield trouble.who_moves(feed, line)
    elif line is None and feed.spec is not None and evidence.now > expected_by(feed.spec, question.period.first):
        yield trouble.who_moves(feed, Row(feed.spec.feed, feed.spec.platform, question.period.first, "expected"))
