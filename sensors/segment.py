"""One spool file. `<name>.open` is being written by the process that holds its lock; `<name>.ndjson` is
closed.

Names sort by time. The lock belongs to the open file itself, so several gateways may write for one feed,
and a file whose lock is free has lost its writer: `recover` cuts it after its last whole line and closes
it. Closing is a rename.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cityhub import files
from sensors.envelope import is_line

OPEN, CLOSED, ASKED, NEW, REST = ".open", ".ndjson", ".close", ".new", ".rest"
Write = Callable[[int, memoryview], int]
Sync = Callable[[int], None]


class OpenSegment:
    """An open segment of this process. `length` is what is durable, in bytes."""

    def __init__(self, folder: Path, write: Write = os.write, sync: Sync = os.fsync) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{secrets.token_hex(3)}"
        self.length, self.born = 0, time.monotonic()
        self._write, self._sync = write, sync
        self.path = folder / (name + OPEN)
        unnamed = folder / (name + NEW)
        self._fd = os.open(unnamed, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # before anybody can take it for an orphan
            unnamed.rename(self.path)
            files.sync(folder)
            files.sync(folder.parent)
        except OSError:
            os.close(self._fd)
            raise

    def commit(self, data: bytes) -> None:
        """Append whole lines and sync them. After an OSError the file holds only what was durable before, and
        must be given up: a second fsync after a failed one proves nothing."""
        view = memoryview(data)
        while view:
            view = view[self._write(self._fd, view) :]
        self._sync(self._fd)
        self.length += len(data)

    @property
    def asked_to_close(self) -> bool:
        """Whether somebody waits for this segment (see `ask`)."""
        return self.path.with_suffix(ASKED).exists()

    def close(self) -> Path | None:
        """Make it a closed segment; an empty one disappears. The path of the closed one."""
        try:
            return _closed(self.path, self.length)
        finally:
            os.close(self._fd)

    def give_up(self) -> None:
        """After a failed commit: cut to what is durable and close. What cannot even be cut stays `.open`
        with its lock free, for `recover`.
        """
        try:
            os.ftruncate(self._fd, self.length)
            _closed(self.path, self.length)
        except OSError:
            pass
        finally:
            os.close(self._fd)


def _closed(path: Path, length: int) -> Path | None:
    target = None
    if length:
        target = path.with_suffix(CLOSED)
        path.rename(target)
    else:
        path.unlink()
    path.with_suffix(ASKED).unlink(missing_ok=True)
    files.sync(path.parent)
    return target


def closed(folder: Path) -> list[Path]:
    """Closed segments, oldest first."""
    return sorted(folder.glob(f"*{CLOSED}")) if folder.is_dir() else []


def living(folder: Path) -> list[Path]:
    """Open segments, oldest first, whoever writes them."""
    return sorted(folder.glob(f"*{OPEN}")) if folder.is_dir() else []


def ask(path: Path) -> None:
    """Ask the writer of an open segment to close it; the answer is that the `.open` file is gone."""
    path.with_suffix(ASKED).touch()


def recover(folder: Path) -> tuple[list[Path], int]:
    """Close the open segments whose writer is gone: (closed now, bytes cut as torn).

    Every acknowledged record stays, because lines were synced in order before they were acknowledged.
    Whole but unreadable lines are kept beside as `.rest` for a person to look at.
    """
    done: list[Path] = []
    cut = 0
    for path in [*living(folder), *_stillborn(folder)]:
        with suppress(FileNotFoundError), path.open("r+b") as file:
            if not _free(file.fileno(), path):
                continue
            good, size = _whole(path), path.stat().st_size
            cut += size - good
            file.seek(good)
            rest = file.read()
            if b"\n" in rest:
                path.with_suffix(REST).write_bytes(rest)
            file.truncate(good)
            os.fsync(file.fileno())
            target = _closed(path, good)
            done += [target] if target else []
    for request in folder.glob(f"*{ASKED}"):
        if not request.with_suffix(OPEN).exists():
            request.unlink(missing_ok=True)
    return done, cut


def _stillborn(folder: Path) -> list[Path]:
    """Files of writers killed between creating and naming them; young ones are being named right now."""
    found = []
    for path in folder.glob(f"*{NEW}"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > 60:
                found.append(path)
    return found


def _free(fd: int, path: Path) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # its writer may have closed it (renamed) between our open and our lock
    return path.exists() and os.fstat(fd).st_ino == path.stat().st_ino


def _whole(path: Path) -> int:
    good = 0
    with path.open("rb") as lines:
        for line in lines:
            if not is_line(line):
                break
            good += len(line)
    return good
