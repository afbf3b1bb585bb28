"""Workbooks: cells as texts, merged ranges filled, one JSON object a row with its place (`sheet!row` or cell)."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from python_calamine import CalamineError, CalamineWorkbook

from cityhub.errors import Stop
from warehouse.landing import Part
from warehouse.readers.job import Job, Numbered
from warehouse.readers.json_parts import CELL, select

Cells = list[list[Any]]
Row = dict[str, str | None]


def read(job: Job, parts: list[Numbered]) -> str:
    """Rows below the header row; with `melt`, each other column becomes a row of `item` and `value`."""
    paths = [_converted(job, number, part) for number, part in parts]
    return select(job, paths, parts[0][0], "newline_delimited", place=CELL)


def _converted(job: Job, number: int, part: Part) -> Path:
    target = job.work / f"{number:06d}.ndjson"
    header_row, sheet = int(job.option("header_row") or 1), job.option("sheet")
    melt = getattr(job.spec.source, "melt", None)
    try:
        with job.file(part).open("rb") as handle:
            place = {"feed": job.spec.feed, "part": part.file}
            _, rows = _read(handle, str(sheet) if sheet else None, header_row, melt, place)
    except CalamineError as error:
        raise job.broken(part, f"not a workbook: {type(error).__name__}") from None
    with target.open("w", encoding="utf-8") as out:
        for item in rows:
            job.columns.update(dict.fromkeys(name for name in item if name != CELL))
            out.write(json.dumps(item, ensure_ascii=False) + "\n")
    return target


def sheet_rows(
    body: bytes, sheet: str | None, header_row: int, melt: list[str] | None, feed: str
) -> tuple[list[str], list[Row]]:
    """Names of the header row and the rows below it, each a record of texts with its place under `_cell`.

    Raises `Stop` CH-PERS-002 for what is no workbook, CH-LOAD-006 for a sheet that it lacks.
    """
    try:
        return _read(io.BytesIO(body), sheet, header_row, melt, {"feed": feed, "part": "the workbook"})
    except CalamineError as error:
        raise Stop("CH-PERS-002", feed=feed, format="xlsx", detail=type(error).__name__) from None


def _read(
    handle: IO[bytes], sheet: str | None, header_row: int, melt: list[str] | None, place: dict[str, str]
) -> tuple[list[str], list[Row]]:
    cells, found = _cells(handle, sheet, place)
    names = _names(cells[header_row - 1] if len(cells) >= header_row else [])
    rows: list[Row] = []
    for row, values in enumerate(cells[header_row:], header_row + 1):
        texts = [_text(value) for value in values]
        if not any(texts):
            continue
        record = {name: text for name, text in zip(names, texts, strict=False) if name}
        made = [(f"{found}!{row}", record)] if melt is None else _melted(record, names, melt, found, row)
        rows += [{**item, CELL: where} for where, item in made]
    return names, rows


def _cells(handle: IO[bytes], wanted: str | None, place: dict[str, str]) -> tuple[Cells, str]:
    book = CalamineWorkbook.from_filelike(handle)
    sheet = wanted or book.sheet_names[0]
    if sheet not in book.sheet_names:
        raise Stop("CH-LOAD-006", sheet=sheet, sheets=", ".join(book.sheet_names), **place)
    opened = book.get_sheet_by_name(sheet)
    cells: Cells = opened.to_python(skip_empty_area=False)
    merged = opened.merged_cell_ranges or []
    for (top, left), (bottom, right) in merged:
        for row in range(top, min(bottom, len(cells) - 1) + 1):
            for column in range(left, min(right, len(cells[row]) - 1) + 1):
                cells[row][column] = cells[top][left]
    return cells, sheet


def _names(header: list[Any]) -> list[str]:
    names: list[str] = []
    for cell in header:
        name = _text(cell) or ""
        names.append(name if name not in names else "")
    return names


def _melted(
    record: dict[str, Any], names: list[str], melt: list[str], sheet: str, row: int
) -> list[tuple[str, dict[str, Any]]]:
    kept = {name: record.get(name) for name in melt}
    return [
        (f"{sheet}!{_letters(column)}{row}", {**kept, "item": name, "value": record.get(name)})
        for column, name in enumerate(names)
        if name and name not in melt and record.get(name) is not None
    ]


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _text(value: Any) -> str | None:
    """A cell as it would be typed: 3.0 is `3`, dates are ISO 8601, an empty cell is None."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value).strip() or None
