"""The tables of the notice: what stands in each cell, and how a missing or provisional number is marked."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from scoring.explain_text import STATES
from scoring.notice.document import Cell, Column, Table
from scoring.notice.facts import MISSING, Facts, Heading, League, Part, Unit
from scoring.notice.origin import origin
from scoring.numbers import rounded, text

NONE = "—"  # does not apply
LEVELS: dict[str, str] = YAML(typ="safe").load(Path(__file__).with_name("words.yaml"))["levels"]
FEED_STATES = {"expected": "未到", "landed": "已收到未入库", "failed": "采集失败", "held": "待核"}
INDICATOR_NOTE = "注：指标的算法、界限和最低数据要求见同号发布文件 indicator；“计分”栏为该指标在数字城管得分中的权重。"


def two(value: Decimal) -> str:
    """Two decimals, half up."""
    return format(rounded(value, 2), "f")


def share(weight: Decimal | None) -> str:
    """A weight as percent."""
    return "" if weight is None else f"{rounded(weight * 100, 2).normalize():f}%"


def state(value: str) -> Cell:
    """A state in words, marked."""
    return Cell(
        STATES.get(value, value), "" if value == "ok" else "provisional" if value == "provisional" else "missing"
    )


def number(part: Part | None) -> Cell:
    """A component's number: — where it does not apply, 缺 where it is missing, 暂 where it is provisional."""
    if part is None:
        return Cell(NONE)
    if part.value is None:
        return Cell(MISSING, "missing")
    return Cell(two(part.value)) if part.state == "ok" else Cell(f"{two(part.value)} 暂", "provisional")


def score(unit: Unit) -> Cell:
    """The announced score."""
    if unit.shown is None:
        return Cell(MISSING, "missing")
    return Cell(unit.shown, "" if unit.state == "ok" else "provisional")


def ranking(league: League) -> Table:
    """Rank, unit, score, grade, state, completeness."""
    columns = (
        Column("名次", 1),
        Column("单位", 3.6, "left"),
        Column("成绩", 1.4, "right"),
        Column("等次", 1.3),
        Column("状态", 1.2),
        Column("完整率", 1.4, "right"),
    )
    rows = tuple(
        (
            Cell(NONE if unit.rank is None else str(unit.rank)),
            Cell(unit.name),
            score(unit),
            Cell(unit.grade or NONE),
            state(unit.state),
            Cell(unit.completeness),
        )
        for unit in league.units
    )
    return Table(f"{league.title}排名", columns, rows)


def parts(league: League) -> Table:
    """A line a unit: each component's number, the events, the score."""
    named = [
        f"{_short(item)}{f'（{share(item.weight)}）' if item.weight is not None else ''}" for item in league.components
    ]
    columns = (
        Column("单位", 2.4, "left"),
        *(Column(title, 1.45, "right") for title in named),
        Column("加减分", 1.1, "right"),
        Column("成绩", 1.2, "right"),
    )
    rows = tuple(
        (
            Cell(unit.name),
            *(number(unit.parts.get(item.id)) for item in league.components),
            Cell(signed(unit.event_points)),
            score(unit),
        )
        for unit in league.units
    )
    return Table(f"{league.title}各组成得分", columns, rows)


def members(league: League, component: Heading) -> Table:
    """A line a unit: the campaigns behind one component."""
    columns = (
        Column("单位", 2.2, "left"),
        *(Column(item.title, 1.2, "right") for item in league.members[component.id]),
    )
    rows = tuple(
        (Cell(unit.name), *(number(unit.parts.get(item.id)) for item in league.members[component.id]))
        for unit in league.units
    )
    return Table(f"{league.title}{component.title}各专项", columns, rows)


def _short(item: Heading) -> str:
    for ending in ("月度考核得分", "考核得分", "考核成绩"):
        if item.title.endswith(ending) and len(item.title) > len(ending):
            return item.title.removesuffix(ending)
    return item.title


def signed(points: Decimal) -> str:
    """With its sign; nothing is 0."""
    return f"{'+' if points > 0 else ''}{text(points)}" if points else "0"


def events(facts: Facts) -> Table:
    """A line an event, with the number of its evidence."""
    columns = (
        Column("编号", 2.2, "left"),
        Column("单位", 1.8, "left"),
        Column("规则", 0.75),
        Column("事项", 3.2, "left"),
        Column("依据文号", 2, "left"),
        Column("日期", 1.65),
        Column("次数", 0.75),
        Column("计入", 0.8),
    )
    rows = tuple(
        (
            Cell(item.id),
            Cell(item.unit),
            Cell(item.rule),
            Cell(f"{_level(item.level)}{item.title}（{item.clause}；{item.effect}）"),
            Cell(item.evidence or MISSING, "" if item.evidence else "missing"),
            Cell(item.on or MISSING, "" if item.on else "missing"),
            Cell(str(item.count)),
            Cell(signed(item.counted)),
        )
        for item in facts.events
    )
    return Table("加分与减分", columns, rows)


