"""What makes rows believed: a manifest that a trusted key signed, that follows the one before, and its file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from cityhub.errors import Stop
from extracts import sign, sm2
from extracts.model import ExtractFile, ExtractManifest, decode
from extracts.pull.sink import Sink
from extracts.pull.source import Listed, Source
from scoring.publication.manifest import sha256


def trust(sink: Sink, source: Source, named: bytes | None) -> None:
    """The first time: trust the keys that the source names, or only the named one. Later: the named one besides."""
    if named is not None:
        sink.trust({sign.key_id(named): named})
    elif not sink.keys():
        sink.trust(source.keys())


def manifest(sink: Sink, source: Source, dataset: str, listed: Listed, sm2_key: bytes | None = None) -> ExtractManifest:
    """The manifest of a publication, proved and kept. Raises `Stop` CH-CLIENT-005 for a wrong signature or content,
    006 for a key that is not trusted, 011 where it does not go on from what was kept, 012 where `sm2_key` signed it
    not."""
    found = source.signed(dataset, listed.sequence)
    what, digest = f"publication {listed.sequence}", hashlib.sha256(found.body).hexdigest()
    try:
        made = decode(found.body)
    except (ValueError, KeyError, TypeError):
        raise Stop("CH-CLIENT-005", what=what, problem="its manifest cannot be read") from None
    keys = sink.keys()
    if made.key_id not in keys:
        raise Stop("CH-CLIENT-006", what=what, key_id=made.key_id, known=", ".join(sorted(keys)))
    if not sign.verify(found.body, found.signature, keys[made.key_id]):
        raise Stop("CH-CLIENT-005", what=what, problem=f"its signature is not one of key {made.key_id}")
    if (made.sequence, made.period, digest) != (listed.sequence, listed.period, listed.manifest_sha256):
        raise Stop("CH-CLIENT-005", what=what, problem="the signed manifest is of another publication")
    known, before = sink.manifest(made.sequence), sink.manifest(made.sequence - 1)
    if (known is not None and known != digest) or (before is not None and made.previous != before):
        raise Stop("CH-CLIENT-011", sequence=made.sequence)
    if sm2_key is not None:
        sm2.demand(found.body, found.sm2, sm2_key, what)
    sink.keep_manifest(
        made.sequence, digest, found.body, found.signature, made.key_id, None if sm2_key is None else found.sm2
    )
    return made


def second(sink: Sink, source: Source, dataset: str, listed: Iterable[Listed], sm2_key: bytes | None) -> None:
    """Where an SM2 key is given, it signed all these publications: also those that were taken without asking for it.
    Raises as `manifest`."""
    if sm2_key is None:
        return
    for item in listed:
        body, signature = sink.signed_twice(item.sequence)
        if signature is None or not sm2.verify(body, signature, sm2_key):
            manifest(sink, source, dataset, item, sm2_key)


def file(source: Source, made: ExtractManifest, dataset: str, folder: Path) -> tuple[Path, ExtractFile]:
    """The dataset's file of a proved publication, with the sha256 that the manifest names.

    Raises `Stop` CH-CLIENT-005 for other bytes, or where none of the source's formats is there.
    """
    for kind in source.formats:
        item = made.file(dataset, kind)
        if item is None:
            continue
        path = source.file(made, item, folder)
        if not path.is_file():
            continue
        if sha256(path) != item.sha256:
            path.unlink()
            raise Stop("CH-CLIENT-005", what=path.name, problem="its bytes are not those of the manifest")
        return path, item
    raise Stop("CH-CLIENT-005", what=f"{dataset} of publication {made.sequence}", problem="the file is not there")
