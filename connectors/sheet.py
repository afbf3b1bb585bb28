"""One sheet of a workbook as people see it: merged cells hold for their range, places have names like D7."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import python_calamine

from cityhub.errors import Stop

Ranges = list[tuple[tuple[int, int], tuple[int, int]]]  # first and last cell of each, counted from 0


class Sheet:
    """Rows and columns count from 1, as on the screen."""

    def __init__(self, name: str, rows: list[list[Any]], merged: Ranges) -> None:
        self.name, self._rows = name, rows
        self.height, self.width = len(rows), max((len(row) for row in rows), default=0)
        self._origin = {
            (row, column): first
            for first, last in merged
            for row in range(first[0], min(last[0], self.height) + 1)
            for column in range(first[1], min(last[1], self.width) + 1)
        }

    def value(self, row: int, column: int) -> Any:
        """The cell's value, or that of the merged range it lies in; None where it is empty."""
        row, column = self._origin.get((row - 1, column - 1), (row - 1, column - 1))
        if row >= self.height or column >= len(self._rows[row]):
            return None
        found = self._rows[row][column]
        return None if isinstance(found, str) and not found.strip() else found

    def is_own(self, row: int, column: int) -> bool:
        """True for a cell with a value that was written in this row, not merged down into it."""
        origin, _ = self._origin.get((row - 1, column - 1), (row - 1, column - 1))
        return origin == row - 1 and self.value(row, column) is not None

    def text(self, row: int, column: int) -> str | None:
        """The cell as text: whole numbers without decimals, times in ISO form."""
        return as_text(self.value(row, column))

    def cell(self, row: int, column: int) -> str:
        """The cell's name with its sheet: 专项考核!D7."""
        return f"{self.name}!{column_name(column)}{row}"


def as_text(value: Any) -> str | None:
    """A cell's value as the load reads it."""
    match value:
        case None | "":
            text = None
        case str():
            text = value.strip()
        case bool():
            text = "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            text = str(int(value))
        case datetime():
            text = value.isoformat(sep=" ")
        case timedelta():
            text = str(value.total_seconds())
        case _:
            text = str(value)
    return text


def column_name(column: int) -> str:
    """1 → A, 27 → AA."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def open_sheet(body: bytes, name: str | None, place: Mapping[str, Any]) -> Sheet:
    """A sheet of an .xlsx body, the first one when none is named.

    Raises `Stop` CH-PULL-055 (no workbook), 053 (no such sheet; lists those there are).
    """
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(body))
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Stop("CH-PULL-055", **{**place, "format": "xlsx", "detail": str(error)}) from None
    names = book.sheet_names
    if not names or (name is not None and name not in names):
        raise Stop("CH-PULL-053", **{**place, "sheet": name, "found": ", ".join(names) or "none"})
    try:
        sheet = book.get_sheet_by_name(name or names[0])
        rows = sheet.to_python(skip_empty_area=False)
        merged = sheet.merged_cell_ranges or []
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Stop("CH-PULL-055", **{**place, "format": "xlsx", "detail": str(error)}) from None
    return Sheet(name or names[0], rows, merged)
