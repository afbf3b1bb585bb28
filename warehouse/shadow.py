"""A shadow of the warehouse: a branch in which anything can be tried; the real one is never touched.

DuckLake's catalog is plain tables, so a copy of them is a branch of the whole lake. The Parquet files are not copied:
their names are hard links below the shadow's own folder (symbolic links where the data lies on another file system),
so whatever the shadow removes is a name of its own; DuckLake never changes a file in place. Data in object storage is
read where it is, by full address; there upkeep, which would remove files, is refused (`borrowed`).

New files of the shadow, its landing, locks and temporary files lie in its own home, `<home>/shadows/<id>/`, which
is gone at the end; what a killed process leaves is removed by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cityhub import log
from cityhub.errors import Stop
from cityhub.settings import Settings
from warehouse import lake
from warehouse.landing import MANIFEST, new_load_id
from warehouse.shadow_catalog import borrow, from_postgres

logger = log.get("cityhub.shadow")
FOLDER = "shadows"
ALIVE = "alive.lock"  # held by the owner: whoever can take it knows that the owner is dead
BORROWED = "borrowed"  # marks a home whose lake reads files that are not its own


@dataclass(frozen=True)
class Shadow:
    """`settings` work on the branch, `real` is what it was made from, as of the lake's `snapshot`."""

    settings: Settings
    real: Settings
    snapshot: int

    def link_landing(self, feed: str, day: date) -> None:
        """Show the deliveries of one feed and day in the shadow's landing; new ones land beside them."""
        source = self.real.landing / feed / day.isoformat()
        target = self.settings.landing / feed / day.isoformat()
        target.mkdir(parents=True, exist_ok=True)
        if not source.is_dir():
            return
        for item in source.iterdir():
            link = target / item.name
            if (item / MANIFEST).is_file() and not link.exists():
                link.symlink_to(item)


@contextmanager
def shadow(real: Settings, *, feeds: Path | None = None) -> Iterator[Shadow]:
    """A branch of the warehouse as it is now, for the time of a `with` block; `feeds` is another folder of specs.

    Holds the lake's lock while it copies the catalog and links the files, which takes a moment for each thousand
    files. Raises `Stop` CH-LAKE-003 without a warehouse.
    """
    if not real.catalog.startswith("postgres:") and not Path(real.catalog).exists():
        raise Stop("CH-LAKE-003", catalog=real.catalog)
    clear(real)
    home = real.home / FOLDER / new_load_id()
    (home / "lake").mkdir(parents=True)
    settings = Settings(home, feeds or real.feeds, str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))
    with (home / ALIVE).open("w") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        try:
            with lake.lock(real, "lake"):
                _copy_catalog(real, settings)
                files = _files(real, settings)
            made = Shadow(settings, real, current(settings))
            log.event(logger, "shadow", run=home.name, snapshot=made.snapshot, files=files)
            yield made
        finally:
            shutil.rmtree(home)


def clear(real: Settings) -> int:
    """Remove the shadows of processes that are dead; their number."""
    root, gone = real.home / FOLDER, 0
    for home in sorted(root.iterdir()) if root.is_dir() else []:
        with (home / ALIVE).open("a") as alive:
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            shutil.rmtree(home, ignore_errors=True)
            gone += 1
    return gone


def borrowed(settings: Settings) -> bool:
    """Whether the lake of these settings reads files in place that belong to another one."""
    return (settings.home / BORROWED).exists()


def current(settings: Settings) -> int:
    """The newest snapshot of a lake."""
    with closing(lake.connect(settings, read_only=True)) as con:
        row = con.execute("SELECT id FROM ducklake_current_snapshot('lake')").fetchone()
    return int(row[0]) if row else 0


def _copy_catalog(real: Settings, settings: Settings) -> None:
    target = Path(settings.catalog)
    if real.catalog.startswith("postgres:"):
        from_postgres(real, target)
    else:
        with closing(sqlite3.connect(f"file:{real.catalog}?mode=ro", uri=True)) as source:
            source.execute("VACUUM INTO ?", [str(target)])
    with closing(sqlite3.connect(target)) as con:
        if "://" in real.data:
            borrow(con)
            (settings.home / BORROWED).touch()
        data = settings.data.rstrip("/") + "/"
        con.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [data])
        con.execute("DELETE FROM ducklake_files_scheduled_for_deletion")  # that is the real lake's business
        con.commit()
        con.execute("PRAGMA journal_mode = WAL")  # else the first reader would have to write it


def _files(real: Settings, settings: Settings) -> int:
    """Give every data file a name below the shadow; their number."""
    Path(settings.data).mkdir(parents=True)
    if "://" in real.data or not Path(real.data).is_dir():
        return 0
    root, number, hard = Path(real.data), 0, True
    for folder, _, names in os.walk(root):
        own = Path(settings.data) / Path(folder).relative_to(root)
        own.mkdir(parents=True, exist_ok=True)
        for name in names:
            hard = hard and _linked(Path(folder) / name, own / name)
            if not hard:
                (own / name).symlink_to(Path(folder) / name)
            number += 1
    return number


def _linked(file: Path, name: Path) -> bool:
    """Whether the file has another name now; not so on another file system, or on one without hard links."""
    try:
        os.link(file, name)
    except OSError:
        return False
    return True
