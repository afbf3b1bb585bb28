"""The answer in Chinese: one sentence first, then the lines behind it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

Tree = dict[str, Any]
WHAT = {"inserted": "新增", "changed": "改变", "removed": "删除"}
STATES = {"ok": "正常", "provisional": "暂定", "missing": "缺", "no_denominator": "无分母"}
SEEN = Decimal("0.00005")  # what four places show
CAUSES = {"rows": "数据行变化", "definition": "指标定义变化", "ledger": "到数情况变化"}


def sentence(tree: Tree) -> str:
    """Who, what, from where to where, and the largest reasons."""
    between = f"（{tree['from']['label']} → {tree['to']['label']}）"
    if "score" not in tree:
        item = tree["indicators"][0]
        old, new = (_n(value) for value in item["value"])
        what = f"{tree['name']} {tree['period']} {item['code']} {item['title'] or ''}"
        return f"{what}由 {old} 变为 {new}{between}：{_sums(item)}{_days(item)}。"
    score = tree["score"]
    old, new = (_n(value) for value in score["score"])
    head = f"{tree['name']} {tree['period']} 总分"
    if score["difference"] is None:
        return f"{head}由 {old} 变为 {new}{between}：{score['reason'][1] or score['reason'][0] or '缺项'}。"
    moved = Decimal(score["difference"])
    if not moved and not score["components"]:
        return f"{head}没有变化，仍为 {new}{between}。"
    way = "上升" if moved > 0 else "下降" if moved < 0 else "不变，组成有变化，差"
    return f"{head}由 {old} 变为 {new}，{way} {_n(abs(moved))} 分{between}：{_reasons(tree)}。"


def _reasons(tree: Tree) -> str:
    parts = sorted(tree["score"]["components"], key=lambda part: -abs(Decimal(part["points"] or 0)))
    said = "，".join(f"{part['component']} {_signed(part['points'])}" for part in parts if Decimal(part["points"] or 0))
    first = sorted(tree["indicators"], key=lambda item: not any(not day["new"] for day in item["days"]))[:3]
    behind = "；".join(f"{item['code']} {item['title'] or ''}：{_sums(item)}{_days(item)}" for item in first)
    return (said or "取整") + (f"；其中 {behind}" if behind else "")


def lines(tree: Tree) -> Iterator[str]:
    """Everything behind the sentence, level by level."""
    if "score" in tree:
        yield from _score(tree["score"])
    for item in tree["indicators"]:
        yield from _indicator(item)
    for table in tree["rows"]:
        yield from _table(table)
    for move in tree["quarantine"]:
        what = f"隔离 {move['feed']} {move['service_day']} {move['reason']} {move['field'] or ''}"
        yield f"{what}：{move['before'] or '无'} → {move['after'] or '无'}，{move['rows']} 行"
    for load in tree["loads"]:
        yield from _load(load)
    for item in tree["restated"]:
        cause = CAUSES[item["cause"]] + (f"，方案 {item['plan']}" if item["plan"] else "")
        what = f"重算记录 {item['restated_at'][:16]} {item['code']} {item['unit_code']} {item['period']}"
        yield f"{what}：{_n(item['old_value'])} → {_n(item['new_value'])}（{cause}）"
    for rule in tree["rules"]:
        yield f"规则 {rule['what']}：{rule['before'][:24]} → {rule['after'][:24]}"
    for spec in tree["specs"]:
        yield f"接入规格 {spec['feed']} {spec['service_day']}：{spec['before'][:12]} → {(spec['after'] or '')[:12]}"
    if not tree["snapshots_kept"]:
        yield "仓库快照已过保留期（7 天），逐行变化不再可查；以上依据发布文件与接入记录。"


def _score(score: Tree) -> Iterator[str]:
    yield f"名次 {_arrow(score['rank'])}，等次 {_arrow(score['grade'])}，状态 {_arrow(score['state'])}"
    for part in score["components"]:
        numbers = f"得分 {_arrow(part['value'])}，权重 {_arrow(part['weight'])}"
        yield f"  {part['component']}：{numbers}，影响总分 {_signed(part['points'])}"
        for item in part["members"]:
            yield f"    {item['component']}：得分 {_arrow(item['value'])}，影响总分 {_signed(item['points'])}"
        if part["rest"] and abs(Decimal(part["rest"])) >= SEEN:
            yield f"    其余（取整、加减分、改由人工报送）：{_signed(part['rest'])}"
    if score["rest"] and abs(Decimal(score["rest"])) >= SEEN:
        yield f"  其余（取整、分数上下限）：{_signed(score['rest'])}"


def _indicator(item: Tree) -> Iterator[str]:
    what = f"指标 {item['code']} {item['title'] or ''}（{item['unit_code']}）"
    yield f"{what}：{_arrow(item['value'])}，{_sums(item)}，{_arrow(item['state'])}"
    if item["definition"][0] != item["definition"][1]:
        yield "    指标定义变了"
    for day in item["days"]:
        yield f"    {day['day']} {'新增一天' if day['new'] else '重算'}：{_sums(day)}，{_arrow(day['state'])}"


def _table(table: Tree) -> Iterator[str]:
    counts = "，".join(f"{word} {table[name]} 行" for name, word in WHAT.items() if table[name])
    yield f"数据行 {table['table']}（{table['feed']}）：{counts}，批次 {'、'.join(table['loads'])}"
    for row in table["rows"]:
        yield f"    {WHAT[row['what']]} {_pairs(row['key'])}：{_values(row)}（批次 {row['load_id']}）"
    hidden = sum(table[name] for name in WHAT) - len(table["rows"])
    if hidden:
        yield f"    另有 {hidden} 行未列出"


def _load(load: Tree) -> Iterator[str]:
    late = f"，其中属于其他日期 {load['late']} 行" if load["late"] else ""
    counts = f"新增 {load['inserted']}，改变 {load['updated']}，隔离 {load['quarantined']}{late}"
    yield f"批次 {load['load_id']} {load['feed']} {load['service_day']}：{counts}"
    for file in load["files"]:
        yield f"    {load['landing_folder']}/{file['file']} sha256 {file['sha256']}"


def _n(value: Any) -> str:
    if value is None:
        return "缺"
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value))
    return format(number.quantize(Decimal("0.0001")), "f").rstrip("0").rstrip(".") or "0"


def _signed(value: Any) -> str:
    number = Decimal(value or 0)
    return ("+" if number > 0 else "−" if number < 0 else "") + _n(abs(number))


def _arrow(pair: list[Any]) -> str:
    old, new = (_word(value) for value in pair)
    return old if old == new else f"{old} → {new}"


def _word(value: Any) -> str:
    if isinstance(value, str) and value in STATES:
        return STATES[value]
    try:
        return _n(value)
    except ArithmeticError:
        return str(value)


def _sums(item: Tree) -> str:
    parts = [f"{name} {_arrow(item[key])}" for key, name in (("numerator", "分子"), ("denominator", "分母"))]
    return "，".join(parts)


def _days(item: Tree) -> str:
    new = [day["day"] for day in item["days"] if day["new"]]
    again = [day["day"] for day in item["days"] if not day["new"]]
    words = [
        f"{'、'.join(days[:3])}{'等' if len(days) > 3 else ''}{word}"
        for days, word in ((again, "重算"), (new, "新到"))
        if days
    ]
    return f"（{'，'.join(words)}）" if words else ""


def _pairs(values: Tree) -> str:
    return "，".join(f"{name}={value}" for name, value in values.items())


def _values(row: Tree) -> str:
    old, new = row["before"], row["after"]
    if old is None or new is None:
        return _pairs({name: value for name, value in (new or old).items() if value is not None and name[0] != "_"})
    return "，".join(f"{name} {old[name]} → {new[name]}" for name in new)
