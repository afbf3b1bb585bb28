"""Child processes that end when we end, even by SIGKILL, and that are waited for by condition, never by sleep."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from cityhub.errors import Stop
from cityhub.settings import REPOSITORY

PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def child(
    command: list[str],
    log: Path,
    env: dict[str, str] | None = None,
    *,
    stdin: int = subprocess.DEVNULL,
    pass_fds: tuple[int, ...] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with its output in `log`; at the end SIGTERM, then SIGKILL after 20 seconds."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=stdin,
            pass_fds=pass_fds,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=REPOSITORY,
            env=os.environ | (env or {}),
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # calls one C function, takes no lock
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a child in good order."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], *, name: str, log: Path, seconds: float
) -> None:
    """Wait for a condition while the child lives; raises `Stop` CH-RUN-001 with the last lines of its log."""
    pause = threading.Event()
    deadline = monotonic() + seconds
    while not ready():
        if process.poll() is not None or monotonic() > deadline:
            raise Stop("CH-RUN-001", name=name, seconds=seconds, log=str(log), detail=tail(log))
        pause.wait(0.05)


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log, as one text."""
    if not log.exists():
        return "it wrote nothing"
    text = log.read_text(encoding="utf-8", errors="replace").strip()
    return " | ".join(text.splitlines()[-lines:]) or "it wrote nothing"
