"""Landing folders that go, so that a kill leaves either a delivery or nothing of it.

What will go is written down first (`.retired/<run>.json`), then each delivery is moved beside it by one rename,
then the bytes go, then the log is written into the lake, then the note goes. A run that finds a note finishes it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from datetime import date

import duckdb

from cityhub.files import sync, write_json
from cityhub.settings import Settings
from warehouse.landing import MANIFEST, deliveries

RETIRED = ".retired"


@dataclass(frozen=True)
class Note:
    """What one run takes from one feed's landing; `folders` are `<day>/<load id>`."""

    run_id: str
    feed: str
    before_day: str
    days: int
    files: int
    bytes: int
    sha256: str
    folders: tuple[str, ...]


def days(settings: Settings, feed: str) -> list[date]:
    """Service days of which something has landed."""
    folder = settings.landing / feed
    names = [item.name for item in folder.iterdir() if item.is_dir()] if folder.is_dir() else []
    return sorted(date.fromisoformat(name) for name in names if name[:1].isdigit())


def waits(con: duckdb.DuckDBPyConnection, settings: Settings, feed: str, day: date) -> bool:
    """Whether a delivery of the day is newer than what was loaded of it."""
    landed = deliveries(settings.landing / feed / day.isoformat())
    if not landed:
        return False
    row = con.execute(
        "SELECT max(load_id) FROM load_log WHERE feed = $feed AND service_day = $day", {"feed": feed, "day": day}
    ).fetchone()
    if row is None or row[0] is None:
        return True
    # An equal delivery is not loaded again: what was loaded last stands for it.
    return any(item.load_id > row[0] and item.content_sha256 != landed[0].content_sha256 for item in landed)


def size(settings: Settings, feed: str, going: list[date]) -> tuple[int, int]:
    """Files and bytes of these days."""
    files = [path for day in going for path in (settings.landing / feed / day.isoformat()).rglob("*") if path.is_file()]
    return len(files), sum(path.stat().st_size for path in files)


def note(settings: Settings, feed: str, run_id: str, before: date) -> Note | None:
    """Write down what goes from a feed's landing; None when there is nothing. The caller holds the feed's lock."""
    going = [day for day in days(settings, feed) if day < before]
    root = settings.landing / feed
    folders = [item for day in going for item in sorted((root / day.isoformat()).iterdir()) if item.is_dir()]
    if not going:
        return None
    digest = hashlib.sha256()
    for folder in folders:
        manifest = folder / MANIFEST
        digest.update(f"{folder.parent.name}/{folder.name} ".encode())
        digest.update(hashlib.sha256(manifest.read_bytes() if manifest.is_file() else b"").digest())
    files, total = size(settings, feed, going)
    made = Note(
        run_id, feed, before.isoformat(), len(going), files, total, digest.hexdigest(),
        tuple(f"{folder.parent.name}/{folder.name}" for folder in folders),
    )  # fmt: skip
    place = root / RETIRED
    write_json(place / f"{run_id}.json", asdict(made), sync=True)
    sync(place)
    return made


def noted(settings: Settings, feed: str) -> list[Note]:
    """Notes of runs that did not finish."""
    place = settings.landing / feed / RETIRED
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(place.glob("*.json"))]
    return [Note(**{**item, "folders": tuple(item["folders"])}) for item in found]


def take(settings: Settings, made: Note) -> int:
    """Remove what a note names; gives what remains of it, which is 0."""
    root = settings.landing / made.feed
    away = root / RETIRED / made.run_id
    away.mkdir(parents=True, exist_ok=True)
    for name in made.folders:
        if (root / name).is_dir():
            (root / name).rename(away / name.replace("/", "_"))
    sync(root)
    shutil.rmtree(away)
    for day in {name.split("/")[0] for name in made.folders}:
        if (root / day).is_dir() and not any((root / day).iterdir()):
            (root / day).rmdir()
    sync(root)
    return sum((root / name).exists() for name in made.folders) + away.exists()


def forget(settings: Settings, made: Note) -> None:
    """The note goes once the lake knows what was deleted."""
    place = settings.landing / made.feed / RETIRED
    (place / f"{made.run_id}.json").unlink(missing_ok=True)
    if not any(place.iterdir()):
        place.rmdir()
