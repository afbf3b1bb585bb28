"""Retention: older sequences lose their data, never their manifests, and a token that is too old says so."""

from __future__ import annotations

from dataclasses import dataclass

from cityhub.errors import Stop
from cityhub.settings import Settings
from extracts.model import MANIFEST, SIGNATURES
from extracts.store import Store, root_of
from warehouse import lake


@dataclass(frozen=True)
class Pruned:
    """`floor`: the oldest sequence that changes can start from; what this call deleted."""

    floor: int
    files: int
    bytes: int


def prune(settings: Settings, keep: int) -> Pruned:
    """Delete the data of all but the `keep` newest sequences, and of those that hold a month as of the oldest of these.

    The floor is written first: a kill leaves files that nobody is told of, and the next call deletes them.
    """
    if keep < 1:
        raise Stop("CH-EXT-011", option="--keep", detail="at least one sequence is kept", command="prune")
    store = Store(root_of(settings))
    with lake.lock(settings, "extracts"):
        numbers = store.sequences()
        floor = max(store.floor(), numbers[-keep] if len(numbers) > keep else 0)
        if floor > store.floor():
            store.set_floor(floor)
        files = size = 0
        for number in sorted({*numbers} - store.kept()):
            for path in store.folder(number).iterdir():
                if path.name not in {MANIFEST, *SIGNATURES.values()}:
                    size += path.stat().st_size
                    files += 1
                    path.unlink()
    return Pruned(floor, files, size)
