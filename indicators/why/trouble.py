"""What holds a feed's day, which of its rows were refused, and who moves next."""

from __future__ import annotations

from collections.abc import Iterator

from indicators.why.evidence import Check, Feed, Refused
from indicators.why.sentence import Reference, Sentence
from indicators.why.words import SEVERITIES, failure, number, ranges
from warehouse.ledger import OPEN, Row, owner
from warehouse.reasons import meaning


def delivery(line: Row) -> Reference:
    """A line of the ledger."""
    facts = {
        "state": line.state, "load_id": line.load_id, "landed": line.landed, "loaded": line.loaded,
        "duplicate": line.duplicate, "quarantined": line.quarantined, "error_code": line.error_code,
        "finished_at": line.finished_at,
    }  # fmt: skip
    return Reference("delivery", f"{line.feed} {line.service_day}", facts)


def holds(feed: Feed, line: Row) -> Iterator[Sentence]:
    """What holds the day: critical checks, or the ledger's own count of rows."""
    critical = [
        check
        for check in feed.checks
        if check.day == line.service_day and check.severity == "critical" and not check.errored
    ]
    for check in critical:
        rows = (
            f"，不合格 {check.unexpected} / {number(check.elements)} 行",
            f", {check.unexpected} of {number(check.elements)} rows",
        )
        zh, en = rows if check.unexpected is not None else ("", "")
        seen, wanted, what = check.observed or "–", check.expected or "–", check.detail or check.kind
        yield Sentence(
            "check",
            f"{line.service_day} 的{SEVERITIES[check.severity]}检查 {check.check_id} 未通过，暂扣 {line.feed} 这一天，"
            f"因此依赖它的数值暂定：{what}（实际 {seen}，应为 {wanted}{zh}）。",
            f"The {check.severity} check {check.check_id} of {line.service_day} failed and holds the day of"
            f" {line.feed}, so what depends on it is provisional: {what} (observed {seen}, expected {wanted}{en}).",
            (_check(check, line.feed),),
        )
    if not critical:
        said = failure(line.error_code, line.error)
        yield Sentence(
            "check",
            f"{line.feed} {line.service_day} 已暂扣：{said or '原因未记录'}。",
            f"{line.feed} of {line.service_day} is held: {said or 'no reason was noted'}.",
            (delivery(line),),
        )


def _check(check: Check, feed: str) -> Reference:
    facts = {
        "day": check.day.isoformat(), "kind": check.kind, "column": check.column, "severity": check.severity,
        "observed": check.observed, "expected": check.expected, "unexpected": check.unexpected,
        "elements": check.elements,
    }  # fmt: skip
    return Reference("check", f"{feed} {check.check_id}", facts)


def quarantine(feed: Feed) -> Iterator[Sentence]:
    """Refused rows of these days, open and waived; whose unit they would be is not known."""
    for item in feed.refused:
        yield _refused(feed, item)


def _refused(feed: Feed, item: Refused) -> Sentence:
    name = feed.spec.feed if feed.spec else feed.table
    said = meaning(item.reason)
    where = f"（字段 {item.field}）" if item.field else ""
    at = f" ({item.field})" if item.field else ""
    days = ranges({item.first, item.last}) if item.first != item.last else f"{item.first}"
    zh = f"{name} {days} 有 {item.count} 行被退回：{said.zh}{where}，"
    en = f"{item.count} rows of {name} {days} were refused: {said.en}{at}, "
    if item.state == "waived":
        zh += f"由 {item.by} 豁免至 {item.waived_until or '无期限'}（{item.why or '未写理由'}），不计入数值。"
        en += f"waived by {item.by} until {item.waived_until or 'further notice'} ({item.why or 'no reason'});"
        en += " they do not count."
    else:
        zh += f"尚待处理，不计入数值；责任方 {item.owner}，办法：{said.do}。"
        en += f"still open; they do not count. Owner: {item.owner}."
    facts = {
        "state": item.state, "reason": item.reason, "field": item.field, "rows": item.count, "ids": item.ids,
        "places": item.places, "owner": item.owner, "by": item.by if item.state == "waived" else None,
    }  # fmt: skip
    return Sentence("quarantine", zh, en, (Reference("quarantine", f"{name} {days}", facts),))


def who_moves(feed: Feed, line: Row) -> Sentence:
    assert feed.spec is not None
    who, name, day = line.whose_move or owner(feed.spec), line.feed, line.service_day
    upload = feed.spec.arrives.fallback == "manual" and line.state in OPEN
    what_zh = (
        f"平台恢复后运行 cityhub backfill {name} --from {day} --to {day}"
        if line.state in OPEN
        else "核对后由平台重新交付，下一夜重新检查"
    )
    what_en = (
        f"once the platform is back: cityhub backfill {name} --from {day} --to {day}"
        if line.state in OPEN
        else "look at the rows and deliver them again; the next night checks them again"
    )
    if upload:
        what_zh += f"；或人工补录 cityhub upload {name} FILE --day {day} --by NAME"
        what_en += f"; or cityhub upload {name} FILE --day {day} --by NAME"
    facts = {"expected_by": line.expected_by, "since": line.since, "who": who}
    return Sentence(
        "move",
        f"{name} {day} 下一步：{who}；{what_zh}。",
        f"Next for {name} {day}: {who}; {what_en}.",
        (Reference("deadline", f"{name} {day}", facts),),
    )
