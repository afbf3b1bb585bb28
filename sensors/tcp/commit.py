"""Group commit: lines of all connections go to disk together, off the event loop; then their answers are sent.

While one group is written and synced in a thread, the next one gathers, so a group grows with the time that
the disk takes and no timer is needed. A group that cannot be written stays in the spool, unanswered, and is
tried again until it succeeds; meanwhile `failed` is set and the server reads nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from sensors.spool import Spool

TICK_S = 0.2


class Answered(Protocol):
    """Who gets an answer once a group is durable."""

    def answer(self, data: bytes) -> None:
        """Send the answers of one group."""
        ...


class Committer:
    """The one writer of a gateway's spool. All methods belong to the event loop's thread; the spool belongs to
    the writer thread.

    `serial` is the number of the group that gathers now, `done` that of the last durable one.
    """

    def __init__(self, spool: Spool, group_s: float, changed: Callable[[], None]) -> None:
        self.spool, self.group_s, self._changed = spool, group_s, changed
        self.serial, self.done = 1, 0
        self.waiting_bytes = self.lines = 0
        self.failed = False
        self._lines: list[tuple[str, bytes]] = []
        self._answers: dict[Answered, list[bytes]] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")

    def put(self, feed: str, line: bytes) -> int:
        """Take a line; the number of the group that it will be durable with."""
        if not self._lines:
            self._wake.set()
        self._lines.append((feed, line))
        self.waiting_bytes += len(line)
        return self.serial

    def then(self, who: Answered, data: bytes) -> int:
        """Send `data` when the group that gathers now is durable."""
        if not self._answers:
            self._wake.set()
        self._answers.setdefault(who, []).append(data)
        return self.serial

    async def run(self) -> None:
        """Commit group after group until `stop`, then the last one; the segments are closed at the end."""
        loop = asyncio.get_running_loop()
        ticked = loop.time()
        while not (self._stopping and not self._lines and not self._answers):
            await self._woken()
            if self._lines or self._answers:
                await self._commit(loop)
                if self.group_s and not self._stopping:
                    await asyncio.sleep(self.group_s)
            if loop.time() - ticked >= TICK_S:
                await loop.run_in_executor(self._thread, self.spool.tick)
                ticked = loop.time()
        await loop.run_in_executor(self._thread, self.spool.close)
        self._thread.shutdown()

    def stop(self) -> None:
        """Let `run` end after what waits is durable, or has failed once more."""
        self._stopping = True
        self._wake.set()

    async def _woken(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), TICK_S)
        except TimeoutError:
            return
        if not self._stopping:
            self._wake.clear()

    async def _commit(self, loop: asyncio.AbstractEventLoop) -> None:
        lines, answers, size = self._lines, self._answers, self.waiting_bytes
        self._lines, self._answers = [], {}
        self._wake.clear()
        serial, self.serial = self.serial, self.serial + 1
        written = await loop.run_in_executor(self._thread, self._write, lines)
        while not written:
            if not self.failed:
                self.failed = True
                self._changed()
            if self._stopping:
                return
            await asyncio.sleep(self.spool.limits.retry_s)
            written = await loop.run_in_executor(self._thread, self._write, ())
        self.done, self.lines = serial, self.lines + len(lines)
        self.waiting_bytes -= size
        for who, parts in answers.items():
            who.answer(b"".join(parts))
        self.failed = False
        self._changed()

    def _write(self, lines: Iterable[tuple[str, bytes]]) -> bool:
        append = self.spool.append
        for feed, line in lines:
            append(feed, line)
        return self.spool.flush(at_once=True)
