"""The broker of the amqtt package on a thread of this process; it keeps nothing over a restart."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from sandbox.child import free_port


class Amqtt:
    """A broker with known users only."""

    version5 = False

    def __init__(self, home: Path, users: Mapping[str, str]) -> None:
        for name in ("amqtt", "transitions.core"):
            logging.getLogger(name).setLevel(logging.ERROR)
        hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1),))
        folder = home / "mqtt"
        folder.mkdir(parents=True, exist_ok=True)
        passwords = folder / "passwords"
        passwords.touch(mode=0o600)
        passwords.write_text("".join(f"{name}:{hasher.hash(word)}\n" for name, word in users.items()))
        self.port = free_port()
        self._loop: asyncio.AbstractEventLoop | None = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._broker = self._run(self._started(str(passwords)))

    def stop(self) -> None:
        """Stop the broker and its thread."""
        if self._loop is None:
            return
        self._run(self._broker.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = None

    async def _started(self, passwords: str) -> Broker:
        broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.FileAuthPlugin": {"password_file": passwords},
                },
            }
        )
        await broker.start()
        return broker

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        assert self._loop is not None  # for mypy: a stopped broker runs nothing
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)
