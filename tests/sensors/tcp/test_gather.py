"""What connections send in one turn of the loop goes to their dialect together, in order, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sensors.tcp.gather import MOST_BYTES, Gatherer
from sensors.tcp.protocol import Gathering, Reaction


class Dialect:
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[bytes]] = []

    def receive_all(self, received: Sequence[tuple[Any, bytes]]) -> list[Reaction | None]:
        self.asked.append([data for _, data in received])
        return [None if data == b"defect" else Reaction(at_once=data) for _, data in received]


class Taker:
    """A session and its connection in one."""

    def __init__(self) -> None:
        self.seen: list[Reaction | None] = []

    def receive(self, data: bytes) -> Reaction:
        raise AssertionError(f"alone: {data!r}")

    def ended(self) -> Reaction:
        return Reaction()

    def react(self, reaction: Reaction | None) -> None:
        self.seen.append(reaction)


def gathered(*sent: tuple[Taker, Dialect, bytes]) -> Gatherer:
    async def turn() -> Gatherer:
        gatherer = Gatherer()
        for who, dialect, data in sent:
            gatherer.put(who, dialect, who, data)
            assert gatherer.holds(who) or who.seen
        await asyncio.sleep(0)
        return gatherer

    return asyncio.run(turn())


def test_one_question_a_turn_and_pieces_of_one_connection_are_joined() -> None:
    dialect, a, b = Dialect(), Taker(), Taker()
    assert isinstance(dialect, Gathering)
    gatherer = gathered((a, dialect, b"1"), (b, dialect, b"2"), (a, dialect, b"3"))
    assert dialect.asked == [[b"13", b"2"]]
    assert [one.at_once for one in (*a.seen, *b.seen) if one] == [b"13", b"2"]
    assert not gatherer.holds(a)


def test_each_dialect_gets_its_own() -> None:
    first, second, a, b = Dialect(), Dialect(), Taker(), Taker()
    gathered((a, first, b"1"), (b, second, b"2"))
    assert (first.asked, second.asked) == ([[b"1"]], [[b"2"]])


def test_a_flood_does_not_wait_for_the_turn_to_end() -> None:
    dialect, a, b = Dialect(), Taker(), Taker()
    gathered((a, dialect, b"1"), (b, dialect, bytes(MOST_BYTES)), (a, dialect, b"2"))
    assert [[len(data) for data in asked] for asked in dialect.asked] == [[1, MOST_BYTES], [1]]


def test_a_defect_is_handed_on() -> None:
    dialect, a, b = Dialect(), Taker(), Taker()
    gathered((a, dialect, b"defect"), (b, dialect, b"2"))
    assert a.seen == [None]
    assert b.seen == [Reaction(at_once=b"2")]
