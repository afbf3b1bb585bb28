"""Where a copy is pulled from: a service over HTTP, or extracts that came as a bundle. Both say the same things."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cityhub.errors import Stop
from extracts import plain, sign
from extracts.client import Client, Expired
from extracts.datasets import DATASETS
from extracts.model import ExtractFile, ExtractManifest
from extracts.records import every_change
from extracts.store import Store
from extracts.verify import verify
from warehouse.names import identifier, literal

Json = dict[str, Any]
PAGE = 2_000
_TYPES = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}


@dataclass(frozen=True)
class Shape:
    """A dataset's columns with their DuckDB types, in order, and its key. Exact numbers, days and moments are texts."""

    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]

    @property
    def names(self) -> str:
        """The columns as a SELECT list."""
        return ", ".join(identifier(name) for name, _ in self.columns)


@dataclass(frozen=True)
class Listed:
    """A publication that holds the dataset; `period` is its month."""

    sequence: int
    period: str
    manifest_sha256: str


@dataclass(frozen=True)
class Signed:
    """The bytes of a manifest and the signature over them, by SM2 too where there is one."""

    body: bytes
    signature: bytes
    sm2: bytes | None = None


class Source(Protocol):
    """What a pull asks for."""

    name: str
    formats: tuple[str, ...]

    def datasets(self) -> list[str]: ...
    def shape(self, dataset: str) -> Shape: ...
    def keys(self) -> dict[str, bytes]: ...
    def publications(self, dataset: str) -> list[Listed]: ...
    def signed(self, dataset: str, sequence: int) -> Signed: ...
    def file(self, made: ExtractManifest, item: ExtractFile, folder: Path) -> Path: ...
    def changes(self, dataset: str, since: int, cursor: str | None) -> Json: ...
    def records(self, dataset: str, at: int, cursor: str | None) -> Json: ...
    def receipt(self, dataset: str, sequence: int, sha256: str, rows: int) -> bool | None: ...


class HttpSource:
    """A service. Files are fetched as NDJSON, whose rows are those of the changes."""

    formats: tuple[str, ...] = ("ndjson.gz",)

    def __init__(self, client: Client) -> None:
        self.client, self.name = client, client.url

    def datasets(self) -> list[str]:
        """Ids of what the key may read and was published."""
        return [entry["id"] for entry in self.client.catalog() if entry["latest"] is not None]

    def shape(self, dataset: str) -> Shape:
        """From the JSON Schema."""
        return shape_of(self.client.schema(dataset))

    def keys(self) -> dict[str, bytes]:
        """Key id → public key."""
        found = (base64.b64decode(item["public_key"]) for item in self.client.signing_keys())
        return {sign.key_id(public): public for public in found}

    def publications(self, dataset: str) -> list[Listed]:
        """Oldest first."""
        items = self.client.publications(dataset)
        return [Listed(item["sequence"], item["period"], item["manifest_sha256"]) for item in items]

    def signed(self, dataset: str, sequence: int) -> Signed:
        """Fetched as bytes, not put together from JSON."""
        return Signed(*self.client.signed(dataset, sequence))

    def file(self, made: ExtractManifest, item: ExtractFile, folder: Path) -> Path:
        """Fetched, unless an earlier run did; `Forbidden` where the key may not have all rows."""
        target = folder / f"{item.sha256}.{item.format}"
        if not target.exists():
            self.client.download(f"/v1/files/{item.sha256}.{item.format}", target, item.sha256, item.bytes)
        return target

    def changes(self, dataset: str, since: int, cursor: str | None) -> Json:
        """One page."""
        return self.client.changes(dataset, since, cursor=cursor, limit=PAGE)

    def records(self, dataset: str, at: int, cursor: str | None) -> Json:
        """One page."""
        return self.client.records_page(dataset, as_of=at, cursor=cursor, limit=PAGE)

    def receipt(self, dataset: str, sequence: int, sha256: str, rows: int) -> bool | None:
        """Whether the service says that this is what it published."""
        return bool(self.client.receipt(dataset, sequence, sha256, rows).get("matches"))


