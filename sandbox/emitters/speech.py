"""What a protocol module offers to the link: messages of a line, the words of a login, and how answers are heard."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple, Protocol

from sandbox.emitters.content import Order


@dataclass(frozen=True, slots=True)
class Message:
    """One message as sent. `ident` and `time` are what identifies it in the warehouse (`time` None for none); `token`
    is what its answer names.
    """

    ident: str
    time: str | None
    raw: bytes
    marks: frozenset[str] = frozenset()
    token: Hashable = None


class Heard(NamedTuple):
    """One answer: "answered" (a token), "ready" (logged in), "refused" (why), "reply" (bytes to send now)."""

    what: str
    about: Hashable = None


class Ear(Protocol):
    """Hears the answers of one connection, however they are cut."""

    def hear(self, data: bytes) -> list[Heard]:
        """The answers that are complete with `data`."""
        ...


class Line(Protocol):
    """All that is said on one connection, in order. A line may be opened again: its messages go on."""

    greeting: bytes
    """What is sent first, b"" for nothing; when not empty, nothing else is sent before "ready"."""
    farewell: bytes

    def messages(self) -> Iterator[Message]:
        """The messages in order; call it once."""
        ...

    def ear(self) -> Ear:
        """A new ear, for a new connection."""
        ...

    def barrier(self) -> bytes:
        """Bytes whose answer ("answered" with token None) says that all before is stored; b"" where each message
        has an answer of its own.
        """
        ...


class Speech(Protocol):
    """A protocol."""

    flags: bytes
    """Bytes that garbage and damage must not hold."""

    def lines(self, order: Order, count: int | None) -> list[Line]:
        """The connections of an order; `count` messages in all (None: no end)."""
        ...


def shares(count: int | None, parts: int) -> list[int | None]:
    """`count` dealt out to `parts`."""
    if count is None:
        return [None] * parts
    return [count // parts + (part < count % parts) for part in range(parts)]


class Damage:
    """Copies and noise that go before a message, decided by the seed."""

    def __init__(self, seed: int, line: int, flags: bytes) -> None:
        self._random = Random(f"{seed}|damage|{line}")
        self._safe = bytes(byte for byte in range(0x30, 0x7A) if byte not in flags)
        self._flags = frozenset(flags)

    def before(self, message: Message) -> list[tuple[str, bytes]]:
        """(kind of fault, bytes) to be sent before the message itself."""
        made = []
        if "garbage" in message.marks:
            made.append(("garbage", bytes(self._random.choices(self._safe, k=self._random.randint(3, 40)))))
        if "truncated" in message.marks:
            made.append(("truncated", message.raw[: len(message.raw) * self._random.randint(30, 70) // 100]))
        if "bad_checksum" in message.marks:
            made.append(("bad_checksum", self._spoiled(message.raw)))
        return made

    def _spoiled(self, raw: bytes) -> bytes:
        """One byte in the second half changed, no flag made or lost."""
        middle = len(raw) // 2
        fit = [
            place
            for place in range(middle, len(raw) - 3)
            if raw[place] not in self._flags and raw[place] ^ 1 not in self._flags and 0x20 < raw[place] < 0x7F
            and raw[place - 1] not in self._flags
        ]  # fmt: skip
        place = self._random.choice(fit) if fit else middle
        return raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :]
