"""Bring an installation back: everything is copied and checked beside its place, then renamed, the catalog last.

While `<home>/.restore` is there the restore is not finished: the hub makes no new warehouse beside it
(warehouse/lake.py), and the same command goes on where it was killed.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from cityhub import log
from cityhub.errors import Stop, Usage
from cityhub.files import write_text
from cityhub.secrets import lookup
from cityhub.settings import Settings
from warehouse import lake, migrate
from warehouse.backup import keys
from warehouse.backup.freeze import NOT_SAVED, catalog_files
from warehouse.backup.manifest import CATALOG, DATA, DEFINITIONS, HOME, Backup, File, object_key
from warehouse.backup.place import Place, sha256
from warehouse.backup.verify import missing
from warehouse.names import literal
from warehouse.personal.key import NAME, fingerprint

logger = log.get("cityhub.backup")
STAGE = lake.RESTORING
MAY_BE_THERE = (NOT_SAVED - {"lake", "sandbox", "restored", "shadows"}) | {STAGE}
Check = Callable[[Settings], list[str]]


@dataclass(frozen=True)
class Restored:
    """`copied`: files that this run fetched; `key_missing`: the fingerprint of the key that hashes need to go on,
    which is not here; `definitions`: where specs, indicators and schemes of then lie."""

    id: str
    files: int
    bytes: int
    copied: int
    schema_version: int
    snapshot: int
    definitions: str
    key_missing: str | None


def restore(
    settings: Settings, place: Place, backup: Backup, *, definitions: Path | None = None, check: Check | None = None
) -> Restored:
    """Bring a backup back into an empty home. `check`: what must hold of the result besides; its answers are problems.

    Raises `Usage` CH-BACKUP-004 for a home in use, 013 for a catalog that is no file; `Stop` CH-BACKUP-003 for
    a damaged backup (nothing is in place then), 005 for one of newer code, 009 when the result is not whole.
    """
    _possible(settings, backup)
    with lake.lock(settings, "backup", timeout_s=1):
        stage = settings.home / STAGE
        begun = _begin(settings, stage, backup.id)
        key_missing = _key(settings, backup)
        finished = begun and Path(settings.catalog).exists()
        damaged = {} if finished else missing(place, backup)
        if damaged:
            path, problem = next(iter(damaged.items()))
            raise Stop("CH-BACKUP-003", id=backup.id, file=path, problem=problem, more=_more(len(damaged)))
        copied = 0 if finished else _bring_all(settings, place, backup, definitions, check)
        shutil.rmtree(stage)
    log.event(logger, "restored", id=backup.id, files=len(backup.files), copied=copied)
    return Restored(
        backup.id, len(backup.files), backup.bytes, copied, backup.schema_version, backup.snapshot,
        str(definitions or settings.home / "restored" / backup.id), key_missing,
    )  # fmt: skip


def _bring_all(settings: Settings, place: Place, backup: Backup, definitions: Path | None, check: Check | None) -> int:
    stage = settings.home / STAGE
    target = _targets(settings, stage, definitions or settings.home / "restored" / backup.id)
    copied = sum(_bring(place, backup, file, target(file)) for file in backup.files)
    staged = replace(settings, catalog=str(stage / CATALOG))
    _move(settings, stage)
    _relocate(staged, backup)
    problems = [*_missing_data(staged), *(check(staged) if check else [])]
    if problems:
        raise Stop("CH-BACKUP-009", id=backup.id, problem=problems[0], more=_more(len(problems)))
    _give_name(Path(staged.catalog), Path(settings.catalog))
    return copied


def _possible(settings: Settings, backup: Backup) -> None:
    if settings.catalog.startswith("postgres:") or "://" in settings.data:
        raise Usage("CH-BACKUP-013", catalog=settings.catalog.partition(":")[0])
    known = migrate.migrations()[-1][0]
    if backup.schema_version > known:
        raise Stop("CH-BACKUP-005", found=f"schema {backup.schema_version}", known=f"schema {known}")


def _begin(settings: Settings, stage: Path, backup_id: str) -> bool:
    """Take an empty home, or the one in which the same restore was killed (True)."""
    note = stage / "backup"
    if note.is_file():
        begun = note.read_text(encoding="utf-8").strip()
        if begun != backup_id:
            raise Usage("CH-BACKUP-004", home=str(settings.home), found=f"a restore of {begun} that was not finished")
        return True
    used = sorted(item.name for item in settings.home.iterdir() if item.name not in MAY_BE_THERE)
    for outside in (Path(settings.catalog), Path(settings.data)):
        used += [str(outside)] if outside.exists() else []
    if used:
        raise Usage("CH-BACKUP-004", home=str(settings.home), found=", ".join(used[:5]))
    write_text(note, backup_id + "\n", sync=True)
    return False


def _targets(settings: Settings, stage: Path, definitions: Path) -> Callable[[File], tuple[Path, Path]]:
    """Where a file is brought to, and where it may lie already because a killed run had begun to rename."""
    data = Path(settings.data)

    def target(file: File) -> tuple[Path, Path]:
        if file.path.startswith(DATA):
            name = file.path.removeprefix(DATA)
            return data.with_name(f"{data.name}{STAGE}") / name, data / name
        if file.path.startswith(HOME):
            return stage / file.path, settings.home / file.path.removeprefix(HOME)
        if file.path.startswith(DEFINITIONS):
            final = definitions / file.path.removeprefix(DEFINITIONS)
            return final, final
        return stage / file.path, stage / file.path

    return target


def _bring(place: Place, backup: Backup, file: File, target: tuple[Path, Path]) -> int:
    """Have one file whole at its target; 1 when it was fetched."""
    if any(_is(path, file) for path in target):
        return 0
    path = target[0]
    if ".." in Path(file.path).parts:
        raise Stop("CH-BACKUP-002", address=place.address, file=file.path, detail="a path that leaves its folder")
    if file.path.startswith(DEFINITIONS) and path.exists():
        raise Usage("CH-BACKUP-004", home=str(path), found="another version of it")
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name[:200]}.half")
    half.unlink(missing_ok=True)
    if file.link:
        half.symlink_to(file.link)
    else:
        try:
            found = place.digest(object_key(file.sha256), half)
        except FileNotFoundError:
            found = ""
        if found != file.sha256:
            half.unlink(missing_ok=True)
            problem = "its bytes are not those that were saved (sha256 differs)" if found else "missing"
            raise Stop("CH-BACKUP-003", id=backup.id, file=file.path, problem=problem, more="")
        half.chmod(file.mode)
        os.utime(half, ns=(file.changed_ns, file.changed_ns))
    half.replace(path)
    return 1


def _is(path: Path, file: File) -> bool:
    if file.link:
        return path.is_symlink() and str(path.readlink()) == file.link
    if file.path == CATALOG and path.is_file():
        return False  # whoever was killed may have begun to adapt it
    return path.is_file() and path.stat().st_size == file.size and sha256(path, file.size) == file.sha256


def _move(settings: Settings, stage: Path) -> None:
    """Give everything but the catalog its name; what a killed run has moved already stays."""
    home = stage / HOME
    for item in sorted(home.iterdir()) if home.is_dir() else []:
        if (settings.home / item.name).exists():
            raise Usage("CH-BACKUP-004", home=str(settings.home), found=item.name)
        item.rename(settings.home / item.name)
    data = Path(settings.data)
    half = data.with_name(f"{data.name}{STAGE}")
    if half.is_dir():
        if data.exists() and any(data.iterdir()):
            raise Usage("CH-BACKUP-004", home=str(data.parent), found=data.name)
        half.rename(data)
    data.mkdir(parents=True, exist_ok=True)


def _relocate(staged: Settings, backup: Backup) -> None:
    """Tell the catalog where its files lie now, and the history where the landing lies."""
    with closing(sqlite3.connect(staged.catalog)) as file:
        path = staged.data.rstrip("/") + "/"
        file.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [path])
        file.commit()
        file.execute("PRAGMA journal_mode = WAL")
    old, new = f"{backup.home}/landing/", f"{staged.landing}/"
    if old == new or not backup.schema_version:
        return
    with closing(lake.connect(staged)) as con, lake.write(con, staged, f"restore {backup.id}", run="restore"):
        con.execute(
            f"UPDATE load_log SET landing_folder = {literal(new)} || substr(landing_folder, {len(old) + 1})"
            f" WHERE starts_with(landing_folder, {literal(old)})"
        )


def _missing_data(staged: Settings) -> list[str]:
    return [f"{file} is not there" for file in catalog_files(Path(staged.catalog)) if not Path(file).is_file()]


def _key(settings: Settings, backup: Backup) -> str | None:
    """Put the key of the backup in its place where it can be opened; the fingerprint that is missing otherwise."""
    file = settings.home / "secrets" / NAME
    if backup.own_keys is not None and lookup(keys.PASSPHRASE) and not file.exists():
        key = keys.unseal(backup.own_keys, keys.passphrase())
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(file, key, mode=0o600, sync=True)
    here = file.read_text(encoding="utf-8").strip() if file.is_file() else lookup(NAME)
    if not backup.key_fingerprint or (here and fingerprint(here) == backup.key_fingerprint):
        return None
    return backup.key_fingerprint


def _give_name(catalog: Path, final: Path) -> None:
    with closing(sqlite3.connect(catalog)) as con:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for rest in ("-wal", "-shm"):
        catalog.with_name(catalog.name + rest).unlink(missing_ok=True)
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.parent.stat().st_dev != catalog.stat().st_dev:
        half = final.with_name(f"{final.name}.new")
        shutil.copyfile(catalog, half)
        half.replace(final)
    else:
        catalog.replace(final)


def _more(number: int) -> str:
    return f" and {number - 1} more" if number > 1 else ""
