"""What is served: the extracts that are there, held in memory, because a published number never changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cityhub.errors import HubError, Stop
from extracts.datasets import DATASETS
from extracts.model import ExtractFile, ExtractManifest
from extracts.store import Store

_SETTLED_NS = 1_000_000_000  # a folder changed this lately may change again under the same time stamp


@dataclass(frozen=True)
class Held:
    """One extract: its manifest, the bytes of it that are signed, and their sha256."""

    manifest: ExtractManifest
    body: bytes
    sha256: str

    @property
    def sequence(self) -> int:
        """Its number."""
        return self.manifest.sequence


class Shelf:
    """All extracts of a store; looks at the folder again only where it changed."""

    def __init__(self, store: Store) -> None:
        self.store, self.root = store, store.root
        self._lock = threading.Lock()
        self._stamp = -1
        self._held: Mapping[int, Held] = {}
        self._kept: frozenset[int] = frozenset()
        self._places: Mapping[str, tuple[tuple[Held, ExtractFile], ...]] = {}

    def all(self) -> Mapping[int, Held]:
        """Sequence → extract, ascending."""
        try:
            stamp = self.root.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if stamp != self._stamp:
            with self._lock:
                self._load()
                self._stamp = stamp if time.time_ns() - stamp > _SETTLED_NS else -1
        return self._held

    def latest(self) -> int | None:
        """The newest sequence, None before the first."""
        return max(self.all(), default=None)

    def get(self, sequence: int) -> Held:
        """One extract; raises `Stop` CH-SERVE-007."""
        found = self.all().get(sequence)
        if found is None:
            raise Stop("CH-SERVE-007", what="publication", value=sequence)
        return found

    def kept(self, sequence: int) -> bool:
        """Whether the files of an extract are there still; pruning leaves its manifest."""
        self.all()
        return sequence in self._kept

    def files(self, digest: str) -> tuple[tuple[Held, ExtractFile], ...]:
        """Every place where a file of this sha256 stands: empty files of two datasets are the same bytes."""
        self.all()
        return self._places.get(digest, ())

    def manifest(self, digest: str) -> Held | None:
        """The extract whose manifest has this sha256."""
        return next((held for held in self.all().values() if held.sha256 == digest), None)

    def path(self, held: Held, file: ExtractFile) -> Path:
        """Where the file lies."""
        return self.store.folder(held.sequence) / file.path

    def _load(self) -> None:
        known = self._held
        held = dict(self._read(known))
        self._kept = self.store.kept() & held.keys()
        if held.keys() == known.keys():
            return
        places: dict[str, tuple[tuple[Held, ExtractFile], ...]] = {}
        for item in held.values():
            for file in (file for file in item.manifest.files if file.dataset in DATASETS):
                places[file.sha256] = (*places.get(file.sha256, ()), (item, file))
        self._held, self._places = held, places

    def _read(self, known: Mapping[int, Held]) -> Iterator[tuple[int, Held]]:
        for sequence in sorted(self.store.sequences()):
            if sequence in known:
                yield sequence, known[sequence]
                continue
            try:
                body = self.store.manifest_bytes(sequence)
                held = Held(self.store.manifest(sequence), body, sha256(body).hexdigest())
            except HubError:
                continue  # removed since it was listed, or damaged: not served, the others are
            yield sequence, held
