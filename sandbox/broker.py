"""An MQTT broker of the sandbox's own: Mosquitto where it is installed, else amqtt in this process."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from sandbox.child import Child, discard, free_port, listening, reachable, unprivileged, wait_for

SERVER = "mosquitto"
MISSING = "no MQTT broker: install Mosquitto (apt-get install mosquitto) or amqtt (uv sync --group dev)"
# Persistent sessions survive a restart; a subscriber that is away loses nothing; nobody enters unknown.
CONFIG = """listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
persistence true
persistence_location {folder}/
autosave_interval 1
persistent_client_expiration 7d
max_queued_messages 0
max_inflight_messages 1000
log_type error
log_type warning
"""


class Broker(Protocol):
    """A running broker."""

    port: int
    version5: bool  # speaks MQTT 5, so it tells when nobody subscribes

    def stop(self) -> None:
        """Stop it; safe to call twice."""


def start(home: Path, users: Mapping[str, str]) -> Broker:
    """The best broker there is, with these users and passwords. Raises RuntimeError when none is there."""
    server = shutil.which(SERVER, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if server:
        return Mosquitto(server, home, users)
    try:
        from sandbox.broker_amqtt import Amqtt
    except ImportError as error:
        raise RuntimeError(MISSING) from error
    return Amqtt(home, users)


class Mosquitto:
    """Mosquitto with a configuration of its own."""

    version5 = True

    def __init__(self, server: str, home: Path, users: Mapping[str, str]) -> None:
        user = unprivileged("mosquitto")
        self._folder = reachable(home / "mqtt", user)
        self.port = free_port()
        files = {
            "passwords": "".join(f"{name}:{_hashed(word)}\n" for name, word in users.items()),
            "mosquitto.conf": CONFIG.format(port=self.port, folder=self._folder),
        }
        for name, text in files.items():
            path = self._folder / name
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
            if user is not None:
                shutil.chown(path, user)
        command = [server, "-c", str(self._folder / "mosquitto.conf")]
        self._child: Child | None = Child(command, self._folder / "log", user=user)
        if not wait_for(lambda: listening(self.port), 10):
            detail = self._child.tail()
            self.stop()
            raise RuntimeError(f"Mosquitto does not start: {detail}")

    def stop(self) -> None:
        """Stop it; its store goes only when it had to stand outside the home."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        discard(self._folder)


def _hashed(word: str) -> str:
    """Mosquitto's own form: PBKDF2 with SHA-512, 101 rounds, salt and hash in base64."""
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", word.encode(), salt, 101)
    return f"$7$101${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
