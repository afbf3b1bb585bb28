"""A moment of an installation, held by hard links while it is copied: nothing that runs beside can take it away.

Order: spool, then the catalog with the files it names, then landing and the rest. A segment that becomes a
delivery meanwhile is in both and makes one delivery, as after a kill; the other way round it would be in neither.
Every file counts with the bytes that it had at its moment, so a segment or a log that grows is cut there.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cityhub.errors import Retry, Stop
from cityhub.settings import REPOSITORY, Settings
from warehouse import lake
from warehouse.backup.manifest import CATALOG, DATA, DEFINITIONS, HOME
from warehouse.shadow_catalog import from_postgres

STAGE = ".backup"
# Made again by the hub itself, or of this machine only; secrets never; `lake` is told file by file by the catalog.
NOT_SAVED = {"extensions", "tmp", "locks", "logs", "airflow", "sandbox", "shadows", "secrets", "lake", "restored"}
SIDE_FILES = (".sqlite-wal", ".sqlite-shm", ".sqlite-journal")  # what is in them is in the copy of their file

_FILES = """
SELECT (CASE WHEN f.path_is_relative THEN
    CASE WHEN t.path_is_relative THEN CASE WHEN s.path_is_relative THEN :root ELSE '' END || s.path ELSE '' END
    || t.path ELSE '' END) || f.path
FROM (SELECT table_id, path, path_is_relative FROM ducklake_data_file
    UNION ALL SELECT table_id, path, path_is_relative FROM ducklake_delete_file) AS f
INNER JOIN (SELECT *, row_number() OVER (PARTITION BY table_id ORDER BY begin_snapshot DESC) AS n
    FROM ducklake_table) AS t ON t.table_id = f.table_id AND t.n = 1
INNER JOIN ducklake_schema AS s ON s.schema_id = t.schema_id
"""


@dataclass(frozen=True)
class Held:
    """A file with its logical path; `file` is a name that stays while the block runs, where links are possible."""

    path: str
    file: Path
    size: int
    changed_ns: int
    mode: int
    link: str = ""


@dataclass(frozen=True)
class Frozen:
    """The files of a moment, and the data path that its catalog names."""

    files: tuple[Held, ...]
    data_path: str


@contextmanager
def frozen(settings: Settings, *, besides: Path | None = None) -> Iterator[Frozen]:
    """The installation as it is now, for the time of a `with` block; `besides`: a folder that is not saved.

    Holds the lake's lock while it copies the catalog and links the files. Needs the lock `backup`.
    Raises `Stop` CH-LAKE-003 without a warehouse, CH-BACKUP-008 when data lie where they cannot be copied.
    """
    if "://" in settings.data:
        raise Stop("CH-BACKUP-008", file=settings.data)
    if not settings.catalog.startswith("postgres:") and not Path(settings.catalog).exists():
        raise Stop("CH-LAKE-003", catalog=settings.catalog)
    stages = {settings.home / STAGE, Path(settings.data).parent / STAGE}
    try:
        for stage in stages:
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir(parents=True)
        yield _freeze(settings, besides)
    finally:
        for stage in stages:
            shutil.rmtree(stage, ignore_errors=True)


def _freeze(settings: Settings, besides: Path | None) -> Frozen:
    stage, held = settings.home / STAGE, []
    held += [_hold(f, f"{HOME}spool/{name}", stage) for f, name in _below(settings.spool, None)]
    catalog = stage / "catalog.sqlite"
    with lake.lock(settings, "lake"):
        data_path = _copy_catalog(settings, catalog)
        held.append(_seen(catalog, CATALOG))
        for address in catalog_files(catalog):
            if not address.startswith(data_path):
                raise Stop("CH-BACKUP-008", file=address)
            name = address.removeprefix(data_path)
            held.append(_hold(Path(settings.data) / name, DATA + name, Path(settings.data).parent / STAGE))
        for top in sorted(settings.home.iterdir()):
            if top.name in NOT_SAVED or top.name == "spool" or top.name[0] == "." or top.name.endswith("-venv"):
                continue
            for file, name in _below(top, besides) if top.is_dir() else [(top, "")]:
                path = f"{HOME}{top.name}/{name}".rstrip("/")
                if file.suffix == ".sqlite":
                    held.append(_copied(file, path, stage))
                elif not file.name.endswith(SIDE_FILES):
                    held.append(_hold(file, path, stage))
    for name, folder in definitions(settings).items():
        held += [_seen(f, f"{DEFINITIONS}{name}/{inner}") for f, inner in _below(folder, None) if f.suffix != ".py"]
    return Frozen(tuple(held), data_path)


def definitions(settings: Settings) -> dict[str, Path]:
    """The folders of what numbers are made by, saved as evidence."""
    return {
        "feeds": settings.feeds, "indicators": REPOSITORY / "indicators", "schemes": REPOSITORY / "scoring" / "schemes",
    }  # fmt: skip


def catalog_files(catalog: Path) -> list[str]:
    """Full address of every file that a SQLite catalog names, old snapshots included."""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as con:
        (root,) = con.execute("SELECT value FROM ducklake_metadata WHERE key = 'data_path'").fetchone()
        return sorted({row[0] for row in con.execute(_FILES, {"root": root})})


def newest_snapshot(catalog: Path) -> int:
    """The newest snapshot of a SQLite catalog."""
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as con:
        (found,) = con.execute("SELECT max(snapshot_id) FROM ducklake_snapshot").fetchone()
    return int(found)


def _copy_catalog(settings: Settings, target: Path) -> str:
    if settings.catalog.startswith("postgres:"):
        from_postgres(settings, target)
    else:
        source = sqlite3.connect(f"file:{settings.catalog}?mode=ro", uri=True)
        with closing(source), closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
    with closing(sqlite3.connect(target)) as con:
        con.execute("PRAGMA journal_mode = DELETE")  # one file, no side files
        con.execute("DELETE FROM ducklake_files_scheduled_for_deletion")  # files that are not in the backup
        con.commit()
        (found,) = con.execute("SELECT value FROM ducklake_metadata WHERE key = 'data_path'").fetchone()
    return str(found)


def _below(folder: Path, besides: Path | None) -> Iterator[tuple[Path, str]]:
    """Files and links below a folder with their relative names; hidden ones are half-written."""
    for root, folders, names in os.walk(folder):
        here = Path(root)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(n for n in folders if n[0] != "." and n != "__pycache__" and here / n != besides)
        for name in sorted([*links, *names]):
            if name[0] != ".":
                yield here / name, (here / name).relative_to(folder).as_posix()


def _hold(file: Path, path: str, stage: Path) -> Held:
    if file.is_symlink():
        return Held(path, file, 0, 0, 0, link=str(file.readlink()))
    name = stage / "held" / path
    name.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(file, name)
    except FileNotFoundError:
        raise Retry("CH-BACKUP-007", file=path, detail="it is not there") from None
    except OSError:  # another file system, or one without links: read where it is
        name = file
    return _seen(name, path)


def _copied(file: Path, path: str, stage: Path) -> Held:
    """A SQLite file that others may be writing: as it is between two of their transactions, in one file."""
    target = stage / "copied" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    source = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    target.chmod(file.stat().st_mode & 0o777)
    return _seen(target, path)


def _seen(file: Path, path: str) -> Held:
    found = file.stat()
    return Held(path, file, found.st_size, found.st_mtime_ns, found.st_mode & 0o777)
