"""One file for a gateway that lets nothing back: manifests, signatures, data and public keys in one signed tar.

`bundle.json` comes first and names every other entry with its sha256; its signature comes second. Manifests stand in it
from the first to the last sequence, so that the chain through them can be walked. The same extracts make the same
bytes.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cityhub.errors import Stop
from cityhub.files import sync
from cityhub.settings import Settings
from extracts import sign, sm2
from extracts.datasets import DATASETS
from extracts.model import FORMATS, MANIFEST, SIGNATURES, folder_name
from extracts.store import Store, of, root_of
from scoring.publication.manifest import sha256

HEAD = "bundle.json"
SIGNATURE = f"{HEAD}.sig"
KIND, VERSION = "cityhub.extracts", 1


@dataclass(frozen=True)
class Entry:
    """One file of the tar."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """What was packed: sequences `first` to `last`."""

    file: str
    first: int
    last: int
    entries: int
    bytes: int
    sha256: str
    key_id: str


def bundle(
    settings: Settings,
    target: Path | None = None,
    *,
    since: int = 0,
    datasets: Sequence[str] | None = None,
    formats: Sequence[str] = ("parquet",),
) -> Bundle:
    """Pack the sequences after `since`: all manifests, and the data that are kept of these datasets and formats; of all
    datasets but those that are granted by name where `datasets` says nothing.

    Raises `Stop` CH-EXT-001 when there is none, CH-EXT-003 when what changed since is not kept any more, CH-EXT-005 for
    an unknown dataset, CH-EXT-009 when the file is there, CH-EXT-011 for an unknown format.
    """
    if unknown := sorted(set(formats) - set(FORMATS)) or ([] if formats else ["(none)"]):
        raise Stop(
            "CH-EXT-011", option="--format", detail=f"{unknown[0]}; known: {', '.join(FORMATS)}", command="bundle"
        )
    wanted = {of(dataset).id for dataset in datasets} if datasets else _ungranted()
    store = Store(root_of(settings))
    numbers = [number for number in store.sequences() if number > since]
    if not numbers:
        raise Stop("CH-EXT-001", sequence=since + 1, known=f"up to {store.latest() or 0}")
    if 0 < since < store.floor():
        raise Stop("CH-EXT-003", token=since, floor=store.floor(), latest=numbers[-1])
    target = target or Path(f"extracts-{numbers[0]:06d}-{numbers[-1]:06d}.tar")
    if target.exists():
        raise Stop("CH-EXT-009", path=str(target))
    signer = sign.signer(settings)
    sign.publish_key(store.root, signer.public)
    files = list(_files(store, numbers, wanted, set(formats)))
    entries = [Entry(name, path.stat().st_size, sha256(path)) for name, path in files]
    head = {
        "kind": KIND, "version": VERSION, "since": since, "floor": store.floor(), "first": numbers[0],
        "last": numbers[-1], "key_id": signer.key_id, "entries": [asdict(entry) for entry in entries],
    }  # fmt: skip
    body = (json.dumps(head, ensure_ascii=False, indent=1) + "\n").encode()
    _write(target, {HEAD: body, SIGNATURE: signer.sign(body)}, files)
    return Bundle(
        str(target), numbers[0], numbers[-1], len(entries), target.stat().st_size, sha256(target), signer.key_id
    )


def _ungranted() -> set[str]:
    return {dataset.id for dataset in DATASETS.values() if not dataset.by_grant}


def _files(store: Store, numbers: list[int], datasets: set[str], formats: set[str]) -> Iterator[tuple[str, Path]]:
    for path in sorted((store.root / sign.KEYS).iterdir()):
        if path.suffix in {sign.SUFFIX, sm2.SUFFIX}:
            yield f"{sign.KEYS}/{path.name}", path
    kept = store.kept()
    for number in numbers:
        folder = store.folder(number)
        for name in (MANIFEST, *SIGNATURES.values()):
            if (folder / name).is_file():
                yield f"{folder_name(number)}/{name}", folder / name
        if number not in kept:
            continue
        for item in store.manifest(number).files:
            if item.format in formats and item.dataset in datasets:
                yield f"{folder_name(number)}/{item.path}", folder / item.path


def _write(target: Path, first: dict[str, bytes], files: list[tuple[str, Path]]) -> None:
    """Whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as archive:
            for name, body in first.items():
                archive.addfile(_entry(name, len(body)), io.BytesIO(body))
            for name, path in files:
                with path.open("rb") as handle:
                    archive.addfile(_entry(name, path.stat().st_size), handle)
        sync(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    sync(target.parent)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """Without moment, owner and machine."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o444
    return entry
