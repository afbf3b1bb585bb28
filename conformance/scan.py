"""Looking for a value in everything that a hub has written: plain, URL-encoded, in base64, inside compressed files."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, quote_plus
from zipfile import BadZipFile, ZipFile

import zstandard

from conformance.hub import Hub
from warehouse.names import identifier


def forms(value: str) -> set[bytes]:
    """The value as it may stand somewhere. In base64 it depends on what stands before: three shifts, each without the
    digits that neighbours share."""
    raw = value.encode()
    found = {raw, quote(value, safe="").encode(), quote_plus(value).encode(), json.dumps(value)[1:-1].encode()}
    for shift in range(3):
        coded = b64encode(b"\0" * shift + raw)
        whole = (shift + len(raw)) // 3 * 4
        found.add(coded[(4 if shift else 0) : whole].rstrip(b"="))
    return {form for form in found if len(form) >= 6}


def found_in(values: Mapping[str, str], texts: Iterable[tuple[str, bytes]]) -> list[str]:
    """Where which value stands: `name in place`."""
    wanted = {name: forms(value) for name, value in values.items()}
    return [
        f"{name} in {place}"
        for place, content in texts
        for name, any_form in wanted.items()
        if any(form in content for form in any_form)
    ]


def not_written(hub: Hub) -> list[Path]:
    """What lies in a throw-away hub and was not written by it: its secrets, its sources, the engine's extensions."""
    return [hub.settings.home / name for name in ("secrets", "source", "extensions")]


def files(home: Path, skip: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder, its name too, unpacked where it is packed."""
    left_out = tuple(skip)
    for path in sorted(home.rglob("*")):
        if any(path.is_relative_to(folder) for folder in left_out):
            continue
        place = str(path.relative_to(home))
        yield f"the name {place}", place.encode()
        if path.is_file():
            content = path.read_bytes()
            yield place, content
            for inner in _unpacked(path, content):
                yield place, inner


def _unpacked(path: Path, content: bytes) -> Iterator[bytes]:
    if path.suffix == ".zst":
        with zstandard.ZstdDecompressor().stream_reader(BytesIO(content)) as reader:
            yield reader.read()
    elif content[:4] == b"PK\x03\x04":
        try:
            with ZipFile(BytesIO(content)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        except BadZipFile:
            return


def tables(hub: Hub) -> Iterator[tuple[str, bytes]]:
    """Every table of the lake as text: Parquet files do not show what they hold."""
    names = hub.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' ORDER BY 1")
    for (name,) in names:
        rows = hub.rows(f"SELECT CAST(to_json(t) AS VARCHAR) FROM {identifier(name)} AS t")
        yield f"table {name}", "\n".join(text for (text,) in rows).encode()
