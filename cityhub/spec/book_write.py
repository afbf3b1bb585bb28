"""A spec as one sheet for people who fill in forms: label, content, meaning; drop-downs where words are closed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from cityhub.spec.book import SECTIONS, SHEET, TABLE_TITLES, TABLES, Place, columns, places
from cityhub.spec.book_cells import to_cell

HEAD = ("部分", "项目", "内容", "说明", "键")
SPARE = 12  # empty rows of a table, for more
_GREY, _BLUE = PatternFill("solid", fgColor="EEEEEE"), PatternFill("solid", fgColor="DDEBF7")


def workbook(data: Mapping[str, Any]) -> bytes:
    """The .xlsx of a spec's data (as in its YAML file)."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = SHEET
    sheet.append(["只填写“内容”一列；灰色的“键”不要改动。空白表示采用默认值；列表写成 [a, b]，对照写成 {a: b}。"])
    sheet.append(list(HEAD))
    for cell in sheet[2]:
        cell.font, cell.fill = Font(bold=True), _BLUE
    choices: dict[tuple[str, ...], list[str]] = {}
    for place in places(data):
        row = _row(sheet, place, data)
        if place.words:
            choices.setdefault(place.words, []).append(f"C{row}")
    for name in TABLES:
        _table(sheet, name, data.get(name), choices)
    _choose(sheet, choices)
    for letter, width in zip("ABCDE", (14, 22, 46, 60, 26), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "C3"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _row(sheet: Worksheet, place: Place, data: Mapping[str, Any]) -> int:
    sheet.append([SECTIONS.get(place.path[0], "基本"), place.label, None, place.help, ".".join(place.path)])
    row = int(sheet.max_row)
    node: Any = data
    for step in place.path:
        node = node[step] if isinstance(node, Mapping) and step in node else _ABSENT
        if node is _ABSENT:
            break
    if node is not _ABSENT:
        _write(sheet, row, 3, to_cell(node, place.kind))
    elif place.kind != "number":
        sheet.cell(row, 3).number_format = "@"
    sheet.cell(row, 5).font = Font(color="888888")
    sheet.cell(row, 5).fill = _GREY
    for column in (3, 4):
        sheet.cell(row, column).alignment = Alignment(wrap_text=True, vertical="top")
    return row


_ABSENT = object()


def _write(sheet: Worksheet, row: int, column: int, value: Any) -> None:
    """Texts in cells of type text, so that 06:00 and 0371 stay what they are and `=1` is no formula."""
    cell = sheet.cell(row, column)
    cell.value = value
    if isinstance(value, str):
        cell.data_type, cell.number_format = "s", "@"


def _table(sheet: Worksheet, name: str, content: Any, choices: dict[tuple[str, ...], list[str]]) -> None:
    shown = columns(name)
    sheet.append([])
    sheet.append([f"▼ {TABLE_TITLES[name]} {name}"])
    sheet.cell(sheet.max_row, 1).font = Font(bold=True)
    sheet.append([None, *(place.help for place in shown)])
    sheet.append([None, *(f"{place.label}\n{place.path[0]}" for place in shown)])
    first = int(sheet.max_row) + 1
    for number in range(len(shown)):
        head = sheet.cell(first - 1, number + 2)
        head.font, head.fill, head.alignment = Font(bold=True), _BLUE, Alignment(wrap_text=True)
        sheet.cell(first - 2, number + 2).alignment = Alignment(wrap_text=True, vertical="top")
    rows = [{"name": key, **entry} for key, entry in content.items()] if isinstance(content, Mapping) else content or []
    for offset, entry in enumerate(rows):
        for number, place in enumerate(shown):
            if place.path[0] in entry:
                _write(sheet, first + offset, number + 2, to_cell(entry[place.path[0]], place.kind))
    last = first + len(rows) + SPARE - 1
    sheet.cell(last, 1).value = "▲"
    for number, place in enumerate(shown):
        letter = get_column_letter(number + 2)
        if place.words:
            choices.setdefault(place.words, []).append(f"{letter}{first}:{letter}{last}")
        elif place.kind != "number":
            for row in range(first + len(rows), last + 1):
                sheet.cell(row, number + 2).number_format = "@"


def _choose(sheet: Worksheet, choices: Mapping[tuple[str, ...], list[str]]) -> None:
    for words, ranges in choices.items():
        rule = DataValidation(type="list", formula1=f'"{",".join(words)}"', allow_blank=True, showErrorMessage=True)
        rule.errorTitle, rule.error = "请从列表中选择", f"可选：{'、'.join(words)}"[:250]
        for where in ranges:
            rule.add(where)
        sheet.add_data_validation(rule)
