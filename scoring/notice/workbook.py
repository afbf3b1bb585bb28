"""The ranking as XLSX: a sheet a league, events, consequences, gaps, and what it all rests on. Numbers are numbers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from decimal import Decimal
from typing import Any

from scoring.explain_text import STATES
from scoring.notice import archive
from scoring.notice.document import Notice
from scoring.notice.facts import MISSING, Facts, League, Part
from scoring.notice.tables import LEVELS, NONE, in_order, share
from scoring.numbers import text

SCORE, PERCENT, MONEY, WHOLE = "0.00", "0.0%", "#,##0.00", "0"
HOLD = frozenset({MISSING, "暂定"})
Row = Sequence[Any]


def render(facts: Facts, notice: Notice) -> bytes:
    """The XLSX; the same publication gives the same bytes."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for league in facts.leagues:
        _sheet(book, notice, league.title, *_league(league))
    _sheet(book, notice, "加分减分", *_events(facts))
    _sheet(book, notice, "奖惩", *_consequences(facts))
    _sheet(book, notice, "缺项与暂定项", *_gaps(facts))
    _sheet(book, notice, "依据", ("项目", "内容"), _basis(facts, notice), ("", ""))
    properties, at = book.properties, notice.at.astimezone(UTC).replace(tzinfo=None)
    properties.title, properties.creator, properties.created, properties.modified = (
        "".join(notice.title),
        "CityHub",
        at,
        at,
    )
    out = io.BytesIO()
    book.save(out)
    return archive.pack(out.getvalue(), notice.at)


def _league(league: League) -> tuple[Row, list[Row], Row]:
    """Titles, a row a unit, and the format of each column."""
    members = [item for component in league.components for item in league.members.get(component.id, ())]
    titles = ["名次", "单位", "成绩", "成绩（全部位数）", "等次", "状态", "完整率"]
    titles += [
        f"{item.title}{f'（{share(item.weight)}）' if item.weight is not None else ''}" for item in league.components
    ]
    titles += ["加权成绩", "加减分", "奖惩", "奖金（元）", "说明", *(item.title for item in members)]
    formats = [WHOLE, "", SCORE, "", "", "", PERCENT, *[SCORE] * len(league.components), SCORE, SCORE, "", MONEY, ""]
    rows: list[Row] = [
        [
            NONE if unit.rank is None else unit.rank,
            unit.name,
            MISSING if unit.shown is None else Decimal(unit.shown),
            text(unit.score) or MISSING,
            unit.grade or NONE,
            STATES.get(unit.state, unit.state),
            Decimal(unit.completeness.removesuffix("%")) / 100,
            *(_number(unit.parts.get(item.id)) for item in league.components),
            MISSING if unit.raw is None else unit.raw,
            unit.event_points,
            "、".join(unit.rules),
            unit.money,
            unit.reason,
            *(_number(unit.parts.get(item.id)) for item in members),
        ]
        for unit in league.units
    ]
    return titles, rows, [*formats, *[SCORE] * len(members)]


def _number(part: Part | None) -> Decimal | str:
    if part is None:
        return NONE
    return MISSING if part.value is None else part.value


def _events(facts: Facts) -> tuple[Row, list[Row], Row]:
    titles = ("编号", "单位", "规则", "级别", "事项", "依据文号", "日期", "次数", "应计", "计入", "说明", "条款")
    rows: list[Row] = [
        (
            item.id,
            item.unit,
            item.rule,
            LEVELS.get(item.level, item.level),
            item.title,
            item.evidence or MISSING,
            date.fromisoformat(item.on) if item.on else MISSING,
            item.count,
            item.stated,
            item.counted,
            item.effect,
            item.clause,
        )
        for item in facts.events
    ]
    return titles, rows, ("", "", "", "", "", "", "yyyy-mm-dd", WHOLE, "0.0#", "0.0#", "", "")


def _consequences(facts: Facts) -> tuple[Row, list[Row], Row]:
    titles = ("规则", "组别", "单位", "措施", "执行", "奖金（元）", "状态", "备注", "依据条款")
    rows: list[Row] = [
        (
            item.rule,
            item.league,
            item.unit,
            item.action,
            item.by,
            item.money,
            "生效" if item.in_force else "暂定，未生效",
            item.note,
            item.clause,
        )
        for item in facts.consequences
    ]
    return titles, rows, ("", "", "", "", "", MONEY, "", "", "")


