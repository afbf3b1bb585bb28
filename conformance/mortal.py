"""A process that forks runs which die by SIGKILL at a named point: `python -m conformance.mortal`, orders on stdin.

It imports the hub once, so that each death costs a fork and not a start-up. An order is one JSON line with the run's
environment, feed, day and stage; the answer says how the run ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import date
from functools import cache
from importlib import import_module
from typing import IO, Any

from cityhub.errors import Stop

# Stage → where the run dies: module, name in it, before or after the call.
PULLED = {
    "half_landed": ("warehouse.landing", "Delivery.add", "after"),
    "landed": ("flow.steps", "pull", "after"),
}
PUSHED = {
    "half_landed": ("sensors.segments", "_claim", "after"),
    "landed_not_released": ("sensors.segments", "_release", "before"),
    "landed": ("flow.steps", "collect", "after"),
}
LOADED = {
    "staged": ("warehouse.load", "select_good", "after"),
    "rows_written": ("warehouse.load", "merge", "after"),
    "ledger_written": ("warehouse.ledger", "record_load", "after"),
}
COMMITTED = {"committed": ("flow.steps", "load", "after")}
Point = tuple[str, str, str]


def die(*_: Any, **__: Any) -> None:
    """No handler, no atexit, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    """The function, and death before it or as soon as it has done its work."""

    def wrapped(*args: Any, **more: Any) -> None:
        if when == "after":
            function(*args, **more)
        die()

    return wrapped


def patch(stage: Point) -> None:
    """Set the trap of a stage; AttributeError when the hub no longer has such a place."""
    module, names, when = stage
    owner: Any = import_module(module)
    *holders, name = names.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    setattr(owner, name, deadly(getattr(owner, name), when))


def serve(orders: IO[str], answers: IO[str]) -> None:
    """Carry out orders until there are no more."""
    from cityhub import settings
    from flow import steps

    for module in ("connectors.rest", "connectors.database", "connectors.files", "connectors.workbook"):
        import_module(module)
    for line in orders:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 3
            try:
                for name in [name for name in os.environ if name.startswith("CITYHUB_")]:
                    del os.environ[name]
                os.environ.update(order["env"])
                steps.opened = lambda *_: None  # type: ignore[assignment]  # the hub is open already
                patch(tuple(order["stage"]))
                steps.sync(settings.load(), order["feed"], date.fromisoformat(order["day"]))
            except BaseException as error:  # noqa: BLE001  # told, and the process ends
                sys.stderr.write(f"{type(error).__name__}: {error}\n")
                sys.stderr.flush()
                status = 4
            finally:
                os._exit(status)
        _, waited = os.waitpid(child, 0)
        answers.write(json.dumps({"killed": os.WIFSIGNALED(waited) and os.WTERMSIG(waited) == signal.SIGKILL}) + "\n")
        answers.flush()


class Mortal:
    """The process from outside."""

    def __init__(self) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith("CITYHUB_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "conformance.mortal"], text=True, env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.said: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self.said.extend(self._process.stderr)

    def run(self, feed: str, day: date, point: Point) -> bool:
        """Run one sync of this process's hub that dies at the point; False when it came to its end alive."""
        env = {name: value for name, value in os.environ.items() if name.startswith("CITYHUB_")}
        order = {"env": env, "feed": feed, "day": day.isoformat(), "stage": point}
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            raise Stop("CH-CONFORM-005", detail=" ".join(self.said[-3:]).strip() or "it ended without a word")
        return bool(json.loads(answer)["killed"])


@cache
def mortal() -> Mortal:
    """The one of this process; it ends with it, since its orders end."""
    return Mortal()


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
