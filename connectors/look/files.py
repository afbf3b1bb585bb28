"""A file that somebody delivered: its form, encoding, separators, the row of its column names, its first records."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import closing
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from cityhub.draft.sample import Path as Where
from cityhub.draft.sample import Sample
from cityhub.errors import Stop, Usage
from connectors.file_body import unpacked
from connectors.files import open_folder
from connectors.look.rest import ROWS, xml_rows
from connectors.look.stub import dated, stub
from connectors.retry import Policy
from connectors.sheet import Sheet, open_sheet

_NUMBER = re.compile(r"[-+]?\d[\d ]*([.,]\d+)?")
_DELIMITERS = (",", ";", "\t", "|")
_SUFFIXES = {".xlsx": "xlsx", ".xlsm": "xlsx", ".ndjson": "ndjson", ".jsonl": "ndjson", ".xml": "xml", ".csv": "csv"}


def look(address: str, pattern: str | None, day: date, *, feed: str, known: dict[str, Any]) -> Sample:
    """The newest file of a folder or SFTP address that fits the pattern, or the one file that is named.

    Raises `Usage` CH-DRAFT-004 when no file fits, `Stop` CH-DRAFT-003 when it holds no records.
    """
    address, pattern = _split(address, pattern)
    login: dict[str, Any] = {key: known[key] for key in ("user", "password", "host_key") if key in known}
    spec = stub({"kind": "files", "address": address, "pattern": pattern or "*", **login}, feed)
    with closing(open_folder(spec, day, Policy(deadline_s=60))) as folder:
        fitting = [entry for entry in folder.entries() if PurePosixPath(entry.name).match(_glob(pattern))]
        if not fitting:
            found = ", ".join(entry.name for entry in folder.entries()[:8]) or "nothing"
            raise Usage("CH-DRAFT-004", folder=folder.where(), pattern=pattern or "*", found=found)
        name = max(fitting, key=lambda entry: (entry.changed, entry.name)).name
        inner, body = next(iter(unpacked(name, folder.read(name), {"feed": feed})))
    placed, was = dated(name, day)
    kept = pattern if pattern and "{" in pattern else placed
    source: dict[str, Any] = {"kind": "files", "address": address, "pattern": kept}
    notes: dict[Where, str] = {("pattern",): f"from the name {name}" if was else "the same name each day?"}
    read, rows, said = _read(inner, body, known)
    if not rows:
        raise Stop("CH-DRAFT-003", address=name, found="no row of names with rows below it")
    stem = re.sub(r"[{}\d*]+|day|compact|month", "", PurePosixPath(placed).stem).strip("_-. ")
    return Sample(source | read | login, tuple(rows[:ROWS]), stem, notes | said, total=len(rows))


def _split(address: str, pattern: str | None) -> tuple[str, str | None]:
    """Folder and pattern of what was typed: a file, a folder, or either on a server."""
    if pattern is not None:
        return address.rstrip("/"), pattern
    if "://" in address:
        head, _, last = address.rpartition("/")
        return (head, last) if "." in last or "*" in last else (address, None)
    path = Path(address).expanduser()
    if path.is_dir():
        return str(path.resolve()), None
    return str(path.parent.resolve()), path.name


def _glob(pattern: str | None) -> str:
    return re.sub(r"\{[a-z_]+\}", "*", pattern or "*")


def _read(
    name: str, body: bytes, known: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]], dict[Where, str]]:
    form = _SUFFIXES.get(PurePosixPath(name).suffix.lower(), "csv")
    if body[:4] == b"PK\x03\x04":
        form = "xlsx"
    elif body.lstrip()[:1] == b"<":
        form = "xml"
    elif body.lstrip()[:1] == b"{":
        form = "ndjson"
    if form == "xlsx":
        return _workbook(body, known.get("sheet"))
    if form == "xml":
        record, rows, _ = xml_rows(body)
        return {"format": "xml", "record": record}, rows, {("record",): "the element that repeats"}
    encoding = _encoding(body)
    text = body.decode(encoding, "replace").removeprefix("\ufeff")
    if form == "ndjson":
        rows = [
            row for row in (json.loads(line) for line in text.splitlines() if line.strip()) if isinstance(row, dict)
        ]
        return {"format": "ndjson", "encoding": encoding}, rows, {}
    return _csv(text, encoding)


def _encoding(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _csv(text: str, encoding: str) -> tuple[dict[str, Any], list[dict[str, Any]], dict[Where, str]]:
    lines = "\n".join(text.splitlines()[: ROWS + 20])
    tables = {sign: list(csv.reader(io.StringIO(lines), delimiter=sign)) for sign in _DELIMITERS}
    delimiter = max(tables, key=lambda sign: _regular(tables[sign]))
    table = tables[delimiter]
    header = _header(table)
    names = [cell.strip().strip("\u3000") for cell in table[header]] if table else []
    rows = [dict(zip(names, row, strict=False)) for row in table[header + 1 :] if len(row) == len(names) and any(row)]
    commas = sum(bool(re.fullmatch(r"[-+]?[\d .]*\d,\d+", cell)) for row in rows for cell in row.values())
    points = sum(bool(re.fullmatch(r"[-+]?\d+\.\d+", cell)) for row in rows for cell in row.values())
    decimal = "," if delimiter != "," and commas > points else "."
    read: dict[str, Any] = {"format": "csv", "encoding": encoding}
    notes: dict[Where, str] = {("encoding",): "the bytes fit it", ("format",): f"{len(names)} columns"}
    if delimiter != ",":
        read["delimiter"] = delimiter
        notes["delimiter",] = "it cuts every line into as many parts"
    if decimal != ".":
        read["decimal"] = decimal
        notes["decimal",] = f"{commas} values such as 12,5"
    if header:
        read["header_row"] = header + 1
        notes["header_row",] = f"{header} lines of title above the names"
    return read, rows, notes


def _regular(table: list[list[str]]) -> tuple[float, int]:
    """How alike the rows are in their number of cells, and how many cells they have."""
    widths = [len(row) for row in table if row]
    if not widths:
        return 0, 0
    most = max(set(widths), key=widths.count)
    return (widths.count(most) / len(widths) if most > 1 else 0), most


def _header(table: list[list[str]]) -> int:
    """Index of the row of names: as wide as most rows, all filled and different, none a number."""
    widths = [len(row) for row in table if row]
    most = max(set(widths), key=widths.count) if widths else 0
    for number, row in enumerate(table[:30]):
        cells = [cell.strip() for cell in row]
        if len(cells) == most and all(cells) and len(set(cells)) == most and not any(map(_NUMBER.fullmatch, cells)):
            return number
    return 0


def _workbook(body: bytes, named: str | None) -> tuple[dict[str, Any], list[dict[str, Any]], dict[Where, str]]:
    sheet = open_sheet(body, named, {})
    header = _sheet_header(sheet)
    names = {c: text for c in range(1, sheet.width + 1) if (text := sheet.text(header, c))}
    rows = [
        {name: sheet.text(number, column) for column, name in names.items()}
        for number in range(header + 1, min(sheet.height, header + ROWS) + 1)
    ]
    read: dict[str, Any] = {"format": "xlsx", "sheet": sheet.name}
    notes: dict[Where, str] = {("sheet",): "the first sheet" if named is None else "as you said"}
    if header > 1:
        read["header_row"] = header
        notes["header_row",] = f"{header - 1} rows of title above the names"
    return read, [row for row in rows if any(row.values())], notes


def _sheet_header(sheet: Sheet) -> int:
    """The row of names: the widest of the first rows whose cells are written in it, different and no numbers."""
    best, width = 1, 0
    for row in range(1, min(sheet.height, 30) + 1):
        texts = [sheet.text(row, c) for c in range(1, sheet.width + 1) if sheet.is_own(row, c)]
        names = [text for text in texts if text and not _NUMBER.fullmatch(text)]
        if len(names) == len(texts) == len(set(names)) and len(names) > width:
            best, width = row, len(names)
    return best
