"""The durable spool: lines are written and synced in groups, and only then acknowledged.

One `Spool` belongs to one thread of one gateway; other gateways may write for the same feeds beside it.
The caller appends what it received with what to do once that is durable, and calls `flush` when the group
is due:

    spool.append("gas.alarm", line, lambda: client.ack(mid, qos))
    if spool.due: spool.flush()

A group that cannot be written (disk full) stays in memory and unacknowledged, is reported once, and is
tried again by `flush` until it succeeds; meanwhile `full` tells the caller to stop reading, so memory
stays bounded and the sender keeps what we cannot.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cityhub import log
from cityhub.errors import Retry
from sensors.segment import OpenSegment, Sync, Write, recover

logger = log.get("cityhub.sensors")
Durable = Callable[[], None]


@dataclass(frozen=True)
class Limits:
    """When a group is due, when a segment is closed, how much may wait in memory, how often a full disk
    is tried.
    """

    group_lines: int = 500
    group_s: float = 0.05
    segment_bytes: int = 16 << 20
    segment_age_s: float = 300.0
    pending_bytes: int = 32 << 20
    retry_s: float = 0.5


class Spool:
    """Segments of several feeds under `root/<feed>/`. `write` and `sync` are the two system calls a test
    may fail.
    """

    def __init__(
        self,
        root: Path,
        limits: Limits | None = None,
        *,
        write: Write = os.write,
        sync: Sync = os.fsync,
    ) -> None:
        self.root, self.limits = root, limits or Limits()
        self._write, self._sync = write, sync
        self._open: dict[str, OpenSegment] = {}
        self._waiting: dict[str, list[tuple[bytes, Durable | None]]] = {}
        self._ticket = self._bytes = self._lines = 0
        self._oldest = 0.0
        self._retry_at = 0.0
        self.failure: Retry | None = None
        self.durable = 0

    def recover(self, feeds: Iterable[str]) -> None:
        """Close what killed writers of these feeds left open."""
        for feed in feeds:
            done, cut = recover(self.root / feed) if (self.root / feed).is_dir() else ([], 0)
            if done or cut:
                log.event(logger, "spool_recovered", feed=feed, segments=len(done), torn_bytes=cut)

    def append(self, feed: str, line: bytes, durable: Durable | None = None) -> int:
        """Take one whole line; `durable` is called once it is on disk. The ticket counts from 1."""
        if not self._lines:
            self._oldest = time.monotonic()
        self._waiting.setdefault(feed, []).append((line, durable))
        self._ticket += 1
        self._lines += 1
        self._bytes += len(line)
        return self._ticket

    @property
    def waiting(self) -> int:
        """Lines in memory that are not durable."""
        return self._lines

    @property
    def full(self) -> bool:
        """The caller must stop reading: the memory for waiting lines is used up."""
        return self._bytes >= self.limits.pending_bytes

    @property
    def due(self) -> bool:
        """A group is complete, by number or by age."""
        return self._lines >= self.limits.group_lines or (
            self._lines > 0 and time.monotonic() - self._oldest >= self.limits.group_s
        )

    def flush(self, *, at_once: bool = False) -> bool:
        """Write and sync what waits, then acknowledge it. False while something could not be made
        durable; then the next try is made after `retry_s`, sooner only `at_once`.
        """
        if self.failure is not None and time.monotonic() < self._retry_at and not at_once:
            return False
        for feed in list(self._waiting):
            group = self._waiting[feed]
            data = b"".join([line for line, _ in group])
            try:
                self._commit(feed, data)
            except OSError as error:
                self._failed(feed, error)
                return False
            del self._waiting[feed]
            self._lines -= len(group)
            self._bytes -= len(data)
            self.durable += len(group)
            for _, durable in group:
                if durable is not None:
                    durable()
        if self.failure is not None:
            self.failure = None
            log.event(logger, "spool_writes_again", lines=self.durable)
        return True

    def _commit(self, feed: str, data: bytes) -> None:
        segment = self._open.get(feed)
        if segment is None:
            segment = self._open[feed] = OpenSegment(self.root / feed, self._write, self._sync)
        try:
            segment.commit(data)
        except OSError:
            del self._open[feed]
            segment.give_up()
            raise
        if segment.length >= self.limits.segment_bytes:
            self._close(feed)

    def _failed(self, feed: str, error: OSError) -> None:
        self._retry_at = time.monotonic() + self.limits.retry_s
        if self.failure is None:
            free = shutil.disk_usage(self.root if self.root.exists() else Path("/")).free
            self.failure = Retry(
                "CH-PUSH-010",
                feed=feed,
                folder=str(self.root),
                detail=error.strerror or str(error),
                free_bytes=free,
            )
            log.event(
                logger,
                "spool_cannot_write",
                level=logging.ERROR,
                feed=feed,
                code=self.failure.code,
                detail=error,
            )

    def tick(self) -> None:
        """Close segments that are old, and those that somebody asked for; call it a few times a second."""
        for feed, segment in list(self._open.items()):
            if segment.asked_to_close or time.monotonic() - segment.born >= self.limits.segment_age_s:
                self._close(feed)

    def _close(self, feed: str) -> None:
        try:
            self._open.pop(feed).close()
        except OSError as error:  # its lines are durable; whoever collects next finds the lock free and closes it
            log.event(logger, "segment_left_open", level=logging.WARNING, feed=feed, detail=error)

    def close(self) -> bool:
        """Flush, then close all segments. False when lines had to be dropped unacknowledged: the sender
        has them.
        """
        flushed = self.flush(at_once=True)
        for feed in list(self._open):
            self._close(feed)
        return flushed
