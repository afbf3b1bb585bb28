"""A folder that others drop files into: what is in it, and the bytes of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cityhub.errors import Stop


@dataclass(frozen=True)
class Entry:
    """One file: size in bytes, time of the last change in epoch seconds by the folder's own clock."""

    name: str
    size: int
    changed: float


class Folder(Protocol):
    """A place with files."""

    def entries(self) -> list[Entry]:
        """All plain files, by name."""

    def read(self, name: str) -> bytes:
        """The whole file."""

    def where(self, name: str = "") -> str:
        """Folder or file as it is shown: no user, no password."""

    def close(self) -> None:
        """Leave the place."""


class LocalFolder:
    """A folder of this machine."""

    def __init__(self, path: Path, place: Mapping[str, Any]) -> None:
        self._path, self._place = path, place

    def entries(self) -> list[Entry]:
        try:
            found = [(item, item.stat()) for item in self._path.iterdir() if item.is_file()]
        except (FileNotFoundError, NotADirectoryError):
            detail = "no folder has this name"
            raise Stop("CH-PULL-050", folder=str(self._path), detail=detail, **self._place) from None
        except PermissionError as error:
            raise Stop("CH-PULL-057", file=str(self._path), detail=str(error), **self._place) from None
        return sorted((Entry(item.name, stat.st_size, stat.st_mtime) for item, stat in found), key=lambda e: e.name)

    def read(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except PermissionError as error:
            raise Stop("CH-PULL-057", file=name, detail=str(error), **self._place) from None

    def where(self, name: str = "") -> str:
        return str(self._path / name) if name else str(self._path)

    def close(self) -> None:
        """Nothing is held open."""
