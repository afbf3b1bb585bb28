"""What one backup is: `backups/<id>.json` names every file with its sha256; the bytes lie in `objects/` by that name.

The manifest is written last: a backup without one does not exist, and what a killed run stored serves the next one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from cityhub.errors import Stop
from warehouse.backup.place import Place

FORMAT = 1
FOLDER = "backups"
OBJECTS = "objects"
CATALOG = "lake/catalog.sqlite"
DATA = "lake/data/"
HOME = "home/"
DEFINITIONS = "definitions/"


@dataclass(frozen=True)
class File:
    """One file by its logical path: `home/…`, `lake/catalog.sqlite`, `lake/data/…` or `definitions/…`.

    `link`: it is a symbolic link to that, without bytes. `changed_ns`: time of the original, by which the next
    backup knows an unchanged file.
    """

    path: str
    size: int
    sha256: str
    changed_ns: int = 0
    mode: int = 0o644
    link: str = ""


@dataclass(frozen=True)
class Backup:
    """`snapshot` is that of the lake, `home` the folder that was saved, `key_fingerprint` that of the personal key
    whose hashes the warehouse holds (empty: none), `own_keys` the encrypted keys (None: not in the backup)."""

    id: str
    made_at: str
    code_version: str
    schema_version: int
    snapshot: int
    home: str
    data_path: str
    key_fingerprint: str
    own_keys: dict[str, Any] | None
    files: tuple[File, ...]
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.size for file in self.files)


def object_key(sha256: str) -> str:
    """Where the bytes of a file lie."""
    return f"{OBJECTS}/{sha256[:2]}/{sha256}"


def write(place: Place, backup: Backup) -> None:
    """Store a manifest; from then on the backup exists."""
    content = asdict(backup)
    body = {"sha256": _digest(content), "backup": content}
    place.put_bytes(f"{FOLDER}/{backup.id}.json", json.dumps(body, ensure_ascii=False, indent=1).encode())


def ids(place: Place) -> list[str]:
    """All backups of a place, oldest first."""
    names = (key.rpartition("/")[2] for key in place.sizes(FOLDER))
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json") and name[0] != ".")


def read(place: Place, backup_id: str | None = None) -> Backup:
    """A backup, the newest unless told. `Stop` CH-BACKUP-001 where there is none, 002 for a damaged manifest."""
    if backup_id is None:
        known = ids(place)
        if not known:
            raise Stop("CH-BACKUP-001", address=place.address, found="there is no backup at all")
        backup_id = known[-1]
    key = f"{FOLDER}/{backup_id}.json"
    try:
        body = json.loads(place.read(key))
        content = body["backup"]
        if body["sha256"] != _digest(content):
            raise ValueError("its own sha256 differs")
        if content["format"] > FORMAT:
            raise Stop("CH-BACKUP-005", found=f"format {content['format']}", known=f"format {FORMAT}")
        return Backup(**{**content, "files": tuple(File(**item) for item in content["files"])})
    except FileNotFoundError:
        raise Stop(
            "CH-BACKUP-001", address=place.address, found=f"there is no {backup_id}, but {', '.join(ids(place))}"
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise Stop("CH-BACKUP-002", address=place.address, file=key, detail=str(error)) from None


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
