"""One TCP connection: messages at their moments, sent again until answered, over as many connections as it takes."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from sandbox.emitters.faults import Faults
from sandbox.emitters.speech import Damage, Line, Message

WINDOW = 256  # unanswered messages of a line at most
BARRIER_EVERY = 50
BURST = 64  # messages in one write at most
FAREWELL_S = 5.0
PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Pace:
    """`interval_s` between the messages of a line, 0 for as fast as answers allow; `until` is the loop's time to stop
    making new ones. Without `resend` nothing waits for answers. `timeout_s` without an answer: sent again.
    `patience_s`: without any progress for so long the line gives up.
    """

    interval_s: float = 0.0
    until: float | None = None
    resend: bool = True
    timeout_s: float = 10.0
    patience_s: float = 30.0


@dataclass
class Tally:
    """What came of it. `messages` counts copies of a duplicate, too; `unanswered` those whose answer never came;
    `gave_up` lines that ended before their messages; `faults` what was put on the wire.
    """

    messages: int = 0
    answered: int = 0
    unanswered: int = 0
    resent: int = 0
    connections: int = 0
    gave_up: int = 0
    bytes: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)


class _Lost(Exception):
    """The connection ended."""


class Link:
    """Runs one line to its end. `sent` is told each message once, `done` each one that is answered."""

    def __init__(
        self, line: Line, number: int, seed: int, flags: bytes, faults: Faults, pace: Pace, tally: Tally,
        sent: Callable[[Message], None], done: Callable[[Message], None],
    ) -> None:  # fmt: skip
        self._line, self._pace, self._tally, self._faults = line, pace, tally, faults
        self._sent, self._done = sent, done
        self._damage = Damage(seed, number, flags)
        self._coming = line.messages()
        self._exhausted = False
        self._made = 0
        self._begin = 0.0
        self._waiting: dict[Hashable, list[tuple[Message, float]]] = {}
        self._fences: deque[int] = deque()
        self._unfenced: deque[Message] = deque()
        self._progress = 0.0
        self._event = asyncio.Event()
        self._ready = self._gone = False
        self._refusal: str | None = None

    # -- outside --------------------------------------------------------------------------------------------

    async def run(self, host: str, port: int, begin: float) -> None:
        """Until all is sent (and answered), refused, or nothing moved for the patience."""
        loop = asyncio.get_running_loop()
        self._begin, self._progress, tries = begin, loop.time(), 0
        while not self._finished() and self._refusal is None:
            if loop.time() - self._progress > self._pace.patience_s:
                break
            try:
                reader, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
                tries += 1
                continue
            self._tally.connections += 1
            before = self._tally.answered
            await self._talk(reader, writer)
            tries = 0 if self._tally.answered > before else tries + 1
            if not self._finished() and self._refusal is None:
                await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        self._tally.unanswered += sum(len(each) for each in self._waiting.values()) + len(self._unfenced)
        if self._refusal is not None:
            self._tally.refused[self._refusal] = self._tally.refused.get(self._refusal, 0) + 1
        elif not self._finished():
            self._tally.gave_up += 1

    def _finished(self) -> bool:
        return self._exhausted and not self._waiting and not self._unfenced

    # -- one connection -------------------------------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._gone, self._ready = False, not self._line.greeting
        self._fences.clear()
        listening = asyncio.create_task(self._listen(reader, writer))
        try:
            if self._line.greeting:
                await self._write(writer, self._line.greeting)
            await self._until(lambda: self._ready)
            await self._again(writer, everything=True)
            while not self._finished():
                await self._step(writer)
            await self._write(writer, self._line.farewell)
            writer.write_eof()  # not closed: answers on their way to a closed socket would destroy what it sent
            await asyncio.wait({listening}, timeout=FAREWELL_S)
        except (_Lost, OSError):
            pass
        finally:
            writer.close()
            listening.cancel()

    async def _step(self, writer: asyncio.StreamWriter) -> None:
        """Send what is due, or wait until something is."""
        loop = asyncio.get_running_loop()
        batch: list[Message] = []
        while len(batch) < BURST and self._open_places() > len(batch) and (message := self._due(loop.time())):
            batch.append(message)
        if batch:
            await self._send(writer, batch)
            return
        if self._exhausted and self._unfenced and not self._fences:
            await self._fence(writer)
        await self._again(writer, everything=False)
        if loop.time() - self._progress > self._pace.patience_s:
            raise _Lost
        await self._wait(self._pause(loop.time()))

    def _open_places(self) -> int:
        return WINDOW - sum(len(each) for each in self._waiting.values()) - len(self._unfenced)

    def _due(self, now: float) -> Message | None:
        """The next message when its moment has come."""
        if self._exhausted:
            return None
        if self._pace.until is not None and now >= self._pace.until:
            self._exhausted = True
            return None
        if now < self._begin + self._made * self._pace.interval_s:
            return None
        message = next(self._coming, None)
        if message is None:
            self._exhausted = True
            return None
        self._made += 1
        return message

    def _pause(self, now: float) -> float:
        waits = [1.0]
        if not self._exhausted and self._open_places() > 0:
            waits.append(self._begin + self._made * self._pace.interval_s - now)
        if self._waiting:
            oldest = next(iter(self._waiting.values()))[0][1]
            waits.append(oldest + self._pace.timeout_s - now)
        return max(0.001, min(waits))

    async def _send(self, writer: asyncio.StreamWriter, batch: list[Message]) -> None:
        out: list[bytes] = []
        now = asyncio.get_running_loop().time()
        glue = 0
        for message in batch:  # all of them, before the connection can break
            self._tally.messages += 1
            self._sent(message)
            self._tally.faults.update(message.marks - {"garbage", "truncated", "bad_checksum"})
            self._expect(message, now)
        for message in batch:
            for kind, damaged in self._damage.before(message):
                self._tally.faults[kind] += 1
                out.append(damaged)
            out.append(message.raw)
            if "glued" in message.marks:
                glue = self._faults.value("glued")
            if "split" in message.marks:
                await self._pieces(writer, b"".join(out))
                out.clear()
            elif glue <= 0:
                await self._write(writer, b"".join(out))
                out.clear()
            glue -= 1
        await self._write(writer, b"".join(out))
        if len(self._unfenced) >= BARRIER_EVERY and sum(self._fences) < len(self._unfenced) - BARRIER_EVERY // 2:
            await self._fence(writer)

    def _expect(self, message: Message, now: float) -> None:
        if not self._pace.resend:
            self._progress = now
        elif message.token is None:
            self._unfenced.append(message)
        else:
            self._waiting.setdefault(message.token, []).append((message, now))

    async def _fence(self, writer: asyncio.StreamWriter) -> None:
        """Ask whether all so far is stored."""
        self._fences.append(len(self._unfenced) - sum(self._fences))
        await self._write(writer, self._line.barrier())

    async def _again(self, writer: asyncio.StreamWriter, *, everything: bool) -> None:
        """What is unanswered: all of it on a new connection, what waits too long on an old one."""
        now = asyncio.get_running_loop().time()
        late: list[Message] = list(self._unfenced) if everything else []
        for token, copies in self._waiting.items():
            if everything or now - copies[0][1] >= self._pace.timeout_s:
                late.append(copies[0][0])
                self._waiting[token] = [(message, now) for message, _ in copies]
        if late:
            self._tally.resent += len(late)
            await self._write(writer, b"".join(message.raw for message in late))
            if self._unfenced and everything:
                await self._fence(writer)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ear = self._line.ear()
        try:
            while data := await reader.read(1 << 16):
                for heard in ear.hear(data):
                    if heard.what == "answered":
                        self._answered(heard.about)
                    elif heard.what == "ready":
                        self._ready = True
                        self._moved()
                    elif heard.what == "refused":
                        self._refusal = str(heard.about)
                    elif isinstance(heard.about, bytes):
                        writer.write(heard.about)
                self._event.set()
        except OSError:
            pass
        finally:
            self._gone = True
            self._event.set()

    def _answered(self, token: Hashable) -> None:
        if token is None:
            size = self._fences.popleft() if self._fences else 0
            done = [self._unfenced.popleft() for _ in range(size)]
        else:
            done = [message for message, _ in self._waiting.pop(token, ())]
        for message in done:
            self._tally.answered += 1
            self._done(message)
        self._moved()

    def _moved(self) -> None:
        self._progress = asyncio.get_running_loop().time()

    # -- small things ---------------------------------------------------------------------------------------

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            if asyncio.get_running_loop().time() - self._progress > self._pace.patience_s:
                raise _Lost
            await self._wait(1.0)

    async def _wait(self, seconds: float) -> None:
        if self._gone or self._refusal is not None:
            raise _Lost
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return
        self._event.clear()
        if self._gone or self._refusal is not None:
            raise _Lost

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        if self._gone or self._refusal is not None:
            raise _Lost
        if data:
            self._tally.bytes += len(data)
            writer.write(data)
            await writer.drain()

    async def _pieces(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = max(1, self._faults.value("split"))
        for place in range(0, len(data), size):
            await self._write(writer, data[place : place + size])
            await asyncio.sleep(0)
