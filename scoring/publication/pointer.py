"""Around a publication: the link `current`, its row in the lake, and clearing what a kill left."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb

from cityhub.files import sync
from cityhub.settings import Settings
from scoring.publication.manifest import CURRENT, NAME, Manifest, current, folder_of, numbers, read, sha256
from warehouse import lake
from warehouse.names import literal


def clear(root: Path) -> None:
    """Remove folders that never became a publication; the caller holds the lock."""
    for item in root.iterdir():
        rest = item.name.startswith(".") and (item.name.endswith(".partial") or item.name.startswith(f".{CURRENT}."))
        if item.is_symlink():
            if rest:
                item.unlink()
        elif item.is_dir() and (rest or (item.name.isdigit() and not (item / NAME).is_file())):
            shutil.rmtree(item)


def flip(root: Path, manifest: Manifest) -> None:
    """Point `current` to this publication in one rename, unless it already shows a later month."""
    shown = current(root)
    if shown == manifest.number or (shown is not None and read(folder_of(root, shown)).period > manifest.period):
        return
    temporary = root / f".{CURRENT}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(folder_of(root, manifest.number).name)
    temporary.replace(root / CURRENT)
    sync(root)


COLUMNS = (
    "number", "period", "service_day", "status", "reason", "supersedes", "sha256", "published_at", "approved_by",
    "corrected_by",
)  # fmt: skip


def record(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Write the rows of publications that are newer than the newest one that the lake knows, each once, with the
    sha256 of its manifest. One further back that has no row is no rest of a kill: `verify` tells it."""
    row = con.execute("SELECT coalesce(max(number), 0) FROM publication").fetchone()
    known = int(row[0]) if row else 0
    new = [number for number in numbers(settings.publications) if number > known]
    if not new:
        return
    with lake.write(con, settings, f"publication {new[-1]}"):
        for number in new:
            folder = folder_of(settings.publications, number)
            values = ", ".join(_values(read(folder), sha256(folder / NAME)))
            con.execute(f"INSERT INTO publication ({', '.join(COLUMNS)}) VALUES ({values})")


def _values(manifest: Manifest, digest: str) -> list[str]:
    def text(value: str | None) -> str:
        return "NULL" if value is None else literal(value)

    return [
        str(manifest.number),
        text(manifest.period),
        f"DATE {literal(manifest.service_day)}",
        text(manifest.status),
        text(manifest.reason),
        "NULL" if manifest.supersedes is None else str(manifest.supersedes),
        text(digest),
        f"TIMESTAMPTZ {literal(manifest.published_at)}",
        text(manifest.approved_by),
        text(manifest.corrected_by),
    ]
