"""Reading the folder of real public records (`--records DIR`); nothing of it is stored in the repository."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from sandbox.world import World


def rows(world: World, name: str) -> list[dict[str, str]] | None:
    """The rows of one file, None without a folder or without that file in it."""
    if world.records is None or not (world.records / name).is_file():
        return None
    return _read(world.records / name)


@cache
def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))
