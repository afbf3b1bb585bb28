"""The files of a folder: there, whole, known to the manifest, and read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from scoring.handover.contract import FORMATS, MANIFEST, contract
from scoring.handover.finding import Finding, shown
from scoring.handover.read import Content, read
from scoring.publication.manifest import sha256

Part = tuple[str, str]  # dataset and format


def files(folder: Path, manifest: dict[str, Any], found: list[Finding]) -> dict[Part, Content]:
    """The content of every file that the manifest names rightly, by dataset and format, Parquet first."""
    listed, schemas = manifest.get("files"), manifest.get("schemas", [])
    if not isinstance(listed, list) or not isinstance(schemas, list):
        found.append(Finding(MANIFEST, "names no files", "list them", None, "files"))
        return {}
    sound = [(item, path) for item in [*listed, *schemas] if (path := _path(folder, item, found))]
    named = {item["path"] for item, _ in sound} | {MANIFEST}
    parts: dict[Part, Content | None] = {}
    for item, path in sound:
        part = _part(item, parts, found) if item in listed else None
        whole = _whole(path, item, found)
        if part is not None:
            parts[part] = _content(path, item, part) if whole else None
    found += _lacking(parts)
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    found += [Finding(name, "is not in the manifest", "list it or leave it out") for name in there if name not in named]
    order = [part for kind in FORMATS for part in parts if part[1] == kind]
    return {part: content for part in order if (content := parts[part]) is not None}


def _path(folder: Path, item: Any, found: list[Finding]) -> Path | None:
    """Where the file of a manifest's entry lies, when that is inside the folder."""
    name = item.get("path") if isinstance(item, dict) else None
    if (
        isinstance(name, str)
        and name
        and not PurePosixPath(name).is_absolute()
        and ".." not in PurePosixPath(name).parts
    ):
        return folder / name
    told = None if name is None else shown(name)
    found.append(Finding(MANIFEST, "is no path inside the folder", "write it relative to it", None, "files", told))
    return None


def _part(item: dict[str, Any], parts: dict[Part, Content | None], found: list[Finding]) -> Part | None:
    """Which dataset and format a file is, None for what this version does not read."""
    dataset, kind = str(item.get("dataset")), str(item.get("format"))
    if dataset not in contract().datasets:
        return None  # a dataset of a later minor version is no business of ours
    if kind not in FORMATS:
        found.append(Finding(MANIFEST, "is not known", f"one of {', '.join(FORMATS)}", None, "format", shown(kind)))
        return None
    if (dataset, kind) in parts:
        found.append(Finding(item["path"], f"is a second {kind} file of {dataset}", "one file a dataset and format"))
        return None
    return dataset, kind


def _whole(path: Path, item: dict[str, Any], found: list[Finding]) -> bool:
    """Whether the file is there, as the manifest says."""
    if not path.is_file():
        found.append(Finding(item["path"], "is not there", "send the folder again, whole"))
        return False
    if sha256(path) != item.get("sha256"):
        fix = "send the folder again; never edit a file"
        found.append(Finding(item["path"], "differs from its sha256 in the manifest", fix))
        return False
    return True


def _content(path: Path, item: dict[str, Any], part: Part) -> Content:
    stated = contract().datasets[part[0]]
    content = read(path, item["path"], part[1], stated)
    readable = len(content.broken) < len(stated.fields)
    if readable and item.get("rows") != len(content.rows):
        content.found(f"holds {len(content.rows)} rows, the manifest says {item.get('rows')}", "send it again")
    return content


def _lacking(parts: dict[Part, Content | None]) -> Iterator[Finding]:
    """Datasets that a format has no file of; a folder without any format lacks them in both."""
    for kind in FORMATS:
        given = {dataset for dataset, other in parts if other == kind}
        for name in contract().datasets:
            if name not in given and (given or not parts):
                yield Finding(MANIFEST, f"no {kind} file of {name}", "hand over every dataset", None, "files")
