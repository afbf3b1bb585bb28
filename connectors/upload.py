"""A file that a person gives in place of a delivery: landed like any other, with who gave it in the manifest."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cityhub import log
from cityhub.clock import SHANGHAI
from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import FieldSpec
from cityhub.spec.source import FilesSource, WorkbookSource
from connectors.file_body import columns_of_file, unpacked
from connectors.files import options_of
from connectors.sheet import open_sheet
from connectors.web_page import refuse_web_page
from connectors.workbook import add_sheet
from warehouse import lake
from warehouse.landing import Delivery, Manifest, discard_partial
from warehouse.manual import BY, ORIGIN, UPLOAD
from warehouse.personal import edge
from warehouse.readers.json_parts import CELL

SHEETS = (".xlsx",)
TEXTS = (".csv", ".txt", ".tsv")
ENCODINGS = ("utf-8-sig", "gb18030")
logger = log.get("cityhub.connectors")


def land_upload(settings: Settings, spec: FeedSpec, day: date, file: Path, by: str) -> Manifest:
    """Land a .csv or .xlsx as the feed's delivery of the day.

    A file in the form that the spec's source has is taken as that; any other must have one row of titles: the
    source's names, ours or the Chinese ones. Raises `Stop` CH-FALL-003 (no such table), CH-PULL-052 … 059.
    """
    try:
        body = file.read_bytes()
    except OSError as error:
        raise _unusable(spec, file.name, error.strerror or "it cannot be opened") from None
    guard, refusal = edge.of(spec), None
    with lake.lock(settings, f"feed-{spec.feed}"):
        discard_partial(settings.landing, spec.feed, day)
        try:
            with edge.delivery(settings, spec, day) as delivery:
                delivery.options |= {ORIGIN: UPLOAD, BY: by}
                _add(spec, day, delivery, file.name, body)
        except HubError as error:
            if guard is None:
                raise
            refusal = guard.quieted(error)
    if refusal is not None:
        raise refusal
    assert delivery.manifest is not None
    log.event(logger, "uploaded", feed=spec.feed, interval=day, run=delivery.manifest.load_id)
    return delivery.manifest


def _add(spec: FeedSpec, day: date, delivery: Delivery, name: str, body: bytes) -> None:
    source, place = spec.source, {"feed": spec.feed}
    request = f"upload {name}"
    refuse_web_page(body, "csv or xlsx", {**place, "file": name})
    if isinstance(source, WorkbookSource):
        add_sheet(spec, day, delivery, name, body, number=1, where=request)
    elif isinstance(source, FilesSource) and name.lower().endswith(f".{source.format}"):
        delivery.options |= options_of(source)
        for inner, content in unpacked(name, body, place):
            columns = columns_of_file(inner, content, source, place)
            delivery.add(content, source.format, request=f"upload {inner}", columns=columns)
    else:
        records = _records(spec, name, body)
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        delivery.options |= {"encoding": "utf-8", "decimal": ".", "original_sha256": hashlib.sha256(body).hexdigest()}
        delivery.add(lines.encode(), "ndjson", request=request, columns=tuple(records[0]))


def _records(spec: FeedSpec, name: str, body: bytes) -> list[dict[str, Any]]:
    """The rows as the source would have sent them: its names, nested where they have dots, with their place."""
    suffix = Path(name).suffix.lower()
    if suffix in SHEETS:
        sheet = open_sheet(body, None, {"feed": spec.feed, "file": name})
        rows = [[sheet.text(row, column) or "" for column in range(1, sheet.width + 1)]
                for row in range(1, sheet.height + 1)]  # fmt: skip
        names = [f"{name}!{row}" for row in range(1, sheet.height + 1)]
    elif suffix in TEXTS:
        rows = _lines(spec, name, body)
        names = [f"{name} row {row}" for row in range(1, len(rows) + 1)]
    else:
        raise _unusable(spec, name, f"a name that ends in {suffix or 'nothing'}")
    titles = [_source_of(spec, title) for title in rows[0]] if rows else []
    known = {item.source for item in spec.fields.values()}
    if not known & set(titles):
        raise _unusable(spec, name, "no column has a name of this feed: " + ", ".join(titles[:12]))
    found = []
    for place, row in list(zip(names, rows, strict=True))[1:]:
        if any(cell.strip() for cell in row):
            found.append({CELL: place} | _record(spec, titles, row))
    if not found:
        raise _unusable(spec, name, "it has no row below its titles")
    return found


def _lines(spec: FeedSpec, name: str, body: bytes) -> list[list[str]]:
    for encoding in ENCODINGS:
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise _unusable(spec, name, "it is neither UTF-8 nor GB18030")
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def _source_of(spec: FeedSpec, title: str) -> str:
    """The source's name of a column that is titled by it, by our name or by the Chinese one."""
    wanted = title.strip()
    for name, item in spec.fields.items():
        if wanted in {item.source, name, item.title}:
            return item.source
    return wanted


def _record(spec: FeedSpec, titles: list[str], row: list[str]) -> dict[str, Any]:
    fields = {item.source: item for item in spec.fields.values()}
    record: dict[str, Any] = {}
    for title, cell in zip(titles, row, strict=False):
        if not title:
            continue
        value = _as_sent(fields[title], cell.strip()) if title in fields else cell
        *parents, last = title.split(".")
        holder = record
        for parent in parents:
            holder = holder.setdefault(parent, {})
        holder[last] = value
    return record


def _as_sent(field: FieldSpec, cell: str) -> str:
    """People write times as 2026-11-20 08:00:00 even where the platform sends epochs."""
    if field.type != "timestamp" or field.format not in {"epoch_s", "epoch_ms", "compact"}:
        return cell
    try:
        at = datetime.fromisoformat(cell)
    except ValueError:
        return cell
    if field.format == "compact":
        return cell if cell.isdigit() else at.strftime("%Y%m%d%H%M%S")
    at = at if at.tzinfo else at.replace(tzinfo=SHANGHAI)
    return str(int(at.timestamp() * (1000 if field.format == "epoch_ms" else 1)))


def _unusable(spec: FeedSpec, name: str, detail: str) -> Stop:
    columns: Mapping[str, None] = dict.fromkeys(item.source for item in spec.fields.values())
    return Stop("CH-FALL-003", feed=spec.feed, file=name, detail=detail, columns=", ".join(columns))
