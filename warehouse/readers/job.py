"""What the readers share: the delivery, the source columns that the spec wants, and what they find out."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import duckdb
import zstandard

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from warehouse.compile import Also
from warehouse.landing import Manifest, Part
from warehouse.names import literal
from warehouse.whole import is_whole

Numbered = tuple[int, Part]
_FILE = re.compile(r'file "([^"]+)"')
_WHERE = re.compile(r"at byte \d+ in (?:record/value|line) \d+|in (?:record/value|line) \d+")


@dataclass(frozen=True)
class Reject:
    """A line that is no row: part number, line in it, the line itself, and what is wrong with it. `record`: the
    text is a JSON object that somebody made of it, not the line."""

    part: int
    line: int
    text: str
    problem: str
    record: bool = False


@dataclass
class Job:
    """One load while its parts are read.

    `work` is a private folder. `also` is what the contract refuses; its columns end `sources`. `columns` grows to the
    source columns seen, `tables` to the temporary tables made.
    """

    con: duckdb.DuckDBPyConnection
    spec: FeedSpec
    manifest: Manifest
    work: Path
    sources: tuple[str, ...]
    also: Also = field(default_factory=Also)
    sift: bool = False
    rejects: list[Reject] = field(default_factory=list)
    columns: dict[str, None] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)

    def option(self, name: str) -> str | int | None:
        """How to read a delivery: what its manifest says, else the spec's source."""
        found = self.manifest.options.get(name)
        return found if found is not None else getattr(self.spec.source, name, None)

    def file(self, part: Part) -> Path:
        """The landed file of a part; raises `Stop` CH-LOAD-003 when landing has lost it, 001 when it is cut off."""
        path = self.manifest.path(part)
        if not path.is_file():
            raise Stop("CH-LOAD-003", feed=self.spec.feed, part=part.file, folder=self.manifest.folder)
        if path.suffix == ".zst" and not is_whole(path):
            raise self.broken(part, "the compressed file ends too early")
        return path

    def broken(self, part: Part, detail: str) -> Stop:
        """The error for a part that cannot be read; `detail` holds no record content."""
        return Stop(
            "CH-LOAD-001",
            feed=self.spec.feed,
            day=self.manifest.service_day,
            part=part.file,
            detail=detail,
            folder=self.manifest.folder,
        )


def opened(path: Path) -> IO[bytes]:
    """The content of a landed file as a stream, decompressed where its name ends in .zst."""
    raw = path.open("rb")
    if path.suffix != ".zst":
        return raw
    return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, closefd=True), 1 << 20)


def quoted(name: str) -> str:
    """A source's column name, which may hold anything, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def file_list(paths: list[Path]) -> str:
    """Paths as an SQL list."""
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"


def top(source: str) -> str:
    """The key of the record that a dotted source begins with."""
    return source.split(".", 1)[0]


KINDS = (
    "Malformed JSON",
    "duplicate key",
    "invalid UTF-8",
    "Expected OBJECT",
    "Expected top-level JSON array",
    "unexpected end of data",
    "unexpected character",
    "maximum_object_size",
    "Unknown frame",
    "ZSTD",
)


def without_content(message: str) -> str:
    """An engine's message without the snippet of the data that it quotes: kind and position only."""
    head = message.splitlines()[0]
    where = _WHERE.search(head)
    said = [kind for kind in KINDS if kind.lower() in head.lower()]
    return " ".join([", ".join(said) or "cannot be read", where.group(0) if where else ""]).strip()


def named_file(message: str) -> str | None:
    """The file that an engine's message names."""
    found = _FILE.search(message)
    return found.group(1) if found else None
