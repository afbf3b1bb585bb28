"""Make a backup: freeze a moment, store what the place has not got, write the manifest last."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version

from cityhub import clock, log
from cityhub.errors import Retry, Usage
from cityhub.secrets import lookup
from cityhub.settings import Settings
from warehouse import lake, migrate
from warehouse.backup import keys, manifest
from warehouse.backup.freeze import Held, frozen, newest_snapshot
from warehouse.backup.manifest import Backup, File
from warehouse.backup.place import Place, sha256
from warehouse.landing import new_load_id
from warehouse.personal.key import NAME, PART
from warehouse.prepared import stamps

logger = log.get("cityhub.backup")


@dataclass(frozen=True)
class Made:
    """A backup that was made: how many files and bytes it is, and how much of it was new to the place."""

    id: str
    address: str
    files: int
    bytes: int
    stored_files: int
    stored_bytes: int
    snapshot: int
    schema_version: int
    key_fingerprint: str
    own_keys: bool


def make(settings: Settings, place: Place, *, own_keys: bool = False, code: str | None = None) -> Made:
    """Save the installation while it works; unchanged files are neither read nor stored again.

    `own_keys` seals the personal key with the secret `backup_passphrase` (`Usage` CH-BACKUP-011 without one).
    `Retry` CH-LAKE-004 while another backup runs, CH-BACKUP-006 when the place does not answer.
    """
    sealed = keys.seal(_own_key(), keys.passphrase()) if own_keys else None
    with lake.lock(settings, "backup", timeout_s=1), frozen(settings, besides=place.folder) as moment:
        known = _known(place)
        there = place.sizes(manifest.OBJECTS)
        files, stored, stored_bytes = [], 0, 0
        for held in moment.files:
            file = _described(held, known.get(held.path))
            files.append(file)
            key = manifest.object_key(file.sha256)
            if file.link or there.get(key) == file.size:
                continue
            place.put(key, held.file, file.size)
            there[key] = file.size
            stored, stored_bytes = stored + 1, stored_bytes + file.size
        schema, key_print = _facts(settings)
        made_at = clock.now()
        backup = Backup(
            id=new_load_id(max(manifest.ids(place), default=""), made_at),  # sorts behind all others
            made_at=made_at.isoformat(),
            code_version=code or version("cityhub"),
            schema_version=schema,
            snapshot=_snapshot(moment.files),
            home=str(settings.home),
            data_path=moment.data_path,
            key_fingerprint=key_print,
            own_keys=sealed,
            files=tuple(files),
        )
        manifest.write(place, backup)
    made = Made(
        backup.id, place.address, len(files), backup.bytes, stored, stored_bytes, backup.snapshot, schema, key_print,
        own_keys,
    )  # fmt: skip
    log.event(logger, "backup", id=made.id, files=made.files, stored=made.stored_files, bytes=made.stored_bytes)
    return made


def _known(place: Place) -> dict[str, File]:
    """Files of the newest backup by path: what has the same size and time has the same bytes."""
    known = manifest.ids(place)
    return {file.path: file for file in manifest.read(place, known[-1]).files} if known else {}


def _described(held: Held, known: File | None) -> File:
    if held.link:
        return File(held.path, 0, "", link=held.link)
    same = known is not None and (known.size, known.changed_ns) == (held.size, held.changed_ns)
    try:
        digest = known.sha256 if known is not None and same else sha256(held.file, held.size)
    except (FileNotFoundError, EOFError) as error:
        raise Retry("CH-BACKUP-007", file=held.path, detail=str(error)) from error
    return File(held.path, held.size, digest, held.changed_ns, held.mode)


def _snapshot(files: tuple[Held, ...]) -> int:
    return newest_snapshot(next(held.file for held in files if held.path == manifest.CATALOG))


def _facts(settings: Settings) -> tuple[int, str]:
    """Schema version, and the fingerprint of the personal key behind the stored hashes."""
    with closing(lake.connect(settings, read_only=True)) as con:
        schema = migrate.version(con)
        return schema, (stamps(con).get(PART, "") if schema else "")


def _own_key() -> str:
    key = lookup(NAME)
    if key is None:
        raise Usage("CH-BACKUP-011", problem=f"this installation has no {NAME}")
    return key
