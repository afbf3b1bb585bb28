"""Records of a landed delivery as the source sent them, read one by one: for samples, never for bulk."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from lxml import etree

from cityhub.spec.feed import FeedSpec
from conformance.records import Record
from connectors.sheet import open_sheet
from warehouse.landing import Manifest, Part
from warehouse.readers.job import opened

OWN = ("_received_at", "_peer", "_retained", "_duplicate", "_cell", "_month")


def records(spec: FeedSpec, manifest: Manifest, count: int) -> list[Record]:
    """The first records of a delivery; parts that hold refused frames are passed over."""
    parts = [part for part in manifest.parts if part.columns[:1] != ("_problem",)]
    found = (row for part in parts for row in _rows(spec, manifest, part))
    return list(islice((_plain(row) for row in found), count))


def envelope(manifest: Manifest) -> Any:
    """What stood around the records of the first answer, with an empty array in their place; None without one."""
    part = manifest.parts[0] if manifest.parts else None
    if part is None or part.format != "json" or not part.head:
        return None
    return json.loads(part.head + "[]" + part.tail)


def _plain(row: Record) -> Record:
    return {name: value for name, value in row.items() if name not in OWN}


def _rows(spec: FeedSpec, manifest: Manifest, part: Part) -> Iterator[Record]:
    options = {**_declared(spec), **manifest.options}
    if part.format == "parquet":
        import pyarrow.parquet as pq

        for batch in pq.ParquetFile(manifest.path(part)).iter_batches(200):
            yield from batch.to_pylist()
        return
    with opened(manifest.path(part)) as stream:
        body = stream.read()
    if part.format == "json":
        yield from (row for row in json.loads(body) if isinstance(row, dict))
    elif part.format == "ndjson":
        yield from (json.loads(line) for line in body.splitlines() if line.strip())
    elif part.format == "xml":
        for element in etree.fromstring(body).iter(str(options["record"])):
            yield {str(name): value for name, value in element.attrib.items()} | {
                str(child.tag): child.text for child in element
            }
    elif part.format == "xlsx":
        yield from _sheet(body, options)
    else:
        text = io.StringIO(body.decode(str(options["encoding"])).removeprefix("\ufeff"))
        lines = list(csv.reader(text, delimiter=str(options["delimiter"])))
        start = int(options["header_row"])
        titles = [title.strip() for title in lines[start - 1]]
        yield from (dict(zip(titles, line, strict=False)) for line in lines[start:])


def _declared(spec: FeedSpec) -> dict[str, Any]:
    names = ("encoding", "delimiter", "header_row", "sheet", "record", "records_at")
    found = {name: getattr(spec.source, name, None) for name in names}
    return {**found, "record": found["record"] or found["records_at"], "header_row": found["header_row"] or 1}


def _sheet(body: bytes, options: dict[str, Any]) -> Iterator[Record]:
    sheet = open_sheet(body, options.get("sheet"), {})
    header = int(options["header_row"])
    titles = {column: sheet.text(header, column) for column in range(1, sheet.width + 1)}
    for row in range(header + 1, sheet.height + 1):
        yield {title: sheet.text(row, column) for column, title in titles.items() if title}
