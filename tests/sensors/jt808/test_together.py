"""Connections whose bytes are taken together get what each would have got alone."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt808 import encode, session
from sensors.jt808.framing import FLAG, Frame, parse
from sensors.jt808.session import Jt808Dialect, Jt808Session, Options
from sensors.tcp.protocol import Reaction, Route
from tests.sensors.jt808.frames import ONE, streams

ROUTES = (Route("muck.position", {"msg": frozenset({"0x0200"})}), Route("muck.batch", {"msg": frozenset({"0x0704"})}))


def seen(reactions: list[Reaction]) -> tuple[Any, ...]:
    """What counts of the reactions of one connection, however its bytes were cut."""

    def sent(pieces: list[bytes]) -> Counter[tuple[object, ...]]:
        """Without our own serials: they follow the order of answering, which no terminal looks at."""
        answers = [parse(segment) for piece in pieces for segment in piece.split(FLAG) if segment]
        return Counter((one.msg_id, one.phone, one.version, one.body) for one in answers if isinstance(one, Frame))

    stored = [(feed, part) for r in reactions for feed, blob, _ in r.spool for part in blob.split(FLAG) if part]
    assert len(stored) == sum(number for r in reactions for _, _, number in r.spool)
    counts: Counter[str] = sum((Counter(r.counts) for r in reactions), Counter())
    close = next((r.close for r in reactions if r.close), None)
    return stored, sent([r.at_once for r in reactions]), sent([r.durable for r in reactions]), counts, close


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    return [stream[a:b] for a, b in pairwise(edges)]


def all_at_once(dialect: Jt808Dialect, own: list[list[bytes]]) -> list[list[Reaction]]:
    sessions = [dialect.session("") for _ in own]
    found: list[list[Reaction]] = [[] for _ in own]
    for turn in range(max(map(len, own), default=0)):
        speaking = [place for place, parts in enumerate(own) if turn < len(parts)]
        reactions = dialect.receive_all([(sessions[place], own[place][turn]) for place in speaking])
        for place, reaction in zip(speaking, reactions, strict=True):
            assert reaction is not None
            found[place].append(reaction)
    return [[*reactions, one.ended()] for reactions, one in zip(found, sessions, strict=True)]


def all_of(dialect: Jt808Dialect, sessions: list[Jt808Session], sent: list[bytes]) -> list[Reaction]:
    found = dialect.receive_all(list(zip(sessions, sent, strict=True)))
    return [reaction for reaction in found if reaction is not None]


def alone(dialect: Jt808Dialect, parts: list[bytes]) -> list[Reaction]:
    one = dialect.session("")
    return [*map(one.receive, parts), one.ended()]


@given(
    st.lists(st.tuples(streams(), st.lists(st.integers(0, 2000), max_size=3)), max_size=5),
    st.sampled_from([None, "k"]),
)
def test_together_is_as_alone(cases: list[tuple[bytes, list[int]]], auth_key: str | None) -> None:
    dialect = Jt808Dialect(ROUTES, Options(auth_key=auth_key))
    own = [pieces(stream, cuts) for stream, cuts in cases]
    expected = [seen(alone(dialect, parts)) for parts in own]
    with patch.object(session, "FEW", -1):  # as if there were many
        assert [seen(reactions) for reactions in all_at_once(dialect, own)] == expected


@pytest.mark.parametrize("version", [None, 1])
def test_frames_without_anything_special_take_one_pass(version: int | None) -> None:
    dialect = Jt808Dialect(ROUTES)
    sent = [
        b"".join(encode.frame(0x0200, f"0139000000{n:02d}", s, ONE, version=version) for s in range(10 + n))
        for n in range(8)
    ]
    sessions = [dialect.session("") for _ in sent]
    with patch.object(Jt808Session, "react", side_effect=AssertionError("went its own way")):
        found = all_of(dialect, sessions, sent)
    assert [reaction.spool for reaction in found] == [
        (("muck.position", stream, 10 + n),) for n, stream in enumerate(sent)
    ]
    for n, reaction in enumerate(found):
        answers = [parse(segment) for segment in reaction.durable.split(FLAG) if segment]
        assert all(isinstance(one, Frame) and one.terminal_phone.endswith(f"39000000{n:02d}") for one in answers)
        assert [one.serial for one in answers if isinstance(one, Frame)] == list(range(10 + n))


def test_who_has_not_authenticated_is_refused_among_others_who_have() -> None:
    dialect = Jt808Dialect(ROUTES, Options(auth_key="k"))
    names = [f"0139000000{n:02d}" for n in range(4)]
    sessions = [dialect.session("") for _ in names]
    for one, phone in zip(sessions[:3], names, strict=False):
        assert one.receive(encode.frame(0x0102, phone, 1, encode.authenticate(dialect.code(phone)))).at_once
    other = dict(enumerate(names)) | {2: names[0]}  # the third speaks for the first
    sent = [b"".join(encode.frame(0x0200, other[n], s, ONE) for s in range(30)) for n in range(4)]
    found = all_of(dialect, sessions, sent)
    assert [dict(reaction.counts) for reaction in found] == [
        {"frames": 30},
        {"frames": 30},
        {"frames": 30, "unauthenticated": 30},
        {"frames": 30, "unauthenticated": 30},
    ]
    assert [bool(reaction.spool) for reaction in found] == [True, True, False, False]


def test_a_session_of_one_frame_more_than_a_chunk_keeps_the_rest() -> None:
    dialect = Jt808Dialect(ROUTES)
    frame = encode.frame(0x0200, "013900000001", 5, ONE)
    sessions = [dialect.session("") for _ in range(3)]
    half = len(frame) // 2
    first = all_of(dialect, sessions, [frame * 40 + frame[:half]] * 3)
    second = all_of(dialect, sessions, [frame[half:] + frame * 40] * 3)
    assert [r.counts["frames"] for r in first] == [40] * 3
    assert [r.counts["frames"] for r in second] == [41] * 3


def test_a_defect_costs_one_connection_and_not_the_others(caplog: pytest.LogCaptureFixture) -> None:
    dialect = Jt808Dialect(ROUTES)
    frame = encode.frame(0x0200, "013900000001", 5, ONE)
    sessions = [dialect.session("") for _ in range(3)]
    with (
        patch.object(session, "together", side_effect=IndexError("a defect")),
        patch.object(sessions[1], "react", side_effect=IndexError("a defect")),
    ):
        found = dialect.receive_all([(one, frame * 40) for one in sessions])
    assert [reaction and reaction.counts["frames"] for reaction in found] == [40, None, 40]
    assert "a defect" in caplog.text
