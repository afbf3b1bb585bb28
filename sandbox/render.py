"""From a table to a file of records in the vendor's text, and where in it each record stands.

DuckDB writes the text, so that a million records cost seconds; a page is then a slice of bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Stamp = Literal["iso", "compact", "epoch_ms"]
CHUNK = 1 << 24
# COPY as CSV with a quote, escape and delimiter that no record holds: the text as it is, one record a line.
PLAIN = "FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '\x02', ESCAPE '\x02'"


@dataclass(frozen=True)
class Rendered:
    """Records as text: record i is `file[starts[i]:ends[i]]`; a slice of several keeps valid separators."""

    file: Path
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @property
    def total(self) -> int:
        """Number of records."""
        return int(self.starts.size)

    def span(self, first: int, size: int) -> tuple[int, int]:
        """Byte range of `size` records from `first`; (0, 0) when there are none."""
        first, last = max(first, 0), min(first + size, self.total)
        return (0, 0) if first >= last else (int(self.starts[first]), int(self.ends[last - 1]))


def render(
    table: pa.Table,
    file: Path,
    style: Literal["json", "xml"] = "json",
    stamps: Mapping[str, Stamp] | None = None,
) -> Rendered:
    """Write all records to `file`; deterministic for the same table."""
    if not table.num_rows:
        file.write_bytes(b"")
        return Rendered(file, np.empty(0, np.int64), np.empty(0, np.int64))
    con = duckdb.connect(config={"threads": 2, "memory_limit": "1GB"})
    con.execute("SET enable_progress_bar = false")  # a slow COPY would draw on the terminal
    try:
        con.register("records", table)
        columns = [(field, _value(field, (stamps or {}).get(field.name, "iso"))) for field in table.schema]
        if style == "json":
            listed = ", ".join(f"{value} AS {_name(field.name)}" for field, value in columns)
            con.execute(f"COPY (SELECT {listed} FROM records) TO '{_text(file)}' (FORMAT json, ARRAY true)")
        else:
            listed = " || ".join(_element(field.name, value) for field, value in columns)
            con.execute(f"COPY (SELECT '<row>' || {listed} || '</row>' FROM records) TO '{_text(file)}' ({PLAIN})")
    finally:
        con.close()
    return _index(file, style)


def _value(field: pa.Field, stamp: Stamp) -> str:
    name = _name(field.name)
    if not pa.types.is_timestamp(field.type):
        return name
    pattern = {"iso": "%Y-%m-%d %H:%M:%S", "compact": "%Y%m%d%H%M%S"}.get(stamp)
    # Stored without zone, local time; vendors' epochs are UTC.
    return f"strftime({name}, '{pattern}')" if pattern else f"epoch_ms({name} - INTERVAL 8 HOUR)"


def _element(name: str, value: str) -> str:
    text = f"coalesce(CAST({value} AS VARCHAR), '')"
    for mark, escape in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = f"replace({text}, '{mark}', '{escape}')"
    return f"'<{name}>' || {text} || '</{name}>'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(file: Path) -> str:
    return str(file).replace("'", "''")


def _index(file: Path, style: str) -> Rendered:
    """JSON lines are `[`, `\\t{…},`, …, `\\t{…}`, `]`; XML lines are records alone."""
    breaks, place = [], 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            breaks.append(np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10) + place)
            place += len(chunk)
    lines = np.concatenate(breaks).astype(np.int64)
    if style == "xml":
        return Rendered(file, np.concatenate([[0], lines[:-1] + 1]).astype(np.int64), lines)
    starts = lines[:-2] + 2
    ends = np.concatenate([lines[1:-2] - 1, lines[-2:-1]])
    return Rendered(file, starts, ends)
