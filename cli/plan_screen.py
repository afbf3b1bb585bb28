"""A plan for people: what would be different, A → B, units by their Chinese names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cli.output import out, table
from flow.plan.store import Plan

SHOWN = 40
STATES = {
    "ok": "正常", "provisional": "暂定", "missing": "缺", "no_denominator": "无分母", "open": "待处理",
    "fixed": "源头已改正", "released": "已放行", "waived": "已豁免",
}  # fmt: skip
NEEDS = {"next publication": "下次发布即更新", "correction": "需发布更正并写明理由"}


def print_plan(plan: Plan) -> None:
    """Tables by part, the most important first; at most `SHOWN` lines each, all of them with `--json`."""
    changes = plan.changes
    out.print(f"方案 {plan.id}：{plan.change.subject}（基于仓库快照 {plan.snapshot}）", markup=False)
    for problem in plan.problems:
        out.print(f"  未能取数 {problem}", markup=False)
    if plan.empty:
        out.print("没有任何变化。", markup=False)
        return
    _part("名次与成绩", ("月份", "单位", "总分", "名次", "等次", "状态"), changes["ranking"], _ranking)
    _part("组成项", ("月份", "单位", "组成项", "得分", "折算分", "状态"), changes["scores"], _score)
    _part(
        "指标", ("指标", "名称", "单位", "周期", "数值", "分子/分母", "状态"),
        sorted(changes["indicators"], key=lambda row: row["period_kind"] != "month"), _indicator,
    )  # fmt: skip
    _part("数据行", ("表", "新增", "改变", "删除", "日期"), changes["rows"], _rows)
    _part("隔离", ("数据源", "日期", "原因", "字段", "变化", "行数"), changes["quarantine"], _quarantine)
    _part("台账", ("数据源", "日期", "状态", "入库", "隔离"), changes["ledger"], _ledger)
    _part("质量检查", ("数据源", "日期", "检查", "结果"), changes["checks"], _check)
    _part("已发布月份", ("月份", "发布号", "状态", "需要"), changes["publications"], _publication)
    corrected = [row for item in changes["publications"] for row in item.get("ranking", ())]
    _part("更正后将成为", ("月份", "单位", "总分", "名次", "等次", "状态"), corrected, _ranking)
    if plan.applied is None:
        out.print(f"执行：cityhub apply {plan.id} --reason …", markup=False)
    else:
        out.print(f"已执行：{plan.applied['at']} {plan.applied['by']}，理由：{plan.applied['reason']}", markup=False)


def _part(title: str, columns: tuple[str, ...], rows: list[Any], line: Any) -> None:
    if not rows:
        return
    more = f"，只列前 {SHOWN} 项" if len(rows) > SHOWN else ""
    table(f"{title}（{len(rows)} 项{more}）", columns, [line(row) for row in rows[:SHOWN]])


def _sides(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for side in ("before", "after"):
        yield row[side] or {}


def _arrow(row: Mapping[str, Any], name: str) -> str:
    """`A → B`, or the one value where both are the same; a missing value is 缺, never zero."""
    old, new = (_text(side.get(name)) for side in _sides(row))
    return old if old == new else f"{old} → {new}"


def _text(value: Any) -> str:
    if value is None:
        return "缺"
    if isinstance(value, str):
        if value in STATES:
            return STATES[value]
        whole, point, part = value.partition(".")
        if point and whole.lstrip("-").isdigit() and part.isdigit():  # an exact decimal
            return f"{whole}.{part[:4]}".rstrip("0").rstrip(".")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _ranking(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (row["period"], row["unit_name"], *(_arrow(row, name) for name in ("score", "rank", "grade", "state")))


def _score(row: Mapping[str, Any]) -> tuple[str, ...]:
    name = row["unit_name"] or row["unit_code"]
    return (row["period"], name, row["component"], *(_arrow(row, item) for item in ("value", "points", "state")))


def _indicator(row: Mapping[str, Any]) -> tuple[str, ...]:
    parts = ["/".join(_text(side.get(name)) for name in ("numerator", "denominator")) for side in _sides(row)]
    sums = parts[0] if parts[0] == parts[1] else " → ".join(parts)
    who = row["unit_name"] or row["unit_code"]
    return (row["code"], row["title"] or "", who, row["period"], _arrow(row, "value"), sums, _arrow(row, "state"))


def _rows(row: Mapping[str, Any]) -> tuple[Any, ...]:
    days = row["days"]
    when = days[0] if len(days) == 1 else f"{days[0]} … {days[-1]}" if days else "–"
    return (row["table"], row["inserted"], row["changed"], row["removed"], when)


def _quarantine(row: Mapping[str, Any]) -> tuple[Any, ...]:
    old, new = row["before"], row["after"]
    move = "新隔离" if old is None else "移出" if new is None else f"{_text(old)} → {_text(new)}"
    return (row["feed"], row["service_day"], row["reason"], row["field"], move, row["rows"])


def _ledger(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (row["feed"], row["service_day"], *(_arrow(row, name) for name in ("state", "loaded", "quarantined")))


def _check(row: Mapping[str, Any]) -> tuple[str, ...]:
    words = ["无" if not side else "通过" if side["success"] else "不通过" for side in _sides(row)]
    return (row["feed"], row["service_day"], row["check_id"], " → ".join(words))


def _publication(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["period"], row["number"], row["status"], NEEDS[row["needs"]])
