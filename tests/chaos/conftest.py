"""The undisturbed night that every disturbed one is compared with, once for the session."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.chain import settings_of
from tests.chaos.dump import dump
from tests.night.hub import Hub
from tests.night.small import NIGHT, feeds_in


@dataclass(frozen=True)
class Undisturbed:
    """Specs, how long the night took, what its folder holds on the disk, and what it left."""

    feeds: Path
    seconds: float
    bytes: int
    content: dict[str, str]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    feeds = feeds_in(tmp_path_factory.mktemp("feeds"))
    hub = Hub(tmp_path_factory.mktemp("undisturbed") / "hub")
    began = time.monotonic()
    done = hub.run(*NIGHT, CITYHUB_FEEDS=str(feeds))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    seconds = time.monotonic() - began
    size = sum(item.stat().st_blocks * 512 for item in hub.home.rglob("*") if not item.is_symlink())
    return Undisturbed(feeds, seconds, size, dump(settings_of(hub, feeds)))
