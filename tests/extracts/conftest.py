"""Fixtures of the extracts' tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.extracts.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """An empty installation whose own secrets are in it too."""
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    return Shelf(tmp_path / "home")