def _gaps(facts: Facts) -> tuple[Row, list[Row], Row]:
    words = {"missing": MISSING, "provisional": "暂定"}
    rows: list[Row] = [(gap.item, words[gap.state], "、".join(gap.units), gap.reason or "未说明") for gap in facts.gaps]
    return ("项目", "状态", "单位", "原因"), rows, ("", "", "", "")


def _basis(facts: Facts, notice: Notice) -> list[Row]:
    found, rules = facts.published.manifest, facts.published.scheme
    rows: list[Row] = [
        ("发布号", f"{found.number:06d}"),
        ("状态", notice.mark),
        ("月份", found.period),
        ("发布时间", f"{notice.at:%Y-%m-%d %H:%M:%S}"),
        ("数据截至", found.service_day),
        ("本月已结束", "是" if found.complete else "否"),
        ("理由", found.reason),
        ("代替", "" if found.supersedes is None else f"{found.supersedes:06d}"),
        ("清单 SHA-256", facts.published.sha256),
        ("内容 SHA-256", found.content_sha256),
        ("程序版本", found.code_version),
        ("考评办法", f"{rules.title.zh}（{rules.scheme}，版本 {rules.version}）"),
        ("依据文件", "、".join(f"{source.doc}（{source.date}）" for source in rules.sources.values())),
        ("计分公式", rules.formula),
        ("数字城管得分", facts.published.policy.note),
    ]
    for row in in_order(facts.published.rows["switches"]):
        mark = "" if row["option"] == row["default_option"] else f"（默认 {row['default_option']}）"
        rows.append((f"{row['id']} {row['question']}", f"{row['option']}：{row['meaning']}{mark}"))
    return rows


def _sheet(book: Any, notice: Notice, name: str, titles: Row, rows: Iterable[Row], formats: Row) -> None:
    """A sheet with its head frozen and repeated, A4 landscape, as wide as the paper."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(_sheet_name(name))
    side = Side(style="thin")
    thin = Border(left=side, right=side, top=side, bottom=side)
    body = [list(row) for row in rows]
    for place, title in enumerate(titles, 1):
        cell = put(sheet.cell(row=1, column=place), title)
        cell.font, cell.fill, cell.border = Font(bold=True), PatternFill("solid", fgColor="E7E6E6"), thin
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        lengths = [_width(row[place - 1]) for row in body] + [min(_width(title), 12)]
        sheet.column_dimensions[get_column_letter(place)].width = min(max([*lengths, 6]) + 2, 60)
    for number, row in enumerate(body, 2):
        for place, value in enumerate(row, 1):
            cell = put(sheet.cell(row=number, column=place), value, formats[place - 1])
            cell.border = thin
            words = isinstance(value, str) and value not in HOLD
            cell.alignment = Alignment(vertical="center", wrap_text=words, horizontal=None if words else "right")
            if value in HOLD:
                cell.fill = PatternFill("solid", fgColor="D9D9D9" if value == MISSING else "F2F2F2")
    sheet.freeze_panes = "C2" if len(titles) > 6 else "A2"
    sheet.print_title_rows = "1:1"
    setup = sheet.page_setup
    setup.paperSize, setup.orientation, setup.fitToWidth, setup.fitToHeight = 9, "landscape", 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    # & begins a code in a header; none of these texts may be one.
    sheet.oddHeader.left.text = notice.head.replace("&", "＆")
    sheet.oddFooter.left.text = notice.foot
    sheet.oddFooter.right.text = "第 &P 页 共 &N 页"


def put(cell: Any, value: Any, form: str = "") -> Any:
    """Write a value; a text stays a text, whatever it begins with: no formula comes out of the data."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.quotePrefix = value[:1] in {"=", "+", "-", "@"}
    elif form:
        cell.number_format = form
    return cell


def _width(value: Any) -> int:
    """Roughly how wide a text is: East Asian letters take two places."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in str(value)) if isinstance(value, str) else 9


def _sheet_name(name: str) -> str:
    return "".join("_" if letter in "[]:*?/\\'" else letter for letter in name)[:31]
