"""What tests of extracts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.extracts.months import Months, settings_in
from tests.extracts.shelf import Shelf


@pytest.fixture
def months(tmp_path: Path) -> Months:
    """An installation without publications."""
    return Months(settings_in(tmp_path))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """An empty installation whose own secrets are in it too."""
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    return Shelf(tmp_path / "home")
