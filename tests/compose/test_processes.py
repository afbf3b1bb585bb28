"""What compose runs in containers, as plain processes: until healthy, doing its work, ended by SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.read import read_all
from sensors.segments import collect
from tests.waiting import wait_for

Services = dict[str, dict[str, Any]]
BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Containers:
    """Runs commands of the compose file with a home and ports of this test in the image's places."""

    def __init__(self, services: Services, home: Path) -> None:
        self.services, self.home, self.port = services, home, free_port()
        self.running: list[subprocess.Popen[bytes]] = []

    def place(self, word: str) -> str:
        word = word.replace("/var/lib/cityhub", str(self.home)).replace("/opt/cityhub", str(REPOSITORY))
        return word.replace("8080", str(self.port)).replace("0.0.0.0", "127.0.0.1")

    def environment(self, name: str) -> dict[str, str]:
        named = self.services[name]["environment"]
        given = {key: self.place(str(value)) for key, value in named.items() if key != "CITYHUB_CATALOG"}
        outside = {key: value for key, value in os.environ.items() if not key.startswith(("CITYHUB_", "AIRFLOW"))}
        secrets = str(self.home / "sandbox" / "secrets")  # as docker/.env.example sets it for the demo
        return {
            **outside,
            **given,
            "CITYHUB_SECRETS": secrets,
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }

    def up(self, name: str, *more: str) -> subprocess.Popen[bytes]:
        """Start a service's command and wait until its health check passes."""
        command = [self.place(word) for word in self.services[name]["command"]]
        log = self.home / f"{name}.log"
        self.home.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *more], env=self.environment(name), cwd=REPOSITORY, stdout=output, stderr=output
            )
        self.running.append(process)
        wait_for(lambda: process.poll() is not None or self.healthy(name), 120, every=0.2)
        assert process.poll() is None, log.read_text()
        return process

    def healthy(self, name: str) -> bool:
        check = [self.place(word) for word in self.services[name]["healthcheck"]["test"][1:]]
        return self.run(name, check).returncode == 0

    def run(self, name: str, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, env=self.environment(name), cwd=REPOSITORY, capture_output=True, check=False)

    def down(self, process: subprocess.Popen[bytes]) -> int:
        process.send_signal(signal.SIGTERM)
        return process.wait(60)


@pytest.fixture
def containers(services: Services, tmp_path: Path) -> Iterator[Containers]:
    made = Containers(services, tmp_path / "home")
    yield made
    for process in reversed(made.running):
        if process.poll() is None:
            made.down(process)


def test_the_demo_city_publishes_and_its_gateway_spools_every_message(containers: Containers) -> None:
    city = containers.up("sandbox", "--scale", "0.01")
    gateway = containers.up("gateway-demo")
    ready = containers.home / "sandbox" / "ready.json"
    publish = containers.run("sandbox", ["python", str(REPOSITORY / "docker/publish.py"), str(ready)])
    assert publish.returncode == 0, publish.stderr.decode()
    answer = json.loads(publish.stdout)
    assert answer["published"] > 0
    assert answer["unheard"] == 0

    def durable() -> int:
        return int(json.loads((containers.home / "gateways/mqtt.json").read_text())["durable"])

    wait_for(lambda: durable() >= answer["published"])
    assert containers.down(gateway) == 0
    assert not containers.healthy("gateway-demo")
    assert containers.down(city) == 0
    home = containers.home
    settings = Settings(home=home, feeds=REPOSITORY / "feeds", catalog=str(home / "c"), data=str(home / "d"))
    day = json.loads(ready.read_text())["day"]
    pushed = [spec for spec in read_all(settings.feeds).values() if spec.source.kind == "mqtt"]
    manifests = [collect(settings, spec, date.fromisoformat(day)) for spec in pushed]
    assert sum(part.bytes > 0 for manifest in manifests if manifest for part in manifest.parts) >= 1


def test_the_http_service_is_healthy_before_the_first_publication_and_ends_on_sigterm(
    containers: Containers,
) -> None:
    serve = containers.up("serve")
    assert containers.down(serve) in {0, -signal.SIGTERM, 143}
