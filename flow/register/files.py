"""Which file a feed is in: active and switched off ones in the feeds folder, drafts below it."""

from __future__ import annotations

from pathlib import Path

from cityhub.errors import Usage
from cityhub.lint.problem import listed, nearest

DRAFTS = "drafts"


def drafts(folder: Path) -> Path:
    """Where drafts wait until they are activated."""
    return folder / DRAFTS


def find(folder: Path, name: str, *, draft: bool = False) -> Path:
    """The file of a feed, of a draft, or the path itself; `draft`: of two of the name the draft.

    Raises `Usage` CH-REG-050 with the nearest name.
    """
    places = [folder, drafts(folder)]
    if draft:
        places.reverse()
    if name.endswith((".yaml", ".yml")) or "/" in name:
        path = Path(name)
        for candidate in (path, *(place / name for place in places)):
            if candidate.is_file():
                return candidate
    else:
        for candidate in (place / f"{name}.yaml" for place in places):
            if candidate.is_file():
                return candidate
    names = [path.stem for path in [*folder.glob("*.yaml"), *drafts(folder).glob("*.yaml")]]
    near = nearest(Path(name).name.removesuffix(".yaml"), names, 0.5)
    raise Usage("CH-REG-050", feed=name, folder=str(folder), near=near or listed(sorted(names)[:8]))
