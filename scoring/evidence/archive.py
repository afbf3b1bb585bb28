"""The archive of a pack: a zip whose every byte follows from its pieces, so that any other byte is damage.

Pieces are stored, not compressed (Parquet and landed bodies are compressed already, and compressors of two machines
differ), in the order of their names, with one fixed date. `manifest.json` comes first: the sha256 of each piece and the
root, a sha256 over all of them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import tempfile
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cityhub.errors import Usage
from scoring.publication.manifest import sha256

NAME = "manifest.json"
SCHEMA_VERSION = 1
BLOCK = 1 << 20
_DATE = (1980, 1, 1, 0, 0, 0)
# zipfile tells damage by many kinds of exceptions.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, NotImplementedError, ValueError, LookupError,
    OverflowError, OSError, AssertionError, TypeError, AttributeError,
)  # fmt: skip

Tree = dict[str, Any]


@dataclass(frozen=True)
class Unpacked:
    """A manifest and what is wrong, each text beginning with the name of the piece. The manifest is empty when it
    cannot be read itself."""

    manifest: Tree
    problems: tuple[str, ...]


def root_of(pieces: list[Tree]) -> str:
    """The one number that stands for all pieces: sha256 over `<sha256>  <path>` lines, in the order of the paths."""
    lines = [f"{piece['sha256']}  {piece['path']}\n" for piece in sorted(pieces, key=lambda piece: str(piece["path"]))]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def seal(folder: Path, head: Tree) -> Tree:
    """Write the manifest of a folder: `head`, the pieces and the root."""
    pieces = [
        {"path": name, "bytes": path.stat().st_size, "sha256": sha256(path)}
        for name, path in _files(folder)
        if name != NAME
    ]
    manifest = {"schema_version": SCHEMA_VERSION, **head, "root": root_of(pieces), "pieces": pieces}
    (folder / NAME).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return manifest


def _files(folder: Path) -> list[tuple[str, Path]]:
    found = [(path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file()]
    return sorted(found, key=lambda item: (item[0] != NAME, item[0]))


def write(folder: Path, target: Path) -> None:
    """Pack a sealed folder, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.partial")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, path in _files(folder):
                entry = zipfile.ZipInfo(name, _DATE)
                entry.create_system, entry.external_attr = 3, 0o100444 << 16
                entry.file_size = path.stat().st_size
                with archive.open(entry, "w") as inner, path.open("rb") as outer:
                    shutil.copyfileobj(outer, inner, BLOCK)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def unpack(path: Path, folder: Path) -> Unpacked:
    """Put the pieces of an archive into a folder and check every byte of it.

    Raises `Usage` CH-EVID-002 for what is no archive at all, CH-EVID-003 for a pack of a later version.
    """
    if not path.is_file():
        raise Usage("CH-EVID-002", file=str(path), problem="there is no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(NAME)
            manifest = json.loads(text)
            pieces = _pieces(manifest)
            (folder / NAME).write_bytes(text)
            problems = [said for piece in pieces for said in _extract(archive, folder, piece)]
            listed = {NAME, *(piece["path"] for piece in pieces)}
            problems += [f"{name}: not in the manifest" for name in archive.namelist() if name not in listed]
    except _DAMAGED as error:
        return Unpacked({}, (_unreadable(path, error),))
    if root_of(pieces) != manifest["root"]:
        problems.append(f"{NAME}: the root is not that of the pieces")
    return Unpacked(manifest, tuple(problems or _otherwise(path, folder)))


def _unreadable(path: Path, error: BaseException) -> str:
    """Which part of a damaged archive cannot be read; raises for a file that never was one."""
    with path.open("rb") as handle:
        if handle.read(2) != b"PK" and not zipfile.is_zipfile(path):
            raise Usage("CH-EVID-002", file=str(path), problem="it is no zip archive")
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    piece = NAME if NAME in said or isinstance(error, json.JSONDecodeError | UnicodeDecodeError) else "archive"
    return f"{piece}: cannot be read ({said})"


def _pieces(manifest: Any) -> list[Tree]:
    """The list of pieces; a name that would leave the folder is no piece."""
    if not isinstance(manifest, dict):
        raise ValueError(f"{NAME} holds no object")
    version = manifest["schema_version"]
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        raise Usage("CH-EVID-003", found=version, known=SCHEMA_VERSION)
    for piece in manifest["pieces"]:
        parts = PurePosixPath(piece["path"]).parts
        if not parts or piece["path"].startswith("/") or ".." in parts or "\\" in piece["path"]:
            raise ValueError(f"{NAME} names a piece outside of the archive")
    if not (
        isinstance(manifest["root"], str)
        and all(piece["bytes"] >= 0 and piece["sha256"] for piece in manifest["pieces"])
    ):
        raise ValueError(f"{NAME} lacks the root, or a size")
    return list(manifest["pieces"])


def _extract(archive: zipfile.ZipFile, folder: Path, piece: Tree) -> Iterator[str]:
    name, target = piece["path"], folder / piece["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
            raise zipfile.BadZipFile("another way of packing")
        with archive.open(name) as inner, target.open("wb") as outer:
            while block := inner.read(BLOCK):
                outer.write(block)
                digest.update(block)
                size += len(block)
    except KeyError:
        yield f"{name}: missing"
        return
    except _DAMAGED as error:
        yield f"{name}: cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        return
    if size != piece["bytes"]:
        yield f"{name}: {size} bytes, packed {piece['bytes']}"
    elif digest.hexdigest() != piece["sha256"]:
        yield f"{name}: sha256 differs from the manifest"


def _otherwise(path: Path, folder: Path) -> list[str]:
    """The first byte of the archive that is not what its pieces make, by the piece that it belongs to."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        again = Path(work) / "again.zip"
        write(folder, again)
        place = _first_difference(path, again)
        if place is None:
            return []
        with zipfile.ZipFile(again) as archive:
            entries = archive.infolist()
            if place >= archive.start_dir:
                return [f"archive: byte {place}, in its directory, is not what was written"]
        at = bisect_right([entry.header_offset for entry in entries], place) - 1
        return [f"{entries[at].filename}: byte {place} of the archive, in front of it, is not what was written"]


def _first_difference(one: Path, other: Path) -> int | None:
    place = 0
    with one.open("rb") as left, other.open("rb") as right:
        while True:
            a, b = left.read(BLOCK), right.read(BLOCK)
            if a != b:
                return place + next((n for n, pair in enumerate(zip(a, b, strict=False)) if pair[0] != pair[1]),
                                    min(len(a), len(b)))  # fmt: skip
            if not a:
                return None
            place += len(a)