class StoreSource:
    """Extracts in a folder, as `verify --into` leaves them."""

    formats: tuple[str, ...] = ("ndjson.gz", "parquet")

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name = store, name

    def datasets(self) -> list[str]:
        """Ids of what the bundles brought files of: none brings a dataset that it was not told to."""
        there = {
            item.dataset
            for number in self.store.sequences()
            for item in self.store.manifest(number).files
            if (self.store.folder(number) / item.path).is_file()
        }
        return [name for name in DATASETS if name in there]

    def shape(self, dataset: str) -> Shape:
        """As the schema over HTTP says it."""
        return shape_of(DATASETS[dataset].json_schema() | {"x-key": list(DATASETS[dataset].key)})

    def keys(self) -> dict[str, bytes]:
        """Key id → public key."""
        return sign.public_keys(self.store.root)

    def publications(self, dataset: str) -> list[Listed]:
        """Oldest first; those that hold the dataset."""
        found = []
        for number in self.store.sequences():
            made = self.store.manifest(number)
            if any(item.dataset == dataset for item in made.files):
                digest = hashlib.sha256(self.store.manifest_bytes(number)).hexdigest()
                found.append(Listed(number, made.period, digest))
        return found

    def signed(self, dataset: str, sequence: int) -> Signed:
        """The bytes as they lie there."""
        store = self.store
        return Signed(
            store.manifest_bytes(sequence), store.signature(sequence) or b"", store.signature(sequence, "sm2")
        )

    def file(self, made: ExtractManifest, item: ExtractFile, folder: Path) -> Path:
        """Where it lies; one that is not there is for the reader to miss."""
        return self.store.folder(made.sequence) / item.path

    def changes(self, dataset: str, since: int, cursor: str | None) -> Json:
        """Everything at once: raises `Expired` where the extract of then was pruned."""
        to = max(item.sequence for item in self.publications(dataset))
        if since < self.store.floor():
            raise Expired(to)
        items = list(every_change(self.store, dataset, since=since, to=to))
        return {"since": since, "to": to, "items": items, "next": None}

    def records(self, dataset: str, at: int, cursor: str | None) -> Json:
        """Never asked for: a bundle holds whole files."""
        raise NotImplementedError

    def receipt(self, dataset: str, sequence: int, sha256: str, rows: int) -> bool | None:
        """A one-way gateway lets nothing back."""
        return None


def ferried(bundle: Path, into: Path, public_key: str | None, sm2_key: str | None = None) -> StoreSource:
    """A bundle, unpacked beside the copy once it is verified, behind the bundles before it.

    Raises `Stop` CH-CLIENT-005 for one that is not what was signed.
    """
    folder = into.with_name(f"{into.name}.ferry") if into.suffix == ".duckdb" else into / "ferry"
    found = verify(bundle, public_key=public_key, sm2_key=sm2_key, into=folder)
    if not found.ok:
        raise Stop("CH-CLIENT-005", what=str(bundle), problem="; ".join(found.problems[:3]))
    return StoreSource(Store(folder), "bundle")


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """Columns and key from a JSON Schema."""
    columns = []
    for name, told in schema["properties"].items():
        kinds = told["type"] if isinstance(told["type"], list) else [told["type"]]
        columns.append((name, _TYPES[next(kind for kind in kinds if kind != "null")]))
    return Shape(tuple(columns), tuple(schema["x-key"]))


def rows_of(path: Path, kind: str, dataset: str, shape: Shape) -> str:
    """SELECT of a file's rows as texts, numbers and truths: the same whatever the format."""
    if kind == "parquet":
        return f"SELECT {plain.columns(DATASETS[dataset])} FROM read_parquet({literal(str(path))})"
    columns = ", ".join(f"{literal(name)}: {literal(of)}" for name, of in shape.columns)
    packed = "gzip" if kind.endswith(".gz") else "uncompressed"
    return (
        f"SELECT {shape.names} FROM read_json({literal(str(path))}, format = 'newline_delimited', "
        f"compression = '{packed}', columns = {{{columns}}})"
    )
