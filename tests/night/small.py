"""A small city: a feed of every transport and the score sheets, so a night takes seconds and ends without findings."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.night.hub import DAY, REPOSITORY

FEEDS = (
    "muck.vehicle muck.position dust.site dust.sample gas.alarm gas.point gas.pressure enforcement.case"
    " assessment.special assessment.office assessment.digital assessment.event"
).split()
NIGHT = ("nightly", "--day", DAY)


def feeds_in(folder: Path) -> Path:
    """The specs of the small city, copied into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FEEDS:
        shutil.copy(REPOSITORY / "feeds" / f"{name}.yaml", folder)
    return folder
