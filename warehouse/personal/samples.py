"""A few rows of a landed part or of a file, as texts by source column: for a look, not for a load."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from lxml import etree

from warehouse.landing import Format, Manifest
from warehouse.readers.job import opened
from warehouse.readers.text import encoding_of
from warehouse.readers.xlsx_parts import sheet_rows

ROWS, BYTES = 2000, 2 << 20
Row = dict[str, str]
SUFFIXES: dict[str, Format] = {
    ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv", ".txt": "csv", ".xml": "xml",
    ".xlsx": "xlsx", ".parquet": "parquet",
}  # fmt: skip


def of_delivery(manifest: Manifest, spec_option: Any) -> dict[str, list[str]]:
    """Column → values, from the first and the last part of a delivery; `spec_option(name)` says how to read."""
    parts = {part.file: part for part in (manifest.parts[0], manifest.parts[-1])} if manifest.parts else {}
    rows: list[Row] = []
    for part in parts.values():
        rows += of_file(manifest.path(part), part.format, spec_option)
    return by_column(rows)


def by_column(rows: list[Row]) -> dict[str, list[str]]:
    """Rows as columns."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for name, value in row.items():
            found.setdefault(name, []).append(value)
    return found


def of_file(path: Path, form: Format, option: Any) -> list[Row]:
    """At most `ROWS` rows from the beginning; what cannot be read ends the look without a word, since saying so is
    the load's business."""
    if form == "parquet":
        first: Any = next(pq.ParquetFile(path).iter_batches(ROWS), None)
        return [_flat(row) for row in first.to_pylist()] if first is not None else []
    if form == "xlsx":
        sheet, header = option("sheet"), int(option("header_row") or 1)
        _, rows = sheet_rows(path.read_bytes(), str(sheet) if sheet else None, header, None, path.name)
        return [_flat(row) for row in rows[:ROWS]]
    with opened(path) as stream:
        body = stream.read(BYTES)
    if form == "xml":
        return _xml(body, str(option("record") or option("records_at") or "").rsplit(".", 1)[-1])
    text = codecs.getincrementaldecoder(encoding_of(body[:4], str(option("encoding") or "utf-8")))("replace").decode(
        body
    )
    text = text.removeprefix("\ufeff")
    if form == "csv":
        return _csv(text, str(option("delimiter") or ","), int(option("header_row") or 1))
    return [_flat(row) for row in _objects(text)]


def _objects(text: str) -> Iterator[Any]:
    """Objects one after the other, in an array or a line each, wherever the first one begins."""
    decoder, position = json.JSONDecoder(parse_float=str, parse_int=str), text.find("[{") + 1
    for _ in range(ROWS):
        position = text.find("{", position)
        if position < 0:
            return
        try:
            row, position = decoder.raw_decode(text, position)
        except ValueError:
            return
        yield row


def _csv(text: str, delimiter: str, header_row: int) -> list[Row]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = [row for row, _ in zip(lines, range(ROWS + header_row), strict=False)]
    names = [cell.strip() for cell in rows[header_row - 1]] if len(rows) >= header_row else []
    return [{n: v for n, v in zip(names, row, strict=False) if n and v} for row in rows[header_row:]]


def _xml(body: bytes, record: str) -> list[Row]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    root = etree.fromstring(body, parser)
    if root is None:
        return []
    found = root.iter("{*}" + record, record) if record else iter(root)
    rows = []
    for element, _ in zip(found, range(ROWS), strict=False):
        row = {str(name): str(value) for name, value in element.attrib.items()}
        leaves = [
            item for item in element.iter() if isinstance(item.tag, str) and not len(item) and item is not element
        ]
        rows.append(row | {etree.QName(item).localname: item.text or "" for item in leaves})
    return rows


def _flat(row: Any, before: str = "") -> Row:
    if not isinstance(row, Mapping):
        return {}
    found: Row = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            found[f"{before}{name}"] = " ".join(str(item) for item in value)
        elif value is not None:
            found[f"{before}{name}"] = str(value)
    return found
