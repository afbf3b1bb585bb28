"""A town that is made once and copied for each test, because making it costs seconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plan.town import NOW, Town, build


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a town nobody works in."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CITYHUB_NOW", NOW)
    home = tmp_path_factory.mktemp("town") / "home"
    town = build(home)
    town.publish()
    town.con.close()
    patch.undo()
    return home


@pytest.fixture
def town(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The town itself, put back as it was afterwards: a catalog knows its folder by name, so it cannot be moved."""
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    monkeypatch.setenv("CITYHUB_HOME", str(made))
    saved = made.with_name("saved")
    shutil.copytree(made, saved, symlinks=True)
    mine = Town.__new__(Town)
    mine.reopen(made)
    try:
        yield mine
    finally:
        mine.con.close()
        shutil.rmtree(made)
        saved.rename(made)
