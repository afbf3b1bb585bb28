"""Workbooks as people make them: title rows, merged cells, dates in three forms. Same content, same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

import pyarrow as pa
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from sandbox.platforms import assessment

BOLD, CENTRE = Font(bold=True), Alignment(horizontal="center", vertical="center")
EXCEL_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  # workbooks know no zone
FIXED = "2026-01-01T00:00:00Z"


def saved(book: Workbook) -> bytes:
    """The workbook's bytes without the moment of writing: fixed dates inside, fixed times in the archive."""
    raw, packed = io.BytesIO(), io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            body = source.read(item)
            if item.filename == "docProps/core.xml":
                body = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", FIXED.encode(), body)
            target.writestr(zipfile.ZipInfo(item.filename, (1980, 1, 1, 0, 0, 0)), body, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def drop_sheet(table: pa.Table, sheet: str, title: str | None) -> bytes:
    """One sheet below a merged title; times take turns as bare Excel serials, dates and text."""
    book, page = _book(sheet)
    if title:
        _title(page, 1, title, table.num_columns)
    page.append(table.column_names)
    for number, row in enumerate(table.to_pylist()):
        page.append([_cell(value, number % 3) for value in row.values()])
    return saved(book)


def _cell(value: object, form: int) -> object:
    if not isinstance(value, datetime):
        return value
    serial = (value - EXCEL_ZERO) / timedelta(days=1)
    return (serial, value, value.isoformat(sep=" "))[form]


def scores(tables: dict[str, pa.Table]) -> bytes:
    """The assessment office's workbook from the datasets of `sandbox.platforms.assessment`."""
    book, page = _book(assessment.SHEETS["special"])
    _special(page, tables["special"])
    _office(book.create_sheet(assessment.SHEETS["office"]), tables["office"])
    for name, title in (("digital", "数字城管考核得分(仅在人工给分时填写)"), ("event", "加减分事项")):
        page = book.create_sheet(assessment.SHEETS[name])
        _title(page, 1, title, tables[name].num_columns)
        page.append(tables[name].column_names)
        for row in tables[name].to_pylist():
            page.append([_number(value) for value in row.values()])
    return saved(book)


def _special(page: Worksheet, table: pa.Table) -> None:
    """Month, unit, eight campaigns under a merged heading, scorer; month and scorer merged downwards."""
    rows, wide = table.to_pylist(), len(assessment.CAMPAIGNS)
    last = 3 + wide
    month = rows[0]["月份"]
    _title(page, 1, f"杞县城市管理“三化”建设专项考核打分表({month})", last)
    _title(page, 2, "演示数据,由沙箱生成;满分100分,不参与的专项填“不适用”", last)
    for column, name in ((1, "月份"), (2, "单位"), (last, "打分人")):
        page.cell(3, column, name)
        page.merge_cells(start_row=3, end_row=4, start_column=column, end_column=column)
    page.cell(3, 3, "八个专项得分")
    page.merge_cells(start_row=3, end_row=3, start_column=3, end_column=2 + wide)
    for place, name in enumerate(assessment.CAMPAIGNS):
        page.cell(4, 3 + place, name)
    for number in range(len(rows) // wide):
        part = rows[number * wide : (number + 1) * wide]
        page.cell(5 + number, 2, part[0]["单位"])
        for place, row in enumerate(part):
            page.cell(5 + number, 3 + place, _number(row["value"]))
    _merged_down(page, 1, [month] * len(assessment.UNITS))
    _merged_down(page, last, [row["打分人"] for row in rows[::wide]])


def _office(page: Worksheet, table: pa.Table) -> None:
    rows, wide = table.to_pylist(), len(assessment.OFFICES)
    _title(page, 1, "四个办公室考核打分表", 2 + wide)
    page.append(["月份", "单位", *assessment.OFFICES])
    for number in range(len(rows) // wide):
        part = rows[number * wide : (number + 1) * wide]
        page.append([part[0]["月份"], part[0]["单位"], *(_number(row["value"]) for row in part)])


def _merged_down(page: Worksheet, column: int, values: Sequence[str]) -> None:
    """Equal neighbours become one merged cell, from row 5."""
    start = 0
    for place in range(1, len(values) + 1):
        if place == len(values) or values[place] != values[start]:
            page.cell(5 + start, column, values[start]).alignment = CENTRE
            page.merge_cells(start_row=5 + start, end_row=4 + place, start_column=column, end_column=column)
            start = place


def _number(text: str | None) -> str | float | None:
    """Numbers as numbers; months, dates and words stay text."""
    if text is None or not re.fullmatch(r"-?\d+(\.\d+)?", text):
        return text
    return float(text) if "." in text else int(text)


def _book(sheet: str) -> tuple[Workbook, Worksheet]:
    book = Workbook()
    page = cast(Worksheet, book.active)
    page.title = sheet
    return book, page


def _title(page: Worksheet, row: int, text: str, columns: int) -> None:
    page.cell(row, 1, text).font = BOLD
    page.merge_cells(f"A{row}:{get_column_letter(columns)}{row}")
