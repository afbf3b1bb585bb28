"""From a sheet to records: one a row, or with `melt` one a filled cell; each record knows its cell.

What is no number where the spec wants one stays in, so that the load refuses that row alone, and is reported
with sheet and cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import WorkbookSource
from connectors.sheet import Sheet

CELL, MONTH, ITEM, VALUE = "_cell", "_month", "item", "value"
Record = dict[str, str | None]


@dataclass
class Reading:
    """The rows below the header of one sheet, as they are read."""

    sheet: Sheet
    titles: dict[int, str]
    numbers: dict[str, set[str]]
    records: list[Record] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def whole_row(self, row: int) -> None:
        """The row as one record; a row that only merged ranges reach into is empty."""
        filled = [column for column in self.titles if self.sheet.is_own(row, column)]
        if not filled:
            return
        record = {title: self.sheet.text(row, column) for column, title in self.titles.items()}
        bad = [column for column in filled if self._complain(row, column, self.titles[column])]
        self.records.append({**record, CELL: self.sheet.cell(row, (bad or filled)[0])})

    def melted_row(self, row: int, stay: list[str]) -> None:
        """One record for each filled cell that is not in a column that stays: nobody scored an empty one."""
        kept = {title: self.sheet.text(row, column) for column, title in self.titles.items() if title in stay}
        for column, title in self.titles.items():
            value = self.sheet.text(row, column)
            if title in stay or value is None:
                continue
            self._complain(row, column, VALUE)
            self.records.append({**kept, ITEM: title, VALUE: value, CELL: self.sheet.cell(row, column)})

    def _complain(self, row: int, column: int, source: str) -> bool:
        text = self.sheet.text(row, column)
        if source not in self.numbers or text is None or text in self.numbers[source] or _is_number(text):
            return False
        self.findings.append(f"{self.sheet.cell(row, column)} “{text}” is not a number")
        return True


def read_rows(sheet: Sheet, spec: FeedSpec, file: str) -> Reading:
    """All records of the sheet. Raises `Stop` CH-PULL-058 for a column that must be there and is not."""
    source = spec.source
    if not isinstance(source, WorkbookSource):
        raise TypeError(f"{spec.feed} is no workbook feed")
    header = source.header_row
    titles = {column: sheet.text(header, column) or "" for column in range(1, sheet.width + 1)}
    titles = {column: title for column, title in titles.items() if title}
    required = [item.source for item in spec.fields.values() if item.required]
    for title in source.melt if source.melt is not None else required:
        if title not in {*titles.values(), CELL, MONTH}:
            found = ", ".join(titles.values()) or "nothing"
            place = {"feed": spec.feed, "file": file, "sheet": sheet.name, "row": header}
            raise Stop("CH-PULL-058", column=title, found=found, **place)
    reading = Reading(sheet, titles, _numbers(spec))
    for row in range(header + 1, sheet.height + 1):
        if source.melt is None:
            reading.whole_row(row)
        else:
            reading.melted_row(row, source.melt)
    return reading


def _numbers(spec: FeedSpec) -> dict[str, set[str]]:
    """Source columns that must hold numbers, each with the words that stand for a missing one."""
    kinds = {"decimal", "integer", "double"}
    return {item.source: set(item.missing) for item in spec.fields.values() if item.type in kinds}


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
