"""Is an extract still what was signed?"""

from __future__ import annotations

import hashlib

from extracts import sign, sm2
from extracts.model import SIGNATURES
from extracts.store import Store
from scoring.publication.manifest import sha256


def problems(store: Store, sequence: int) -> list[str]:
    """What is wrong with its signature, its place in the chain and its files; empty when nothing is."""
    made, body = store.manifest(sequence), store.manifest_bytes(sequence)
    found = []
    public = sign.public_keys(store.root).get(made.key_id)
    signature = store.signature(sequence)
    if public is None:
        found.append(f"key {made.key_id}: its public key is not here")
    elif signature is None or not sign.verify(body, signature, public):
        found.append(f"{SIGNATURES['ed25519']}: it is not key {made.key_id}'s signature of the manifest")
    second = store.signature(sequence, "sm2")
    if second is not None and sm2.available() and sm2.signed_by(store.root, body, second) is None:
        found.append(f"{SIGNATURES['sm2']}: it is no published SM2 key's signature of the manifest")
    if made.sequence != sequence:
        found.append(f"manifest.json: it says sequence {made.sequence}")
    earlier = [number for number in store.sequences() if number < sequence]
    before = hashlib.sha256(store.manifest_bytes(earlier[-1])).hexdigest() if earlier else None
    if made.previous != before:
        found.append("chain: the manifest before is not the one that this one was made after")
    for item in made.files if store.held(sequence) else ():
        path = store.folder(sequence) / item.path
        if not path.is_file():
            found.append(f"{item.path}: missing")
        elif path.stat().st_size != item.bytes or sha256(path) != item.sha256:
            found.append(f"{item.path}: its bytes differ from the manifest")
    return found
