"""Folders of the indicator feed for tests to break: JSON alone, so that a row is easily changed, sealed again after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scoring.handover.contract import MANIFEST

Rows = list[dict[str, Any]]


def rows(folder: Path, dataset: str) -> Rows:
    """The rows of a dataset's JSON file."""
    found: Rows = json.loads((folder / f"{dataset}.json").read_text(encoding="utf-8"))
    return found


def change(folder: Path, dataset: str, how: Callable[[Rows], Any]) -> None:
    """Change the rows of a dataset, with a manifest that says so."""
    found = rows(folder, dataset)
    how(found)
    (folder / f"{dataset}.json").write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    seal(folder)


def manifest(folder: Path) -> dict[str, Any]:
    """The manifest as it stands."""
    found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return found


def rewrite(folder: Path, how: Callable[[dict[str, Any]], Any]) -> None:
    """Change the manifest."""
    found = manifest(folder)
    how(found)
    (folder / MANIFEST).write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def seal(folder: Path) -> None:
    """Let the manifest name the files as they are now, as a producer would whose program does something else."""

    def files(found: dict[str, Any]) -> None:
        for item in found["files"]:
            path = folder / item["path"]
            body = path.read_bytes()
            item["sha256"], item["bytes"] = hashlib.sha256(body).hexdigest(), len(body)
            if path.suffix == ".json":
                item["rows"] = len(json.loads(body))

    rewrite(folder, files)
