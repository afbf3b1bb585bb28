"""A TCP gateway as the process that compose runs, on an installation of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityhub.settings import REPOSITORY, Settings
from flow import steps
from sensors import status
from tests.waiting import wait_for


class Process:
    """`python -m sensors KIND` as compose runs it."""

    def __init__(self, settings: Settings, kind: str) -> None:
        self.settings, self.kind, self.log = settings, kind, settings.home / "gateway.log"
        settings.home.mkdir(parents=True, exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until this very process listens."""
        outside = {key: value for key, value in os.environ.items() if not key.startswith("CITYHUB_")}
        own = {"CITYHUB_HOME": str(self.settings.home), "CITYHUB_FEEDS": str(self.settings.feeds)}
        with self.log.open("ab") as log:
            self.process = process = subprocess.Popen(
                [sys.executable, "-m", "sensors", self.kind],
                env={**outside, **own, "PYTHONPATH": str(REPOSITORY)},
                stdout=log,
                stderr=log,
            )

        def listens() -> bool:
            told = status.read(self.settings, self.kind) or {}
            return process.poll() is not None or (told.get("pid") == process.pid and told.get("state") == "ready")

        wait_for(listens, 60)
        assert process.poll() is None, self.log.read_text()

    def end(self, number: int) -> int:
        """Send a signal; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)


def installation(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The body of a fixture: settings below `folder`, and what `flow.steps` keeps of them forgotten at the end."""
    home = folder / "home"
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    yield Settings(home, folder / "feeds", str(home / "lake" / "c.sqlite"), str(home / "lake" / "data"))
    for cached in (steps.opened, steps._connection):
        cached.cache_clear()
