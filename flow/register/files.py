"""Which file a feed is in: active and switched off ones in the feeds folder, drafts below it."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from cityhub.errors import Stop, Usage
from cityhub.lint.problem import listed, nearest
from cityhub.spec.edit import data_of, read_text
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_spec
from cityhub.spec.todo import filled

DRAFTS = "drafts"


def drafts(folder: Path) -> Path:
    """Where drafts wait until they are activated."""
    return folder / DRAFTS


def readable(path: Path) -> FeedSpec:
    """A spec for a look at its source: what a draft leaves open is no hindrance. Raises what `read_spec` raises."""
    try:
        return read_spec(path)
    except Stop as error:
        if error.code != "CH-FEED-006":
            raise
        try:
            return FeedSpec.model_validate(filled(data_of(read_text(path), path)))
        except ValidationError:
            raise error from None


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
