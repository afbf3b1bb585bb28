"""Around a publication: the link `current`, its row in the lake, and clearing what a kill left."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import duckdb

from cityhub.files import sync
from cityhub.settings import Settings
from scoring.publication.manifest import CURRENT, NAME, Manifest, current, folder_of, read, sha256
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


def record(con: duckdb.DuckDBPyConnection, settings: Settings, manifest: Manifest) -> None:
    """Write the publication's row into the lake once, with the sha256 of its manifest."""
    known = con.execute(f"SELECT count(*) FROM publication WHERE number = {manifest.number}").fetchone()
    if known != (0,):
        return
    digest = sha256(folder_of(settings.publications, manifest.number) / NAME)
    values = ", ".join(
        [
            str(manifest.number),
            literal(manifest.period),
            f"DATE {literal(manifest.service_day)}",
            literal(manifest.status),
            literal(manifest.reason),
            "NULL" if manifest.supersedes is None else str(manifest.supersedes),
            literal(digest),
            f"TIMESTAMPTZ {literal(manifest.published_at)}",
        ]
    )
    with lake.write(con, settings, f"publication {manifest.number}"):
        con.execute(
            "INSERT INTO publication (number, period, service_day, status, reason, supersedes, sha256, "
            f"published_at) VALUES ({values})"
        )
