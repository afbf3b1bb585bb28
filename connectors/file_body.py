"""The inside of a delivered file: unpacked, and checked to be what the spec says before anything lands."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from cityhub.errors import Stop
from cityhub.spec.source import FilesSource
from connectors.sheet import Sheet, open_sheet
from connectors.web_page import refuse_web_page
from connectors.xml_records import XmlBroken, read_xml

LIMIT = 2 << 30  # bytes of one unpacked file; more is an accident or an attack


def unpacked(name: str, body: bytes, place: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file in a delivered one: itself, or what a .gz or .zip holds, by name.

    Raises `Stop` CH-PULL-055 for an archive that is broken, locked or too large.
    """
    wrong = {**place, "file": name}
    if body[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
                inner = packed.read(LIMIT + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise Stop("CH-PULL-055", format="gzip", detail=str(error), **wrong) from None
        _within_limit(len(inner), wrong)
        yield name.removesuffix(".gz"), inner
    elif body[:4] == b"PK\x03\x04":
        yield from _unzipped(name, body, wrong)
    else:
        yield name, body


def _unzipped(name: str, body: bytes, wrong: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if "[Content_Types].xml" in archive.namelist():  # a workbook is a zip, too
                yield name, body
                return
            items = sorted(filter(_counts, archive.infolist()), key=lambda item: item.filename)
            _within_limit(sum(item.file_size for item in items), wrong)
            for item in items:
                yield f"{name}!{item.filename}", archive.read(item)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise Stop("CH-PULL-055", **{**wrong, "format": "zip", "detail": str(error)}) from None


def _counts(item: zipfile.ZipInfo) -> bool:
    """Archives made on other systems carry folders and hidden companions along."""
    last = item.filename.rsplit("/", 1)[-1]
    return not item.is_dir() and not last.startswith(".") and not item.filename.startswith("__MACOSX/")


def _within_limit(size: int, wrong: Mapping[str, Any]) -> None:
    if size > LIMIT:
        detail = f"unpacked it has more than {LIMIT >> 30} GiB"
        raise Stop("CH-PULL-055", **{**wrong, "format": "archive", "detail": detail})


def columns_of_file(name: str, body: bytes, source: FilesSource, place: Mapping[str, Any]) -> tuple[str, ...]:
    """The file's columns, once it is known to be readable as the spec says.

    Raises `Stop` CH-PULL-052 (encoding), 053 (sheet), 055 (not that format), 059 (a web page).
    """
    wrong = {**place, "file": name}
    refuse_web_page(body, source.format, wrong)
    if source.format == "xlsx":
        sheet = open_sheet(body, source.sheet, wrong)
        return tuple(title for title in _titles(sheet, source.header_row) if title)
    if source.format == "xml":
        try:
            return read_xml(body, source.record or "").columns
        except XmlBroken as error:
            raise Stop("CH-PULL-055", format="XML", detail=error.detail, **wrong) from None
    check_encoding(body, source.encoding, wrong)
    start = _beginning(body, source.encoding)
    if source.format == "ndjson":
        return _keys(start, wrong)
    lines = list(csv.reader(io.StringIO(start), delimiter=source.delimiter))[: source.header_row]
    titles = lines[source.header_row - 1] if len(lines) >= source.header_row else []
    return tuple(title.strip() for title in titles if title.strip())


def _titles(sheet: Sheet, row: int) -> list[str]:
    return [sheet.text(row, column) or "" for column in range(1, sheet.width + 1)]


def _keys(start: str, wrong: Mapping[str, Any]) -> tuple[str, ...]:
    first = start.split("\n", 1)[0].strip()
    if not first:
        return ()
    try:
        row = json.loads(first)
    except ValueError as error:
        raise Stop("CH-PULL-055", **{**wrong, "format": "NDJSON", "detail": f"line 1: {error}"}) from None
    return tuple(row) if isinstance(row, dict) else ()


def _beginning(body: bytes, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    return decoder.decode(body[: 1 << 16]).removeprefix("\ufeff")


def check_encoding(body: bytes, encoding: str, wrong: Mapping[str, Any]) -> None:
    """Raise `Stop` CH-PULL-052 when the bytes are not in the encoding, with the byte and what would fit.

    Text in UTF-8 can often be read as GB18030 too and gives nonsense, so that case is looked for.
    """
    try:
        body.decode(encoding)
    except LookupError:
        raise _not(encoding, body, 0, "no encoding has this name", wrong) from None
    except UnicodeDecodeError as error:
        raise _not(encoding, body, error.start, _fitting(body, encoding), wrong) from None
    if encoding.lower().startswith("gb") and _is_chinese_utf8(body):
        first = next(place for place, byte in enumerate(body) if byte > 0x7F)
        raise _not(encoding, body, first, "it is UTF-8: read as GB18030 it would be nonsense", wrong)


def _not(encoding: str, body: bytes, byte: int, hint: str, wrong: Mapping[str, Any]) -> Stop:
    value = body[byte : byte + 4].hex(" ") or "end of file"
    return Stop("CH-PULL-052", **{**wrong, "encoding": encoding, "byte": byte, "value": value, "hint": hint})


def _fitting(body: bytes, encoding: str) -> str:
    if body[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "it begins like UTF-16"
    for name in ("utf-8", "gb18030"):
        if name != encoding.lower():
            try:
                body.decode(name)
            except UnicodeDecodeError:
                continue
            return f"it fits {name.upper()}"
    return "it fits neither UTF-8 nor GB18030"


def _is_chinese_utf8(body: bytes) -> bool:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    # Two-byte sequences alone may be GB18030 by chance; three-byte ones that give CJK are not.
    return any(char >= "\u2e80" for char in text)