def _level(level: str) -> str:
    return f"{LEVELS.get(level, level)}：" if level else ""


def consequences(facts: Facts) -> Table:
    """A line a rule and unit that it fires for."""
    columns = (
        Column("规则", 0.8),
        Column("单位", 2.2, "left"),
        Column("措施", 2.4, "left"),
        Column("奖金（元）", 1.3, "right"),
        Column("状态", 1.2),
        Column("依据条款", 4.4, "left"),
    )
    rows = tuple(
        (
            Cell(item.rule),
            Cell(f"{item.unit}{f'（{item.note}）' if item.note else ''}"),
            Cell(f"{item.action}{f'（{item.by}）' if item.by else ''}"),
            Cell(f"{item.money:,.2f}" if item.money else NONE),
            Cell("生效") if item.in_force else Cell("暂定，未生效", "provisional"),
            Cell(item.clause),
        )
        for item in facts.consequences
    )
    return Table("触发的奖惩", columns, rows)


def feeds(facts: Facts) -> Table:
    """Feeds with days that did not come in order."""
    columns = (
        Column("数据源", 2.6, "left"),
        Column("正常/交付日", 1.3),
        Column("未正常到数的日子", 4.4, "left"),
        Column("退回行数", 1.1, "right"),
    )
    rows = tuple(
        (
            Cell(feed.feed),
            Cell(f"{feed.fine}/{feed.days}"),
            Cell("；".join(_days(kind, days) for kind, days in feed.others.items()), "provisional"),
            Cell(str(feed.quarantined)),
        )
        for feed in facts.feeds
        if feed.others
    )
    return Table("未正常到数的数据源", columns, rows)


def _days(kind: str, days: tuple[str, ...]) -> str:
    more = "等" if len(days) > 6 else ""
    return f"{FEED_STATES.get(kind, kind)} {len(days)} 天（{'、'.join(days[:6])}{more}）"


def gaps(facts: Facts) -> Table:
    """What is missing or provisional, and for whom."""
    columns = (
        Column("项目", 2.8, "left"),
        Column("状态", 0.9),
        Column("单位", 3.2, "left"),
        Column("原因", 3.4, "left"),
    )
    rows = tuple(
        (
            Cell(gap.item),
            Cell("暂定", "provisional") if gap.state == "provisional" else Cell(MISSING, "missing"),
            Cell("、".join(gap.units)),
            Cell(gap.reason or "未说明"),
        )
        for gap in facts.gaps
    )
    return Table("缺项与暂定项", columns, rows)


def switches(facts: Facts) -> Table:
    """What was chosen where the documents leave it open."""
    columns = (
        Column("编号", 0.9),
        Column("问题", 4, "left"),
        Column("取值", 3.6, "left"),
        Column("默认", 0.8),
    )
    rows = tuple(
        (
            Cell(row["id"]),
            Cell(row["question"]),
            Cell(f"{row['option']}：{row['meaning']}"),
            Cell("是") if row["option"] == row["default_option"] else Cell("否", "provisional"),
        )
        for row in in_order(facts.published.rows["switches"])
    )
    return Table("开关", columns, rows)


def in_order(switches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """QA2 before QA10."""
    return sorted(switches, key=lambda row: (row["id"].rstrip("0123456789"), int(re.sub(r"\D", "", row["id"]) or 0)))


def indicators(facts: Facts) -> Table:
    """All indicators with their source, and their weights in the digital-city score."""
    columns = (
        Column("编号", 1.1),
        Column("指标", 2.8, "left"),
        Column("单位", 0.9),
        Column("计分", 1.9, "left"),
        Column("出处", 4.4, "left"),
    )
    titles = {league.id: league.title.zh for league in facts.published.scheme.leagues}
    weights: dict[str, list[str]] = {}
    for league, curves in facts.published.policy.leagues.items():
        for curve in curves:
            weights.setdefault(curve.code, []).append(f"{titles.get(league, league)} {text(curve.weight)}")
    rows = tuple(
        (
            Cell(row["code"]),
            Cell(row["title_zh"]),
            Cell(row["unit"]),
            Cell("；".join(weights.get(row["code"], [])) or NONE),
            Cell(origin(row["source"], row["confidence"])),
        )
        for row in facts.published.rows["indicator"]
    )
    return Table("指标清单", columns, rows)
