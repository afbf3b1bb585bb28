"""Landing: bodies as received, immutable, with their sha256, under `<feed>/<service day>/<load id>/`.

A body is stored as its records (zstd) plus `head` and `tail`, the envelope around them, in the manifest:
head + records + tail are exactly the bytes received, and the load reads the records without the envelope.
Of a feed with personal fields the records land sealed (warehouse/personal), without envelope and originals.
A delivery counts as landed when its `manifest.json` is there; a folder without one is the rest of a killed
process and is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets as random
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

import zstandard

from cityhub.clock import SHANGHAI, now
from cityhub.errors import HubError
from cityhub.files import sync
from cityhub.secrets import redact
from warehouse.whole import is_whole

Format = Literal["json", "ndjson", "csv", "xml", "xlsx", "parquet"]
MANIFEST = "manifest.json"
# zstd level: a quarter of the size, and of the time of level 1 two thirds (JSON records).
FAST = -3
# Bodies that may wait for the disk.
AHEAD = 4


@dataclass(frozen=True)
class Part:
    """One received body.

    `file` holds the records: format json = one JSON array, ndjson = one object a line, the others = the
    whole body. `sha256` is over the body as received, `records_sha256` over the records alone, as received too.
    """

    file: str
    format: Format
    bytes: int
    sha256: str
    records_sha256: str
    received_at: str
    request: str
    head: str = ""
    tail: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Manifest:
    """What one delivery is: `stated_total` is the number of records that the source claims, `cursor` the
    change cursor after it, `options` (encoding, delimiter, header_row, sheet, record …) how to read it.

    `protected`: source column → hash, mask or drop, for those whose values landed sealed; `key`: fingerprint of the
    key used; `withheld`: name → sha256 of originals that were not kept because they hold personal values."""

    feed: str
    service_day: str
    load_id: str
    started_at: str
    finished_at: str
    parts: tuple[Part, ...]
    stated_total: int | None = None
    cursor: str | None = None
    options: dict[str, str | int] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    protected: dict[str, str] = field(default_factory=dict)
    key: str = ""
    withheld: dict[str, str] = field(default_factory=dict)
    folder: str = ""

    @property
    def content_sha256(self) -> str:
        """Identity of what was delivered, whatever envelope, time and page size it came in. The same bytes protected
        in another way or with another key are another content: the old one cannot serve for them."""
        digest = hashlib.sha256()
        for part in self.parts:
            digest.update(part.records_sha256.encode())
        if self.protected:
            digest.update(json.dumps([self.key, sorted(self.protected.items())]).encode())
        return digest.hexdigest()

    def path(self, part: Part) -> Path:
        """The file of a part."""
        return Path(self.folder) / part.file

    def day(self) -> date:
        """The service day."""
        return date.fromisoformat(self.service_day)


def new_load_id(after: str = "", moment: datetime | None = None) -> str:
    """An id that sorts by time: `20261121T011500123-9f2c`.

    It is later than `after`, the feed's newest: the order of deliveries is that of their ids, and a clock that was
    put back must not make a new delivery older than one that is stored.
    """
    moment = moment or now()
    if after and _written(moment) <= after.partition("-")[0]:
        moment = datetime.strptime(after.partition("-")[0] + "000", "%Y%m%dT%H%M%S%f").replace(tzinfo=SHANGHAI)
        moment += timedelta(milliseconds=1)
    return f"{_written(moment)}-{random.token_hex(2)}"


def _written(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}"


def newest_id(feed_folder: Path) -> str:
    """The newest load id of a feed in landing, whatever its day; empty when there is none."""
    ids = (item.name for day in _folders(feed_folder) for item in _folders(day) if (item / MANIFEST).is_file())
    return max(ids, default="")


def _folders(folder: Path) -> list[Path]:
    return [item for item in folder.iterdir() if item.is_dir() and item.name[0] != "."] if folder.is_dir() else []


@dataclass(frozen=True)
class Sealed:
    """Records as they land, with their columns."""

    records: bytes
    columns: tuple[str, ...]


class Edge(Protocol):
    """What protects the personal fields of a feed before anything is stored (warehouse/personal/edge.py)."""

    key: str
    sealed: dict[str, str]

    def stored_as(self, form: Format) -> Format: ...

    def seal(
        self, records: bytes, form: Format, options: Mapping[str, str | int], columns: tuple[str, ...]
    ) -> Sealed: ...

    def request(self, text: str) -> str: ...

    def quiet(self, text: str) -> str: ...


class Delivery:
    """A delivery being written. Use as a context manager: leaving it normally lands it, an exception
    leaves nothing behind. Made by `warehouse.personal.edge.delivery`, which knows what is personal."""

    def __init__(self, landing: Path, feed: str, day: date, *, edge: Edge | None = None) -> None:
        self.feed, self.day, self.load_id = feed, day, new_load_id(newest_id(landing / feed))
        self._edge = edge
        self._withheld: dict[str, str] = {}
        self._parts: list[Future[Part]] = []
        self.stated_total: int | None = None
        self.cursor: str | None = None
        self.options: dict[str, str | int] = {}
        self.findings: list[str] = []
        self.manifest: Manifest | None = None
        self._started = now().isoformat()
        self._final = landing / feed / day.isoformat() / self.load_id
        self._work = self._final.with_name(f".{self.load_id}.partial")

    def __enter__(self) -> Delivery:
        self._work.mkdir(parents=True)
        # A body is hashed, compressed and synced while the next one comes: half the time of a pull.
        self._writer = ThreadPoolExecutor(2, thread_name_prefix="landing")
        return self

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        self._writer.shutdown(cancel_futures=kind is not None)
        if kind is not None:
            shutil.rmtree(self._work, ignore_errors=True)
            return
        try:
            self.manifest = self._land()
        except (OSError, HubError):  # a disk that is full says so when the bytes are written
            shutil.rmtree(self._work, ignore_errors=True)
            raise

    def add(
        self,
        records: bytes,
        format: Format,
        *,
        request: str,
        head: bytes = b"",
        tail: bytes = b"",
        columns: tuple[str, ...] = (),
        records_sha256: str | None = None,
    ) -> str:
        """Store one body and return its file's name; it is synced to disk before the delivery lands.
        `head + records + tail` are the bytes received; `records_sha256` where the caller has it already."""
        edge = self._edge
        stored = edge.stored_as(format) if edge else format
        name = f"{len(self._parts) + 1:06d}.{stored}" + ("" if stored in {"xlsx", "parquet"} else ".zst")
        part = Part(
            file=name,
            format=stored,
            bytes=len(head) + len(records) + len(tail),
            sha256="",
            records_sha256=records_sha256 or "",
            received_at=now().isoformat(),
            request=redact(edge.request(request) if edge else request),
            # An envelope may repeat what the records say.
            head="" if edge else head.decode("utf-8", "surrogateescape"),
            tail="" if edge else tail.decode("utf-8", "surrogateescape"),
            columns=columns,
        )
        for earlier in self._parts[-AHEAD:][:1]:  # a slow disk slows the pull down before bodies pile up in memory
            earlier.result()
        self._parts.append(self._writer.submit(self._write, part, format, (head, records, tail), dict(self.options)))
        return name

    def __len__(self) -> int:
        """The number of bodies so far."""
        return len(self._parts)

    @property
    def keeps_originals(self) -> bool:
        """False for a feed with personal fields: of a body as received only its sha256 stays."""
        return self._edge is None

    def attach(self, name: str, body: bytes) -> str:
        """Keep a body as received beside the parts made from it (a workbook, a page that had to be
        rewritten), or only its sha256 where it holds personal values; returns that. The load does not read
        attachments."""
        digest = _sha256(body)
        if self.keeps_originals:
            self._store(name, body)
        else:
            self._withheld[name] = digest
        return digest

    def _write(self, part: Part, form: Format, body: tuple[bytes, bytes, bytes], options: dict[str, str | int]) -> Part:
        head, records, tail = body
        whole = _sha256(head, records, tail)
        alone = part.records_sha256 or (_sha256(records) if head or tail else whole)
        if self._edge is not None:
            sealed = self._edge.seal(records, form, options, part.columns)
            records, part = sealed.records, replace(part, columns=sealed.columns)
        # the checksum makes a damaged file an error where it is read, instead of other numbers
        packed = zstandard.ZstdCompressor(level=FAST, write_checksum=True)
        self._store(part.file, packed.compress(records) if part.file.endswith(".zst") else records)
        return replace(part, sha256=whole, records_sha256=alone)

    def _store(self, name: str, payload: bytes) -> None:
        with (self._work / name).open("wb") as handle:
            handle.write(payload)
            handle.flush()
            os.fsync(handle.fileno())

    def _land(self) -> Manifest:
        edge = self._edge
        parts = tuple(part.result() for part in self._parts)
        manifest = Manifest(
            feed=self.feed,
            service_day=self.day.isoformat(),
            load_id=self.load_id,
            started_at=self._started,
            finished_at=now().isoformat(),
            parts=parts,
            stated_total=self.stated_total,
            cursor=self.cursor,
            options=self.options,
            findings=tuple(edge.quiet(finding) if edge else finding for finding in self.findings),
            protected=dict(sorted(edge.sealed.items())) if edge else {},
            key=edge.key if edge else "",
            withheld=self._withheld,
            folder=str(self._final),
        )
        before = latest(self._final.parent)
        same = before is not None and before.content_sha256 == manifest.content_sha256
        if before is not None and same and before.options == self.options and _readable(before):
            shutil.rmtree(self._work)
            return before
        write_manifest(self._work, manifest)
        self._work.rename(self._final)
        sync(self._final.parent)
        return manifest


def _readable(manifest: Manifest) -> bool:
    """Whether every part is still there in one piece: what a crashed machine left half is landed anew."""
    paths = [manifest.path(part) for part in manifest.parts]
    return all(path.is_file() and (path.suffix != ".zst" or is_whole(path)) for path in paths)


def _sha256(*pieces: bytes) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` whole or not at all; `folder` itself is not stored, so that landing can move."""
    content = asdict(manifest)
    del content["folder"]
    temporary = folder / (MANIFEST + ".tmp")
    with temporary.open("w", encoding="utf-8", errors="surrogateescape") as handle:
        json.dump(content, handle, ensure_ascii=False, indent=1)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(folder / MANIFEST)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a landed delivery."""
    with (folder / MANIFEST).open(encoding="utf-8", errors="surrogateescape") as handle:
        content = json.load(handle)
    parts = tuple(Part(**{**part, "columns": tuple(part["columns"])}) for part in content.pop("parts"))
    content["findings"] = tuple(content["findings"])
    return Manifest(**content, parts=parts, folder=str(folder))


def deliveries(day_folder: Path) -> list[Manifest]:
    """Landed deliveries of one feed and service day, oldest first."""
    if not day_folder.is_dir():
        return []
    folders = sorted(item for item in day_folder.iterdir() if (item / MANIFEST).is_file())
    return [read_manifest(item) for item in folders]


def latest(day_folder: Path) -> Manifest | None:
    """The newest landed delivery of one feed and service day."""
    found = deliveries(day_folder)
    return found[-1] if found else None


def newest(feed_folder: Path, day: date | None = None) -> Manifest | None:
    """The newest landed delivery of a feed, of one service day or of all."""
    days = [day.isoformat()] if day else sorted((i.name for i in feed_folder.glob("[0-9]*")), reverse=True)
    return next((found for name in days if (found := latest(feed_folder / name))), None)


def discard_partial(landing: Path, feed: str, day: date) -> int:
    """Remove what killed processes left behind for one feed and day; the caller holds the feed's lock."""
    folder = landing / feed / day.isoformat()
    rests = [item for item in folder.glob(".*.partial") if item.is_dir()] if folder.is_dir() else []
    for rest in rests:
        shutil.rmtree(rest, ignore_errors=True)
    return len(rests)
