"""The explanation of a score as text: Chinese first, codes beside it, the same order for every unit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from scoring.numbers import rounded

STATES: dict[str, str] = {
    "ok": "完整",
    "provisional": "暂定",
    "missing": "缺",
    "no_denominator": "无分母",
}


def render(tree: dict[str, Any]) -> str:
    """The whole tree as lines."""
    lines = [
        f"{tree['name']}（{tree['unit']}）{tree['month']} 月度考核",
        f"  成绩 {_score(tree)}　等次 {tree['grade'] or '—'}　{tree['league']}第 {tree['rank'] or '—'} 名　"
        f"状态 {STATES.get(tree['state'], tree['state'])} {tree['state']}",
        f"  办法 {tree['scheme']}（{tree['document']}）　数据截至 {tree['as_of']}　"
        f"完整率 {_percent(tree['completeness'])}　发布号 {tree.get('publication') or '未发布'}",
    ]
    if tree["reason"]:
        lines.append(f"  原因 {tree['reason']}")
    lines.append("")
    lines.append("组成")
    for component in tree["components"]:
        lines += _component(component)
    lines.append(f"  加权成绩 {tree['raw'] or '暂定，不出总分'}")
    lines += _events(tree)
    lines.append("")
    lines.append("推算步骤")
    lines += [step_line(number, step) for number, step in enumerate(tree["steps"], 1)]
    lines.append("")
    lines += _consequences(tree)
    lines.append("开关（文件未定之处的取值）")
    lines += [
        f"  {item['id']} {item['name']}={item['option']}：{item['meaning']}"
        + ("" if item["option"] == item["default"] else f"　〔默认 {item['default']}〕")
        for item in tree["switches"]
    ]
    return "\n".join(lines) + "\n"


def _score(tree: dict[str, Any]) -> str:
    if tree["score"] is None:
        return "暂无"
    return f"{tree['shown']}（{tree['score']}）" if tree["shown"] != tree["score"] else str(tree["score"])


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{rounded(Decimal(repr(share)) * 100, 1)}%"


def _component(item: dict[str, Any]) -> list[str]:
    lines = [
        f"  {item['title']}（{item['component']}）：{_weight(item['weight'])} × {item['value'] or '缺'} = "
        f"{item['points'] or '—'}　{STATES.get(item['state'], item['state'])}　〔{item['clause']}〕"
    ]
    if item["reason"]:
        lines.append(f"      {item['reason']}")
    for member in item.get("members", []):
        state = "" if member["state"] == "ok" else f"　{STATES.get(member['state'], member['state'])}"
        lines.append(f"      {member['title']} {member['value'] or '缺'}{state}")
    if "policy" in item:
        lines.append(f"      {item['policy']['note']}（{item['policy']['version']}）")
    for indicator in item.get("indicators", []):
        lines += _indicator(indicator)
    lines += [f"      {_feed(feed)}" for feed in item.get("feeds", [])]
    return lines


def _weight(weight: str | None) -> str:
    return "—" if weight is None else f"{rounded(Decimal(weight) * 100, 2).normalize():f}%"


def _indicator(item: dict[str, Any]) -> list[str]:
    if "value" not in item:
        return [
            f"      {item['code']} {item['of']}：缺（{item['reason'] or '未计算'}）　权重 {_weight(item['weight'])}"
        ]
    shown = "缺" if item["value"] is None else _plain(item["value"]) + (item["unit"] or "")
    ratio = ""
    if item["numerator"] is not None:
        ratio = f" = {_plain(item['numerator'])}"
        ratio += f" / {_plain(item['denominator'])}" if item["denominator"] is not None else ""
    curve = item["curve"]
    lines = [
        f"      {item['code']} {item['title'] or ''}（{item['of']}）{shown}{ratio}　"
        f"得 {item['marks'] or '缺'}　权重 {_weight(item['weight'])}　"
        f"{STATES.get(item['state'], item['state'])}"
        + (f"　满分 {curve['full_at']}、零分 {curve['zero_at']}" if curve else "")
    ]
    if item["quarantined"]:
        lines.append(f"          隔离区尚有 {item['quarantined']} 行待处理，未计入")
    if item["reason"]:
        lines.append(f"          {item['reason']}")
    return lines + [f"          {_feed(feed)}" for feed in item["feeds"]]


def _plain(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _feed(feed: dict[str, Any]) -> str:
    if "days" not in feed:
        return f"← {feed['feed'] or feed['table']}：本月无交付记录"
    return (
        f"← {feed['feed']}（{feed['table']}）：{feed['days_fine']}/{feed['days']} 天正常"
        f"（{feed['states']}），入库 {feed['loaded'] or 0}，隔离 {feed['quarantined'] or 0}"
        f"（待处理 {feed['refused_open'] or 0}、已豁免 {feed['refused_waived'] or 0}），"
        f"最近 {feed['last_day']} {feed['load_id'] or ''}"
    )


def _events(tree: dict[str, Any]) -> list[str]:
    lines = ["", f"加减分 {tree['event_points'] or '0'}"]
    for event in tree["events"]:
        level = "" if event.get("level") in (None, "none") else f" {event['level']}"
        lines.append(
            f"  {event['rule']}{level} ×{event['count']} {event['title']}："
            f"{event['stated']} → {event['counted']}（{event['effect']}）　{event['event_id']} "
            f"{event.get('on') or ''} {event.get('evidence') or ''}　〔{event['clause']}〕"
        )
    return lines


def step_line(number: int, step: dict[str, Any]) -> str:
    """One step of a trace: what was done, to what, with what result, by which clause and switch."""
    inputs = "，".join(f"{key}={value}" for key, value in step.get("inputs", {}).items() if value != "")
    note = "　".join(part for part in (step.get("clause"), step.get("switch")) if part)
    return (
        f"  {number}. [{step['rule']}] {step['what']}"
        + (f"（{inputs}）" if inputs else "")
        + (f" → {step.get('result', '')}" + (f"　〔{note}〕" if note else ""))
    )


def _consequences(tree: dict[str, Any]) -> list[str]:
    if not tree["consequences"]:
        return ["奖惩：无", ""]
    head = "奖惩" if tree["state"] == "ok" else "奖惩（成绩暂定，尚未生效）"
    lines = [f"{head}：奖金合计 {tree['money_yuan']} 元"]
    for item in tree["consequences"]:
        money = "" if item["money_yuan"] in (None, "0") else f" {item['money_yuan']} 元"
        note = f"（{item['note']}）" if item.get("note") else ""
        by = f"，{item['by']}" if item.get("by") else ""
        lines.append(f"  {item['rule']} {'、'.join(item['action'])}{money}{by}{note}　〔{item['clause']}〕")
    return [*lines, ""]
