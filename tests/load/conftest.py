"""A prepared hub for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.load.kit import NOW, Hub, settings_in


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub with its core tables, at a quarter past one on the day after the service day."""
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    monkeypatch.setenv("CITYHUB_THREADS", "2")
    made = Hub(settings_in(tmp_path / "hub"))
    made.prepare()
    return made
