"""Received bytes of many connections, given to their dialect together, once in a turn of the event loop."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sensors.tcp.protocol import Gathering, Reaction, Session

MOST_BYTES = 1 << 20


class Reacting(Protocol):
    """Who carries out a session's reaction."""

    def react(self, reaction: Reaction | None) -> None:
        """Store, answer, end; None: end at once."""
        ...


class Gatherer:
    """At most about `MOST_BYTES` wait here, and never longer than the event loop needs for what is readable now."""

    def __init__(self) -> None:
        self._waiting: dict[Reacting, tuple[Gathering, Session, bytes]] = {}
        self._bytes = 0

    def put(self, who: Reacting, dialect: Gathering, session: Session, data: bytes) -> None:
        """Take what a connection sent."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.give)
        _, _, before = self._waiting.get(who, (dialect, session, b""))
        self._waiting[who] = (dialect, session, before + data)
        self._bytes += len(data)
        if self._bytes >= MOST_BYTES:
            self.give()

    def holds(self, who: Reacting) -> bool:
        """Whether something of a connection waits here."""
        return who in self._waiting

    def give(self) -> None:
        """Give all that waits to the sessions and carry out what they make of it."""
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        for dialect in {id(dialect): dialect for dialect, _, _ in waiting.values()}.values():
            own = [(who, session, data) for who, (of, session, data) in waiting.items() if of is dialect]
            reactions = dialect.receive_all([(session, data) for _, session, data in own])
            for (who, _, _), reaction in zip(own, reactions, strict=True):
                who.react(reaction)
