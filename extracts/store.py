"""The extracts of an installation: which there are, what holds as of a sequence. Reads files, never the lake."""

from __future__ import annotations

import json
from pathlib import Path

from cityhub.errors import Stop
from cityhub.files import read_json, write_text
from cityhub.settings import Settings
from extracts.datasets import DATASETS, Dataset
from extracts.model import MANIFEST, SIGNATURES, ExtractManifest, decode, folder_name

FLOOR = "floor.json"  # the oldest sequence that changes can start from, once something was pruned


def root_of(settings: Settings) -> Path:
    """Where the extracts of an installation are."""
    return settings.home / "extracts"


class Store:
    """Extracts below a folder. A manifest never changes, so each is read once; new ones are seen as they come."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._manifests: dict[int, ExtractManifest] = {}

    def folder(self, sequence: int) -> Path:
        """Where an extract's files are."""
        return self.root / folder_name(sequence)

    def sequences(self) -> list[int]:
        """All numbers, ascending, those too of which only the manifest was kept."""
        if not self.root.is_dir():
            return []
        names = (item.name for item in self.root.iterdir())
        return sorted(int(name) for name in names if name.isascii() and name.isdigit())

    def latest(self) -> int | None:
        """The newest number; None before the first."""
        return max(self.sequences(), default=None)

    def floor(self) -> int:
        """The oldest sequence that `since` and `at` can name; 0 while nothing was pruned."""
        found = read_json(self.root / FLOOR)
        return int(found["floor"]) if found else 0

    def manifest(self, sequence: int) -> ExtractManifest:
        """Raises `Stop` CH-EXT-001 for a number that there is not, CH-EXT-002 for a manifest that cannot be read."""
        if sequence not in self._manifests:
            try:
                made = decode(self.manifest_bytes(sequence))
            except (ValueError, KeyError, TypeError) as error:
                raise Stop(
                    "CH-EXT-002", sequence=sequence, problem=f"{MANIFEST} cannot be read ({error})",
                    folder=str(self.folder(sequence)),
                ) from None  # fmt: skip
            self._manifests[sequence] = made
        return self._manifests[sequence]

    def manifest_bytes(self, sequence: int) -> bytes:
        """The bytes that were signed."""
        try:
            return (self.folder(sequence) / MANIFEST).read_bytes()
        except FileNotFoundError:
            known = self.sequences()
            told = f"{known[0]} to {known[-1]}" if known else "none"
            raise Stop("CH-EXT-001", sequence=sequence, known=told) from None

    def signature(self, sequence: int, kind: str = "ed25519") -> bytes | None:
        """The detached signature; None where there is none of this kind (`ed25519`, `sm2`)."""
        path = self.folder(sequence) / SIGNATURES[kind]
        return path.read_bytes() if path.is_file() else None

    def held(self, sequence: int) -> bool:
        """Whether the data of a sequence were kept."""
        return sequence in self.kept()

    def kept(self) -> frozenset[int]:
        """The sequences whose data were kept: below the floor only what still holds as of it."""
        numbers, floor = self.sequences(), self.floor()
        newest = {
            (dataset, self.manifest(number).period): number
            for number in numbers
            if number <= floor
            for dataset in self.manifest(number).datasets
        }
        return frozenset(number for number in numbers if number >= floor) | {*newest.values()}

    def state(self, dataset: str, at: int | None = None) -> dict[str, int]:
        """Month → the sequence that holds it as of `at` (default: now), ascending; `at` 0 is the time before the first.
        An extract without the dataset leaves it as it was.

        Raises `Stop` CH-EXT-003 for a sequence that has expired, 004 for one that there never was, 005 for a dataset
        that there is not.
        """
        of(dataset)
        numbers, floor = self.sequences(), self.floor()
        last = numbers[-1] if numbers else 0
        at = last if at is None else at
        if at < 0 or at > last:
            raise Stop("CH-EXT-004", token=at, latest=last)
        if 0 < at < floor:
            raise Stop("CH-EXT-003", token=at, floor=floor, latest=last)
        holding = (number for number in numbers if number <= at and dataset in self.manifest(number).datasets)
        return dict(sorted((self.manifest(number).period, number) for number in holding))

    def set_floor(self, floor: int) -> None:
        """Nothing older is promised from here on; `prune` takes the files away afterwards."""
        write_text(self.root / FLOOR, json.dumps({"floor": floor}) + "\n", mode=0o644, sync=True)


def of(dataset: str) -> Dataset:
    """A dataset by its id; raises `Stop` CH-EXT-005."""
    if dataset not in DATASETS:
        raise Stop("CH-EXT-005", dataset=dataset[:40], known=", ".join(DATASETS))
    return DATASETS[dataset]
