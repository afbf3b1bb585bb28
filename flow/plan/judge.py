"""What a difference means: whether there is any, and which published months it corrects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scoring.publication import manifest


def corrections(publications: Path, months: set[str]) -> list[dict[str, Any]]:
    """The newest publication of each changed month: a provisional one is followed by the next night, a final or
    corrected one needs a correction with a reason."""
    return [_entry(found) for found in _newest(publications, months)]


def finals(publications: Path, months: Iterable[str]) -> dict[str, manifest.Manifest]:
    """Month → its newest publication, of the months that are final."""
    return {found.period: found for found in _newest(publications, months) if found.frozen}


def add_corrected(
    found: list[dict[str, Any]], finals: Mapping[str, manifest.Manifest], ranking: list[dict[str, Any]]
) -> None:
    """Put what a correction would make of scores and ranks (`ranking`) beside each publication that needs one, also
    where nothing else of its month is different."""
    listed = {item["period"]: item for item in found}
    for month, published in finals.items():
        rows = [row for row in ranking if row["period"] == month]
        if rows and month not in listed:
            found.append(_entry(published))
            listed[month] = found[-1]
        if month in listed:
            listed[month]["ranking"] = rows


def _newest(publications: Path, months: Iterable[str]) -> list[manifest.Manifest]:
    found = (manifest.newest(publications, month) for month in sorted(set(months)))
    return [item for item in found if item is not None]


def _entry(found: manifest.Manifest) -> dict[str, Any]:
    needs = "correction" if found.frozen else "next publication"
    return {"period": found.period, "number": found.number, "status": found.status, "needs": needs}


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
