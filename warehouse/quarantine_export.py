"""Refused rows as a file for a department: CSV (with byte order mark) or one sheet XLSX, Chinese headers first."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from cityhub.errors import Usage
from warehouse.quarantine import Refused
from warehouse.reasons import meaning

HEADERS = (
    "编号 id", "数据源 feed", "业务日 day", "状态 state", "原因 reason", "说明 meaning", "处理办法 remedy",
    "字段 field", "值 value", "位置 place", "业务主键 key", "责任单位 owner", "发现时间 seen at", "处置 decided by",
    "处置说明 why",
    "豁免至 until", "原始记录 raw",
)  # fmt: skip
STATES = {"open": "待处理 open", "fixed": "已更正 fixed", "released": "已放行 released", "waived": "已豁免 waived"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(rows: Iterable[Refused], path: Path) -> int:
    """Write the rows, whole or not at all; their number. The ending of the file's name says the form. Raises `Usage`
    CH-QUAR-004 for another ending or a folder that cannot be written."""
    writers = {".csv": _csv, ".xlsx": _xlsx}
    if path.suffix.lower() not in writers:
        raise Usage("CH-QUAR-004", path=str(path), detail=f"{path.suffix or 'no ending'!r} is no form that is known")
    cells = [_cells(row) for row in rows]
    half = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        writers[path.suffix.lower()](half, cells)
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise Usage("CH-QUAR-004", path=str(path), detail=error.strerror or type(error).__name__) from None
    return len(cells)


def _cells(row: Refused) -> list[str]:
    words = meaning(row.reason)
    seen = row.seen_at.strftime("%Y-%m-%d %H:%M")
    given: list[object] = [
        row.id[:16], row.feed, row.service_day, STATES[row.state], row.reason, f"{words.zh} {words.en}", words.do,
        row.field, row.value, row.last_place, row.natural_key, row.owner, seen, row.state_by, row.state_reason,
        row.waived_until, row.raw,
    ]  # fmt: skip
    return ["" if cell is None else str(cell) for cell in given]


def _csv(path: Path, cells: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(HEADERS)
        out.writerows([[_harmless(cell) for cell in row] for row in cells])


def _harmless(cell: str) -> str:
    """A refused value may be anything: one that a spreadsheet would run as a formula gets a quote in front."""
    if not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell


def _xlsx(path: Path, cells: list[list[str]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("隔离区")
    sheet.freeze_panes = "A2"
    for row in [list(HEADERS), *cells]:
        line = []
        for text in row:
            cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("�", text)[:32767])
            cell.data_type = "s"  # never a formula, whatever it begins with
            line.append(cell)
        sheet.append(line)
    book.save(path)
