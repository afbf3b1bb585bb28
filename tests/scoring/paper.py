"""Reading back what was put on paper: the text of each page of a PDF, of a DOCX and of an XLSX."""

from __future__ import annotations

import io
import re
import zlib
from pathlib import Path
from typing import Any

_STREAM = re.compile(rb"(\d+) 0 obj\s*<<([^\n]*?/Length (\d+)[^\n]*?)>>\s*stream\r?\n")
_ESCAPE = re.compile(rb"\\([0-7]{1,3})|\\(.)", re.DOTALL)
_HEX = re.compile(rb"<([0-9A-Fa-f]*)>")
_WORD = re.compile(rb"[A-Za-z'\"*]+")
_NAMED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_BREAKS = "\u200b­"


def pages(body: bytes) -> list[str]:
    """The text of each page. For PDFs with one font, two bytes a glyph and a table of their letters, as ours are."""
    # By their stated length: the last byte of a stream may look like the end of a line.
    streams = {
        found[1]: _inflated(found[2], body[found.end() : found.end() + int(found[3])])
        for found in _STREAM.finditer(body)
    }
    letters: dict[int, str] = {}
    for stream in streams.values():
        if b"beginbfchar" in stream:
            for code, text in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", stream):
                letters[int(code, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    kids = re.findall(rb"(\d+) 0 R", re.findall(rb"/Type/Pages[^\n]*?/Kids\[([^\]]*)\]", body)[0])
    return [_text(streams[_contents(body, kid)], letters) for kid in kids]


def _contents(body: bytes, kid: bytes) -> bytes:
    found = re.search(rb"\n" + kid + rb" 0 obj.*?/Contents (\d+) 0 R", body, re.DOTALL)
    assert found
    return found[1]


def _inflated(head: bytes, data: bytes) -> bytes:
    return zlib.decompress(data) if b"FlateDecode" in head else data


def _text(stream: bytes, letters: dict[int, str]) -> str:
    """The strings that the operators Tj and TJ show, in order."""
    said, waiting, at = "", [], 0
    while at < len(stream):
        if stream[at : at + 1] == b"(":
            raw, at = _literal(stream, at + 1)
            waiting.append(raw)
        elif found := _HEX.match(stream, at):
            waiting.append(bytes.fromhex(found[1].decode()))
            at = found.end()
        elif found := _WORD.match(stream, at):
            if found[0] in {b"Tj", b"TJ"}:
                shown = b"".join(waiting)
                said += "".join(letters[int.from_bytes(shown[n : n + 2])] for n in range(0, len(shown), 2))
            waiting, at = [], found.end()
        else:
            at += 1
    return "".join(letter for letter in said if letter not in _BREAKS)


def _literal(stream: bytes, at: int) -> tuple[bytes, int]:
    """A string in round brackets, which may hold balanced ones; and the place after it."""
    found, depth = b"", 1
    while True:
        letter = stream[at : at + 1]
        escape = _ESCAPE.match(stream, at)
        if escape:
            found += bytes([int(escape[1], 8)]) if escape[1] else _NAMED.get(escape[2], escape[2])
            at = escape.end()
            continue
        depth += {b"(": 1, b")": -1}.get(letter, 0)
        at += 1
        if depth == 0:
            return found, at
        found += letter


def document(path: Path) -> Any:
    """A DOCX, opened."""
    from docx import Document

    return Document(io.BytesIO(path.read_bytes()))


def cells(document: Any) -> list[list[list[str]]]:
    """Tables → rows → texts."""
    return [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]


def book(path: Path) -> Any:
    """An XLSX, opened with its formulas as they are."""
    from openpyxl import load_workbook

    return load_workbook(path)
