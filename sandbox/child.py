"""A server process that ends when this one does, however this one ends."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

# The shell waits for the end of its input: the pipe closes when our process ends, even by SIGKILL.
WATCH = '"$@" </dev/null & server=$!; read -r end; kill -s "$STOP_SIGNAL" $server 2>/dev/null; wait $server'


TEMPORARY = "cityhub-sandbox-"
COMPLETE = "complete"  # beside data that was made to its end


class Child:
    """A running server. `log` takes its output; `stop_signal` asks it to end."""

    def __init__(
        self, command: Sequence[str], log: Path, *, stop_signal: str = "TERM", user: str | None = None
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", WATCH, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**os.environ, "STOP_SIGNAL": stop_signal},
                **run_as(user),
            )

    def stop(self) -> None:
        """End it and wait; safe to call twice."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def tail(self) -> str:
        """The last lines of its output."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])


class Launch(TypedDict, total=False):
    """Arguments of `subprocess` that change the user."""

    user: int
    group: int
    extra_groups: list[str | int]


def run_as(user: str | None) -> Launch:
    """Arguments for `subprocess` that give up root for `user`; nothing for None."""
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def unprivileged(*wanted: str) -> str | None:
    """Whom to run a server as that refuses root: None when we are not root, else the first known user."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in (*wanted, "nobody", "daemon") if name in known)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(ready: Callable[[], bool], seconds: float) -> bool:
    """Whether `ready` came true in time; asked every 20 ms."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def listening(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end_stale(pid: int, mark: str) -> None:
    """End a server that a killed sandbox left behind: only when its command line holds `mark`."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return
    if mark in line:
        os.kill(pid, signal.SIGQUIT)
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), 10)


def reachable(folder: Path, user: str | None) -> Path:
    """The folder, made and given to `user`; one below the temporary folder when `user` cannot get there."""
    folder = folder.resolve()
    parents = [path for path in folder.parents if path.exists()]
    if user is not None and not all(path.stat().st_mode & stat.S_IXOTH for path in parents):
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"{TEMPORARY}{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    if user is not None:
        shutil.chown(folder, user)
    return folder


def discard(folder: Path) -> None:
    """Remove a folder of `reachable` that had to leave the home. Its mark `complete` goes first: what a kill leaves of
    it is no finished folder."""
    if folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(TEMPORARY):
        (folder / COMPLETE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
