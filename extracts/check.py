"""Is an extract still what was signed?"""

from __future__ import annotations

import hashlib
from pathlib import Path

from extracts import sign, sm2
from extracts.model import MANIFEST, SIGNATURES, ExtractManifest
from extracts.store import Store
from scoring.publication.manifest import sha256


def problems(store: Store, sequence: int) -> list[str]:
    """What is wrong with its signature, its place in the chain and its files; empty when nothing is."""
    made, body = store.manifest(sequence), store.manifest_bytes(sequence)
    earlier = [number for number in store.sequences() if number < sequence]
    before = store.manifest_bytes(earlier[-1]) if earlier else None
    found = of_manifest(store.folder(sequence), made, body)
    found += [] if follows(made, before) else [f"{MANIFEST}: the manifest before is not the one that it was made after"]
    for item in made.files if store.held(sequence) else ():
        path = store.folder(sequence) / item.path
        if not path.is_file():
            found.append(f"{item.path}: missing")
        elif path.stat().st_size != item.bytes or sha256(path) != item.sha256:
            found.append(f"{item.path}: its bytes differ from the manifest")
    return found


def of_manifest(folder: Path, made: ExtractManifest, body: bytes) -> list[str]:
    """What is wrong with the signatures in the folder of an extract, by the public keys beside it, and with the number
    that its manifest says."""
    found, root = [], folder.parent
    public = sign.public_keys(root).get(made.key_id)
    first, second = (folder / SIGNATURES[kind] for kind in ("ed25519", "sm2"))
    if public is None:
        found.append(f"key {made.key_id}: its public key is not here")
    elif not first.is_file() or not sign.verify(body, first.read_bytes(), public):
        found.append(f"{first.name}: it is not key {made.key_id}'s signature of the manifest")
    if second.is_file() and sm2.available() and sm2.signed_by(root, body, second.read_bytes()) is None:
        found.append(f"{second.name}: it is no published SM2 key's signature of the manifest")
    if made.sequence != int(folder.name):
        found.append(f"{MANIFEST}: it says sequence {made.sequence}")
    return found


def follows(made: ExtractManifest, before: bytes | None) -> bool:
    """Whether a manifest was made after these bytes of another; None: after none."""
    return made.previous == (None if before is None else hashlib.sha256(before).hexdigest())
