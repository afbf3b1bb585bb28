"""A real broker on a free loopback port: Mosquitto where it is installed, amqtt's embedded broker otherwise.

Mosquitto runs with the configuration that the hub ships, its addresses and folders replaced.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.waiting import wait_for

SHIPPED = Path(__file__).resolve().parents[2] / "docker" / "mosquitto" / "mosquitto.conf"
_SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
MOSQUITTO = shutil.which("mosquitto", path=_SBIN)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """A broker that can be stopped, killed and started again on the same port with the same store."""

    folder: Path
    users: dict[str, str] = field(default_factory=dict)
    tls: Path | None = None
    """A folder with `ca.pem`, `server.pem`, `server.key`: TLS, and clients must show a certificate of it."""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """For a spec; amqtt speaks 3.1.1 only."""
        return f"mqtt://127.0.0.1:{self.port}" + ("" if MOSQUITTO else "?version=3.1.1")

    def start(self) -> Broker:
        """Start and wait until it takes connections; another port if ours was taken meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for _ in range(5):
            log = (self.folder / "broker.log").open("ab")
            self.process = subprocess.Popen(self._command(), stdout=log, stderr=log)
            log.close()
            wait_for(lambda: self._listening() or self._gone())
            if not self._gone():
                return self
            self.port = free_port()
        raise AssertionError((self.folder / "broker.log").read_text(errors="replace"))

    def stop(self, with_signal: int = signal.SIGTERM) -> None:
        """End it and wait for the end."""
        if self.process is not None:
            self.process.send_signal(with_signal)
            self.process.wait(20)
            self.process = None

    def _gone(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _listening(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _command(self) -> list[str]:
        if MOSQUITTO is None:
            script = (
                "import asyncio, sys\nfrom amqtt.broker import Broker\n"
                "async def main():\n"
                "    listener = {'type': 'tcp', 'bind': '127.0.0.1:' + sys.argv[1]}\n"
                "    await Broker({'listeners': {'default': listener}}).start()\n"
                "    await asyncio.Event().wait()\n"
                "asyncio.run(main())\n"
            )
            return [sys.executable, "-c", script, str(self.port)]
        lines = []
        for line in SHIPPED.read_text(encoding="utf-8").splitlines():
            key = line.partition(" ")[0]
            replaced = {
                "listener": f"listener {self.port} 127.0.0.1",
                "persistence_location": f"persistence_location {self.folder}/",
                "user": "user root" if os.geteuid() == 0 else "",
                "password_file": f"password_file {self.folder / 'users'}" if self.users else "allow_anonymous true",
                "allow_anonymous": "allow_anonymous false" if self.users else "",
            }
            lines.append(replaced.get(key, line))
            if key == "listener" and self.tls:
                files = {"cafile": "ca.pem", "certfile": "server.pem", "keyfile": "server.key"}
                lines += [f"{name} {self.tls / file}" for name, file in files.items()]
                lines += ["require_certificate true", "use_identity_as_username false"]
        if self.users:
            self._write_users()
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [MOSQUITTO, "-c", str(config)]

    def _write_users(self) -> None:
        tool = shutil.which("mosquitto_passwd", path=_SBIN)
        file = self.folder / "users"
        file.touch(mode=0o600)
        for user, password in self.users.items():
            assert tool is not None
            subprocess.run([tool, "-b", str(file), user, password], check=True, capture_output=True)
