"""A hub without feeds, and the desk of somebody who is about to register one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cityhub.settings import Settings
from flow import steps
from tests.load.kit import settings_in
from tests.register.desk import Desk

NOW = "2026-11-21T10:15:00+08:00"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """An installation in a folder of its own, on the morning after the service day 2026-11-20."""
    made = settings_in(tmp_path / "home")
    made.feeds.mkdir(parents=True)
    monkeypatch.setenv("CITYHUB_HOME", str(made.home))
    monkeypatch.setenv("CITYHUB_FEEDS", str(made.feeds))
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    yield made
    for cached in (steps.opened, steps._connection):
        cached.cache_clear()


@pytest.fixture
def desk(settings: Settings) -> Desk:
    """Command line and editor."""
    return Desk(settings)


def put_secret(settings: Settings, name: str, value: str) -> None:
    """What the drafts tell people to do: the value into a file of its name."""
    folder = settings.home / "secrets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(value, encoding="utf-8")
