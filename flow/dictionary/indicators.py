"""Pages of indicators, as Markdown: one a platform, with formula, roll-up, source, thresholds and SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flow.dictionary.pages import INDEX, MADE, cell
from flow.dictionary.whole import Whole
from indicators.definitions import Definition

DIRECTIONS = {
    "higher": "越高越好 higher is better",
    "lower": "越低越好 lower is better",
    "none": "无好坏 neither",
    "target": "接近目标为好 close to the target is good",
}
KINDS = {
    "ratio_of_counts": "计数之比 ratio of counts",
    "ratio_of_sums": "总量之比 ratio of sums",
    "mean": "平均 mean",
    "weighted_mean": "加权平均 weighted mean",
    "energy_mean": "能量平均 energetic mean",
    "quantile": "分位数 quantile",
    "sum": "求和 sum",
    "count": "计数 count",
    "ledger": "记分 ledger",
}
SPACES = {
    "territory": "区域 territory",
    "department": "部门 department",
    "county": "全县 county",
    "road": "道路 road",
    "company": "企业 company",
    "site": "工地 site",
    "station": "站点 station",
    "plant": "厂 plant",
    "grid": "网格 grid",
    "furnace": "焚烧炉 furnace",
    "cabinet": "控制箱 cabinet",
    "owner": "权属单位 owner",
    "contractor": "养护单位 contractor",
    "point": "测点 point",
    "park": "公园 park",
    "squad": "中队 squad",
    "class": "部件类别 class",
    "dma": "计量分区 DMA",
    "feed": "数据源 feed",
}
TIMES = {
    "hour": "时 hour",
    "day": "日 day",
    "week": "周 week",
    "month": "月 month",
    "quarter": "季 quarter",
    "season": "采暖季 heating season",
    "year": "年 year",
}


def page(whole: Whole, platform: str) -> str:
    """All indicators of a platform."""
    title = whole.parts[platform]
    lines = [MADE, f"# {title.zh}指标 Indicators: {title.en}", "", f"[数据字典 Dictionary]({INDEX})"]
    if whole.of_part(platform):
        lines[-1] += f" · [数据表 Tables]({platform}.md)"
    places = {table.name: table.part for table in whole.tables}
    for definition in whole.definitions:
        if definition.platform == platform:
            lines += ["", *described(definition, places)]
    return "\n".join(lines) + "\n"


def described(item: Definition, places: dict[str, str] | None = None) -> Iterator[str]:
    """The lines about one indicator; `places`: table → page, for links."""
    yield f'## <a id="{item.code.lower()}"></a>{item.code} {item.title.zh} {item.title.en}'
    yield ""
    yield "| | |"
    yield "|---|---|"
    for name, text in _facts(item, places or {}):
        yield f"| {name} | {cell(text)} |"
    for name, limit in item.limits.items():
        yield f"| 阈值 Threshold `${name}` | {limit.value}: {cell(limit.source)} |"
    for name, sql in item.statements():
        yield from ("", f"`{name}`:", "", "```sql", sql.strip(), "```")


def _facts(item: Definition, places: dict[str, str]) -> Iterator[tuple[str, str]]:
    yield "公式 Formula", f"`{item.formula}`"
    yield "单位 Unit", item.unit
    yield "方向 Direction", DIRECTIONS[item.direction]
    yield "类型 Kind", f"{KINDS[item.kind]} (`{item.kind}`)"
    yield "粒度 Grain", ", ".join(SPACES.get(name, name) for name in item.grain.space)
    yield "周期 Periods", ", ".join(TIMES[name] for name in item.grain.time)
    yield "汇总 Roll-up", roll_up(item)
    yield "依据 Source", item.source
    yield "可信度 Confidence", item.confidence
    yield "最低覆盖率 Minimum coverage", f"{item.min_coverage:g}" if item.min_coverage else "无 none"
    if item.target is not None:
        yield "目标 Target", json.dumps(item.target, ensure_ascii=False)
    if item.note:
        yield "说明 Note", item.note
    for name, tables in (
        ("数据表 Tables", item.tables),
        ("台账 Registries", item.registries),
        ("中间表 Derived", item.derived),
    ):
        if tables:
            yield name, ", ".join(_link(table, places) for table in tables)
    if item.by == "event":
        yield (
            "归日 Counted on",
            "按事件时间，迟到的行会改变以后各日 the day of an event: a late row may change any later day",
        )


def roll_up(item: Definition) -> str:
    """How values of days and units become one of a longer period or the county, in both languages."""
    if item.kind in {"sum", "count"}:
        value = "SUM(numerator)" if item.scale == 1 else f"{item.scale:g} * SUM(numerator)"
    elif item.kind == "energy_mean":
        value = "10 * LOG10(SUM(numerator) / SUM(denominator))"
    else:
        value = f"{'' if item.scale == 1 else f'{item.scale:g} * '}SUM(numerator) / SUM(denominator)"
    if item.roll_up == "sum":
        return f"可相加：`{value}` over days or units adds up"
    if item.county == "run":
        return (
            "不可相加：各周期和全县分别从明细计算 does not add: each period and the county are computed from the rows"
        )
    return f"各周期从明细计算，单位之间可相加：`{value}`: each period is computed from the rows, units add up"


def _link(table: str, places: dict[str, str]) -> str:
    return f"[`{table}`]({places[table]}.md#{table})" if table in places else f"`{table}`"
