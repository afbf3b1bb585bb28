"""The gateway as the process that compose runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from cityhub.settings import REPOSITORY, Settings
from sensors import status
from tests.waiting import wait_for


class Gateway:
    """`python -m sensors mqtt` on an installation; `log` is what it printed. `instance`: which of several."""

    def __init__(self, settings: Settings, instance: int = 1, **secrets: str) -> None:
        self.settings = settings
        self.name = "mqtt" if instance == 1 else f"mqtt-{instance}"
        self.log = settings.home / f"{self.name}.log"
        settings.home.mkdir(parents=True, exist_ok=True)
        known = {f"CITYHUB_{name.upper()}": value for name, value in secrets.items()}
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("CITYHUB_")},
            "CITYHUB_HOME": str(settings.home),
            "CITYHUB_FEEDS": str(settings.feeds),
            "PYTHONPATH": str(REPOSITORY),
            **known,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Gateway:
        """Start it; it may not be ready yet."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sensors", self.name],
                env=self._environment,
                cwd=Path(self.settings.home),
                stdout=log,
                stderr=log,
            )
        return self

    def ready(self) -> Gateway:
        """Wait until this very process is subscribed everywhere."""
        wait_for(lambda: self.status().get("state") == "ready" or self._ended(), 60)
        assert not self._ended(), self.log.read_text()
        return self

    def status(self) -> dict[str, Any]:
        """The status that this process wrote, empty before it did."""
        content = status.read(self.settings, self.name) or {}
        assert self.process is not None
        return content if content.get("pid") == self.process.pid else {}

    def counted(self, name: str) -> int:
        """One counter, summed over brokers."""
        return sum(int(broker[name]) for broker in self.status().get("brokers", []))

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        return self._end(signal.SIGTERM)

    def wait(self) -> int:
        """The exit code of one that ends by itself."""
        assert self.process is not None
        return self.process.wait(60)

    def _end(self, number: int) -> int:
        if self.process is None or self._ended():
            return -1
        self.process.send_signal(number)
        return self.process.wait(60)

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None
