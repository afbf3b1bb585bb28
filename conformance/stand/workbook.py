"""A workbook that somebody has filled in; records of a melted sheet go back into rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import WorkbookSource
from conformance.records import Record, columns
from conformance.stand import FINE, Fault
from conformance.stand.files import file_name, put_file, workbook
from connectors.sheet_rows import ITEM, VALUE


class WorkbookStand:
    """One folder with one workbook a day or month."""

    faults = frozenset({"duplicate", "truncate", "garbage"})

    def __init__(self, spec: FeedSpec, folder: Path) -> None:
        assert isinstance(spec.source, WorkbookSource)
        self._spec, self._source, self._folder = spec, spec.source, folder
        folder.mkdir(parents=True, exist_ok=True)

    def source(self) -> dict[str, Any]:
        return {"address": str(self._folder)}

    def offer(self, rows: Sequence[Record], day: date, fault: Fault = FINE) -> None:
        names, table = self._sheet([{k: v for k, v in row.items() if not k.startswith("_")} for row in rows])
        table = table + table if fault.kind == "duplicate" else table
        content = workbook(self._source.sheet, self._source.header_row, names, table)
        if fault.kind in {"truncate", "garbage"}:
            content = content[: len(content) * 2 // 3]
        put_file(self._folder / file_name(self._source.pattern, day, self._spec.feed), content)

    def close(self) -> None:
        """A folder holds nothing open."""

    def _sheet(self, rows: list[Record]) -> tuple[list[str], list[list[Any]]]:
        stay = self._source.melt
        if stay is None:
            names = columns(rows) or [field.source for field in self._spec.fields.values()]
            return names, [[row.get(name) for name in names] for row in rows]
        extra = [name for name in columns(rows) if name not in {*stay, ITEM, VALUE}]
        kept = [name for name in stay if not rows or name in columns(rows)] + extra
        items = list(dict.fromkeys(str(row.get(ITEM)) for row in rows))
        lines: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows:
            cells = lines.setdefault(tuple(row.get(name) for name in kept), {})
            cells[str(row.get(ITEM))] = row.get(VALUE)
        return [*kept, *items], [[*head, *(cells.get(item) for item in items)] for head, cells in lines.items()]


def make(spec: FeedSpec, folder: Path, envelope: Any) -> WorkbookStand:
    """The stand of a workbook feed."""
    del envelope
    return WorkbookStand(spec, folder)
