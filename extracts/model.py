"""What an extract is: one numbered set of files, said in its manifest."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

SCHEMA_VERSION = "1.1.0"  # a minor version adds columns and datasets; anything else is a major one
FORMATS = ("parquet", "csv.gz", "ndjson.gz")
PROVISIONAL, FINAL, CORRECTION = "provisional", "final", "correction"
STATUSES = {"provisional": PROVISIONAL, "final": FINAL, "corrected": CORRECTION}  # of a publication → of its extract
MANIFEST = "manifest.json"
SIGNATURES = {"ed25519": f"{MANIFEST}.sig", "sm2": f"{MANIFEST}.sm2"}


@dataclass(frozen=True)
class ExtractFile:
    """One file. `format`: parquet, csv.gz or ndjson.gz; `path`: its name in the extract's folder."""

    dataset: str
    format: str
    rows: int
    bytes: int
    sha256: str
    path: str


@dataclass(frozen=True)
class ExtractManifest:
    """What one extract is. `sequence`: the publication's number; `supersedes`: the sequence of the same period that it
    takes the place of; `previous`: sha256 of the manifest of the sequence before, whatever its period; `source_as_of`:
    last service day whose data it holds; `publication_sha256`: of the publication's manifest."""

    sequence: int
    schema_version: str
    period: str
    status: str
    reason: str
    supersedes: int | None
    previous: str | None
    source_as_of: str
    published_at: str
    key_id: str
    publication_sha256: str
    files: tuple[ExtractFile, ...]

    @cached_property
    def datasets(self) -> frozenset[str]:
        """What this extract holds."""
        return frozenset(item.dataset for item in self.files)

    def file(self, dataset: str, format: str) -> ExtractFile | None:
        """The dataset in a format; None where this extract does not hold it."""
        return next((item for item in self.files if (item.dataset, item.format) == (dataset, format)), None)

    def encode(self) -> bytes:
        """The bytes that are signed."""
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode()


def decode(body: bytes) -> ExtractManifest:
    """A manifest from its bytes; raises `ValueError`, `KeyError` or `TypeError` for anything else."""
    content: dict[str, Any] = json.loads(body)
    return ExtractManifest(**{**content, "files": tuple(ExtractFile(**item) for item in content["files"])})


def folder_name(sequence: int) -> str:
    """`000001`."""
    return f"{sequence:06d}"


@dataclass(frozen=True)
class Only:
    """What of the rows may be seen; None: all. `units`: assessed units; datasets without a unit are not touched.
    `periods`: `2026-11` with its days, or the beginning of periods as `2026-*`."""

    units: frozenset[str] | None = None
    periods: tuple[str, ...] | None = None


ALL = Only()


@dataclass(frozen=True)
class Condition:
    """What rows must be like beyond that. `text`: SQL over the dataset's columns with a `?` for each of `values`, which
    are texts: one that is compared with something else is cast in `text`."""

    text: str = "TRUE"
    values: tuple[str, ...] = ()

    def __and__(self, other: Condition) -> Condition:
        """Both."""
        return Condition(f"({self.text}) AND ({other.text})", self.values + other.values)


ANY = Condition()
