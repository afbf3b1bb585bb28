"""Files dropped into a folder, written as the spec says: encoding, delimiter, decimal sign, header row, sheet."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from lxml import etree

from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import FilesSource
from conformance.records import Record, columns
from conformance.stand import FINE, Fault
from conformance.stand.envelope import add_record, text
from connectors.expand import expand

OLD = 1_600_000_000  # a time of change long ago: nobody has to wait and see whether the file still grows
TITLE = "台账"


class FilesStand:
    """One folder; a file a service day, replaced by each offer."""

    faults = frozenset({"duplicate", "truncate", "garbage"})

    def __init__(self, spec: FeedSpec, folder: Path) -> None:
        assert isinstance(spec.source, FilesSource)
        self._spec, self._source, self._folder = spec, spec.source, folder
        folder.mkdir(parents=True, exist_ok=True)

    def source(self) -> dict[str, Any]:
        return {"address": str(self._folder), "user": None, "password": None, "host_key": None}

    def offer(self, rows: Sequence[Record], day: date, fault: Fault = FINE) -> None:
        rows = [*rows, *rows] if fault.kind == "duplicate" else list(rows)
        content = self._content(rows)
        if fault.kind == "garbage":
            content = b"\xff\xfe\x00\xd8" + content[: len(content) // 3]
        if fault.kind == "truncate":
            content = content[: _middle_of_last_line(content, self._source)]
        put_file(self._folder / file_name(self._source.pattern, day, self._spec.feed), content)

    def close(self) -> None:
        """A folder holds nothing open."""

    def _content(self, rows: list[Record]) -> bytes:
        source = self._source
        names = columns(rows) or [field.source for field in self._spec.fields.values()]
        if source.format == "ndjson":
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            return lines.encode(source.encoding)
        if source.format == "xml":
            root = etree.Element("data")
            for row in rows:
                add_record(root, source.record or "row", row)
            return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
        if source.format == "xlsx":
            return workbook(source.sheet, source.header_row, names, [[row.get(name) for name in names] for row in rows])
        out = io.StringIO()
        writer = csv.writer(out, delimiter=source.delimiter, lineterminator="\r\n")
        for number in range(1, source.header_row):
            writer.writerow([f"{TITLE}{number}"] + [""] * (len(names) - 1))
        writer.writerow(names)
        writer.writerows([self._cell(row.get(name)) for name in names] for row in rows)
        return out.getvalue().encode(source.encoding)

    def _cell(self, found: Any) -> str:
        written = text(found)
        return written.replace(".", self._source.decimal) if isinstance(found, float) else written


def _middle_of_last_line(content: bytes, source: FilesSource) -> int:
    """Where a cut hurts: before the first delimiter of the last line; of what has no lines, two thirds."""
    if source.format == "xlsx":
        return len(content) * 2 // 3
    start = content.rstrip().rfind(b"\n") + 1
    if source.format == "csv":
        first = content.find(source.delimiter.encode(source.encoding), start)
        return max(start + 1, first)
    return start + max(1, (len(content) - start) // 2)


def file_name(pattern: str, day: date, feed: str) -> str:
    """A name that fits a pattern on a day."""
    return expand(pattern, day, feed=feed).replace("*", "sample").replace("?", "x")


def put_file(path: Path, content: bytes) -> None:
    """A file as if it had been lying there for years."""
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))


def workbook(sheet: str | None, header_row: int, names: list[str], rows: list[list[Any]]) -> bytes:
    """One sheet: titles above the header row, the header, the rows."""
    from openpyxl import Workbook

    book = Workbook()
    page = book.active
    assert page is not None
    if sheet:
        page.title = sheet
    for number in range(1, header_row):
        page.cell(number, 1, f"{TITLE}{number}")
    for column, name in enumerate(names, 1):
        page.cell(header_row, column, name)
        for number, row in enumerate(rows, header_row + 1):
            page.cell(number, column, row[column - 1])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def make(spec: FeedSpec, folder: Path, envelope: Any) -> FilesStand:
    """The stand of a files feed."""
    del envelope
    return FilesStand(spec, folder)
