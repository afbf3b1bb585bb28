"""Cutting a JSON body into envelope and records without turning rows into Python objects.

A cut `head + records + tail` is accepted only when it is proven: the envelope with a marker in the records'
place is valid JSON and holds the marker at the dotted path, and the records by themselves are one valid JSON
array. Then parsing the whole body would give the same envelope and the same records.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_CANDIDATES = 16
_SAMPLE = 8
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Split:
    """`head + records + tail` are the body; `envelope` is the body parsed with an empty array in the records'
    place; `count` rows; `columns` are the keys of a few sampled rows in order of appearance."""

    head: bytes
    records: bytes
    tail: bytes
    envelope: Any
    count: int
    columns: tuple[str, ...] = field(default=())


def split_records(body: bytes, path: str) -> Split | None:
    """The proven cut of a UTF-8 JSON body at the array under the dotted `path` ("" = the body is the array).

    None where it cannot be proven: the caller parses the whole body then.
    """
    marker = f"records-{secrets.token_hex(12)}"
    quoted = b'"' + marker.encode() + b'"'
    for start in _openings(body, path):
        for end in _closings(body, start):
            head, tail = body[:start], body[end:]
            try:
                envelope = json.loads(head + quoted + tail)
            except (ValueError, RecursionError):
                continue
            if dig(envelope, path) != marker:
                break
            try:
                rows = _ROWS.decode(memoryview(body)[start:end])
            except (msgspec.DecodeError, RecursionError):
                continue
            columns = columns_of(json.loads(bytes(row)) for row in _some(rows))
            return Split(head, body[start:end], tail, put(envelope, path, []), len(rows), columns)
    return None


def _openings(body: bytes, path: str) -> Iterator[int]:
    if not path:
        text = body.removeprefix(_BOM)
        start = len(body) - len(text.lstrip(_SPACE))
        if body[start : start + 1] == b"[":
            yield start
        return
    key = json.dumps(path.rpartition(".")[2], ensure_ascii=False).encode()
    pattern = re.compile(re.escape(key) + rb"[ \t\r\n]*:[ \t\r\n]*\[")
    for number, match in enumerate(pattern.finditer(body)):
        if number == _CANDIDATES:
            return
        yield match.end() - 1


def _closings(body: bytes, start: int) -> Iterator[int]:
    end = len(body)
    for _ in range(_CANDIDATES):
        end = body.rfind(b"]", start, end)
        if end < 0:
            return
        yield end + 1


def _some(rows: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """A few rows from first to last: an optional key that the first row lacks is still seen."""
    step = max(1, len(rows) // _SAMPLE)
    return rows[::step][:_SAMPLE] + rows[-1:]


def columns_of(rows: Any) -> tuple[str, ...]:
    """The keys of all given rows that are objects, in order of first appearance."""
    names: dict[str, None] = {}
    for row in rows:
        if isinstance(row, dict):
            names.update(dict.fromkeys(row))
    return tuple(names)


def dig(value: Any, path: str) -> Any:
    """The value at a dotted path, list positions as numbers; None where the path leads nowhere."""
    for key in path.split(".") if path else []:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def put(value: Any, path: str, new: Any) -> Any:
    """`value` with `new` at a path that exists."""
    if not path:
        return new
    parent, _, key = path.rpartition(".")
    holder = dig(value, parent)
    holder[int(key) if isinstance(holder, list) else key] = new
    return value
