"""What a difference means: whether there is any, and which published months it corrects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scoring.publication import manifest


def corrections(publications: Path, months: set[str]) -> list[dict[str, Any]]:
    """The newest publication of each changed month: a provisional one is followed by the next night, a final or
    corrected one needs a correction with a reason."""
    newest: dict[str, manifest.Manifest] = {}
    for number in manifest.numbers(publications):
        found = manifest.read(manifest.folder_of(publications, number))
        newest[found.period] = found
    return [
        {
            "period": month,
            "number": newest[month].number,
            "status": newest[month].status,
            "needs": "next publication" if newest[month].status == "provisional" else "correction",
        }
        for month in sorted(months & set(newest))
    ]


def empty(changes: Mapping[str, list[Any]]) -> bool:
    """Whether nothing is different."""
    return not any(changes.values())


def sha256(changes: Mapping[str, list[Any]]) -> str:
    """Identity of the differences, without what is published, which another run may move."""
    content = {name: rows for name, rows in changes.items() if name != "publications"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def unequal(planned: Mapping[str, list[Any]], found: Mapping[str, list[Any]]) -> list[str]:
    """The parts in which two lists of differences are not the same, each with its first such entry."""
    said = []
    for name in planned:
        if name == "publications" or planned[name] == found.get(name):
            continue
        ours = [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in planned[name]]
        theirs = [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in found.get(name, [])]
        lacking = [row for row in ours if row not in theirs] or [row for row in theirs if row not in ours]
        said.append(f"{name}: {lacking[0][:200] if lacking else 'another order'}")
    return said
