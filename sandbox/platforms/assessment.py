"""考评办 the assessment office: what people fill in by hand each month, one workbook of four sheets.

All generated. Units differ on purpose, so that every grade occurs; the events try the caps and the rule that
of one honour only the highest level counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from cityhub.clock import month_of
from sandbox.dataset import Dataset
from sandbox.world import World

WORKBOOK = "考核打分_{month}.xlsx"
SHEETS = {"special": "专项考核", "office": "办公室考核", "digital": "数字城管", "event": "加减分"}
CAMPAIGNS = (
    "架空线路专项整治",
    "街景立面专项整治",
    "城市道路管理养护专项整治",
    "建筑垃圾专项整治",
    "城市园林绿化建设管理提升",
    "静态停车专项整治",
    "户外广告专项整治",
    "施工工地围挡专项整治",
)
OFFICES = ("县综治平安建设", "县文明办", "县城管办", "县创园工作")
# Unit → usual level of its scores and the campaigns that it takes part in (None: all eight).
TERRITORIES: dict[str, tuple[float, tuple[int, ...] | None]] = {
    "金城街道办事处": (95.5, None),
    "产业聚集区管委会": (89.0, None),
    "五里河镇": (83.0, None),
    "城郊乡": (72.0, None),
}
DEPARTMENTS: dict[str, tuple[float, tuple[int, ...] | None]] = {
    "县城市管理局": (94.0, (1, 3, 5, 6, 7)),
    "县住房和城乡建设局": (89.0, (0, 2, 3, 4, 7)),
    "县交通运输局": (84.5, (2, 3, 5)),
    "县公安局": (95.0, (0, 2, 5)),
    "县生态环境分局": (87.0, (3, 7)),
    "县水利局": (73.0, (2, 4)),
}
UNITS = TERRITORIES | DEPARTMENTS
SCORERS = {"territory": "三化办考核一组", "department": "三化办考核二组"}
NOT_APPLICABLE = "不适用"

# (number, rule, level, unit, count, day of the decision, evidence, note)
EVENTS: tuple[tuple[int, str, str, str, int, int, str, str], ...] = (
    (1, "B1", "省级", "金城街道办事处", 1, 3, "豫城管〔示例〕1号", "同一荣誉,省市两级"),
    (1, "B1", "市级", "金城街道办事处", 1, 3, "汴城管〔示例〕8号", "同一荣誉,省市两级"),
    (2, "B3", "无", "产业聚集区管委会", 8, 4, "三化办核定单(示例)2号", "单月加分超过上限"),
    (3, "D1", "市级", "城郊乡", 1, 6, "媒体监测单(示例)3号", ""),
    (4, "B2", "无", "县城市管理局", 1, 7, "批示件(示例)4号", ""),
    (5, "D3", "无", "县水利局", 1, 9, "督查通报(示例)5号", ""),
    (6, "D2", "无", "五里河镇", 3, 11, "创建办失分清单(示例)6号", "失分点三处"),
    (7, "D4b", "无", "县交通运输局", 1, 14, "联合执法纪要(示例)7号", ""),
    (8, "D5", "无", "城郊乡", 1, 18, "重点任务清单(示例)8号", ""),
)


def specials(world: World) -> pa.Table:
    """Campaign scores, one row a unit and campaign; `不适用` where a department has no part in a campaign."""
    rng, month = world.stable_rng(f"assessment.special|{month_of(world.day)}"), month_of(world.day)
    rows = []
    for unit, (level, takes_part) in UNITS.items():
        scores = np.clip(rng.normal(level, 1.8, len(CAMPAIGNS)), 40, 100).round(1)
        group = "territory" if unit in TERRITORIES else "department"
        for place, campaign in enumerate(CAMPAIGNS):
            applies = takes_part is None or place in takes_part
            value = f"{scores[place]:.1f}" if applies else NOT_APPLICABLE
            rows.append((month, unit, campaign, value, SCORERS[group]))
    return _table(("月份", "单位", "item", "value", "打分人"), rows)


def offices(world: World) -> pa.Table:
    """Scores of the four offices, one row a unit and office."""
    rng, month = world.stable_rng(f"assessment.office|{month_of(world.day)}"), month_of(world.day)
    rows = []
    for unit, (level, _) in UNITS.items():
        scores = np.clip(rng.normal(level + 1.5, 1.2, len(OFFICES)), 40, 100).round(1)
        rows += [(month, unit, office, f"{score:.1f}") for office, score in zip(OFFICES, scores, strict=True)]
    return _table(("月份", "单位", "item", "value"), rows)


def digital(world: World) -> pa.Table:
    """Digital-city scores given by hand: none, the hub computes them."""
    return _table(("月份", "单位", "得分", "理由"), [])


def events(world: World) -> pa.Table:
    """Bonus and deduction events decided in the month up to the day."""
    rows = [
        (
            f"JJF-{month_of(world.day)}-{number:02d}",
            rule,
            level,
            unit,
            str(count),
            date(world.day.year, world.day.month, day).isoformat(),
            evidence,
            note,
        )
        for number, rule, level, unit, count, day, evidence, note in EVENTS
        if day <= world.day.day
    ]
    return _table(("事件编号", "条款", "级别", "单位", "次数", "核定日期", "佐证材料", "备注"), rows)


def _table(names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> pa.Table:
    return pa.table({name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)})


DATASETS = {
    "special": Dataset("assessment.special", specials),
    "office": Dataset("assessment.office", offices),
    "digital": Dataset("assessment.digital", digital),
    "event": Dataset("assessment.event", events),
}
