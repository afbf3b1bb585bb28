"""One town with a final-looking month and the pack of one of its units, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.evidence.make import Made, make
from tests.plan.town import DAYS, NOW, Town, build
from tests.scoring.county import MONTH


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Three days of sweeping tasks, manual sheets with an event, one publication."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CITYHUB_NOW", NOW)
    home = tmp_path_factory.mktemp("evidence") / "home"
    patch.setenv("CITYHUB_HOME", str(home))
    made = build(home)
    made.event("E1", "B1", "juji", level="national")
    made.night(DAYS[-1])
    made.publish()
    yield made
    made.con.close()
    patch.undo()


@pytest.fixture(scope="package")
def pack(town: Town, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    """The evidence of juji's month."""
    file = tmp_path_factory.mktemp("packs") / "juji.zip"
    return file, make(town.settings, "juji", MONTH, out=file)
