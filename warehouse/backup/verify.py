"""Is a backup still what was stored? Each file's bytes against the manifest."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.backup.manifest import OBJECTS, Backup, File, object_key
from warehouse.backup.place import Place


@dataclass(frozen=True)
class Verified:
    """`problems`: logical path → what is wrong with it."""

    id: str
    files: int
    bytes: int
    problems: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether every file is whole."""
        return not self.problems


def missing(place: Place, backup: Backup) -> dict[str, str]:
    """What a list of names and sizes shows already, without reading a byte."""
    there = place.sizes(OBJECTS)
    found = {}
    for file in _with_bytes(backup):
        size = there.get(object_key(file.sha256))
        if size is None:
            found[file.path] = "missing"
        elif size != file.size:
            found[file.path] = f"{size} bytes, saved {file.size}"
    return found


def verify(place: Place, backup: Backup) -> Verified:
    """Read everything back; a file that stands under several paths is read once."""
    problems = missing(place, backup)
    digests: dict[str, str] = {}
    for file in _with_bytes(backup):
        if file.path in problems:
            continue
        if file.sha256 not in digests:
            digests[file.sha256] = place.digest(object_key(file.sha256))
        if digests[file.sha256] != file.sha256:
            problems[file.path] = "its bytes are not those that were saved (sha256 differs)"
    return Verified(backup.id, len(backup.files), backup.bytes, problems)


def _with_bytes(backup: Backup) -> list[File]:
    return [file for file in backup.files if not file.link]
