"""`cityhub serve` as a process of its own, with keys that may read all and rates that never bite."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cityhub.settings import REPOSITORY


@dataclass(frozen=True)
class Running:
    """Where it answers, with which keys (of a consumer, and of another one), and the number of its process."""

    port: int
    key: str
    other: str
    number: int

    @property
    def base(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def service(home: Path) -> Iterator[Running]:
    """Start it over an installation; it is ended when the block is left."""
    limits = {"CITYHUB_SERVE_RATE": "1e8", "CITYHUB_SERVE_BURST": "100000000"}
    environment = {**os.environ, "CITYHUB_HOME": str(home), "PYTHONPATH": str(REPOSITORY), **limits}
    run = [sys.executable, "-m", "cli.main"]
    keys = []
    for name in ("bench", "other"):
        create = [*run, "key", "create", name, "--scope", "all", "--json"]
        made = subprocess.run(create, env=environment, check=True, capture_output=True)
        keys.append(json.loads(made.stdout)["key"])
    port = _free_port()
    with subprocess.Popen([*run, "serve", "--port", str(port)], env=environment) as process:
        try:
            running = Running(port, *keys, process.pid)
            _wait(f"{running.base}/healthz")
            yield running
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")
