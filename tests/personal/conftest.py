"""A hub in a folder, with a personal key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.kit import NOW, Hub, settings_in
from tests.personal.planted import KEY


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub of its own."""
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", KEY)
    hub = Hub(settings_in(tmp_path / "home"))
    yield hub
    hub.con.close()
