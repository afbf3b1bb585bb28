"""Where things are: one frozen record made from the environment, read once at an edge and passed on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Folders and addresses of one installation.

    `home` holds everything that is written. `catalog` is the DuckLake catalog: a path (SQLite, the
    embedded default) or `postgres:dbname=… host=…`. `data` is the folder or `s3://` address of Parquet files.
    """

    home: Path
    feeds: Path
    catalog: str
    data: str

    @property
    def landing(self) -> Path:
        """Bytes as received: `<feed>/<service day>/<load id>/`."""
        return self.home / "landing"

    @property
    def spool(self) -> Path:
        """Segments that gateways append to."""
        return self.home / "spool"

    @property
    def publications(self) -> Path:
        """Numbered folders of frozen results and the pointer `current`."""
        return self.home / "publications"

    @property
    def locks(self) -> Path:
        """Lock files of this installation."""
        return self.home / "locks"


def load() -> Settings:
    """Settings from `CITYHUB_HOME`, `CITYHUB_FEEDS`, `CITYHUB_CATALOG`, `CITYHUB_DATA`; defaults below `var/`."""
    home = Path(os.environ.get("CITYHUB_HOME") or REPOSITORY / "var").resolve()
    return Settings(
        home=home,
        feeds=Path(os.environ.get("CITYHUB_FEEDS") or REPOSITORY / "feeds").resolve(),
        catalog=os.environ.get("CITYHUB_CATALOG") or str(home / "lake" / "catalog.sqlite"),
        data=os.environ.get("CITYHUB_DATA") or str(home / "lake" / "data"),
    )
