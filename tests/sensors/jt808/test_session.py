from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt808 import encode, landing, session
from sensors.jt808.framing import FLAG, MAX_FRAME, Frame, parse
from sensors.jt808.session import Jt808Dialect, Jt808Session, Options
from sensors.tcp.protocol import Reaction, Route
from tests.sensors.jt808.frames import ONE, PHONE, streams

ROUTES = (
    Route("muck.position", {"msg": frozenset({"0x0200", "0x0704"})}),
    Route("muck.other", {"msg": frozenset({"0x0900"})}),
)
MANY = 2 * session.FEW + 2


def opened(**options: Any) -> Jt808Session:
    return Jt808Dialect(ROUTES, Options(**options)).session("10.0.0.1:5000")


def position(serial: int = 7, **header: Any) -> bytes:
    return encode.frame(0x0200, PHONE, serial, ONE, **header)


def frames(blob: bytes) -> list[Frame]:
    found = [parse(segment) for segment in blob.split(FLAG) if segment]
    assert all(isinstance(frame, Frame) for frame in found)
    return found  # type: ignore[return-value]


def answered(blob: bytes) -> list[tuple[int, int, int]]:
    """(serial, message, result) of the general answers."""
    return [
        (int.from_bytes(frame.body[:2], "big"), int.from_bytes(frame.body[2:4], "big"), frame.body[4])
        for frame in frames(blob)
        if frame.msg_id == 0x8001
    ]


@pytest.mark.parametrize("number", [1, MANY])
@pytest.mark.parametrize("version", [None, 1])
def test_positions_are_answered_only_when_durable(number: int, version: int | None) -> None:
    sent = b"".join(position(i, version=version) for i in range(number))
    reaction = opened().receive(sent)
    assert reaction.spool == (("muck.position", sent, number),)
    assert reaction.at_once == b""
    assert answered(reaction.durable) == [(i, 0x0200, 0) for i in range(number)]
    phone = PHONE if version is None else PHONE.zfill(20)
    assert {(frame.terminal_phone, frame.version) for frame in frames(reaction.durable)} == {(phone, version)}
    assert [frame.serial for frame in frames(reaction.durable)] == list(range(number))
    assert reaction.counts["frames"] == number


def test_answers_are_escaped_in_bulk_as_one_by_one() -> None:
    serials = [0x7D7E, 0x7E7D, 0x7E7E, 0x017D, 0x0200] * 12
    sent = [position(serial, version=i % 2 or None) for i, serial in enumerate(serials)]
    bulk, single = opened(), opened()
    bulk.serial = single.serial = 0x7D70
    together = bulk.receive(b"".join(sent)).durable
    apart = b"".join(single.receive(frame).durable for frame in sent)
    assert Counter(answered(together)) == Counter(answered(apart))
    assert sorted(f.serial for f in frames(together)) == sorted(f.serial for f in frames(apart))


def test_registration_authentication_heartbeat_logout() -> None:
    one = opened(auth_key="k")
    reaction = one.receive(encode.frame(0x0100, PHONE, 1, encode.register("豫B12345")))
    (answer,) = frames(reaction.at_once)
    assert (answer.msg_id, answer.body[:3]) == (0x8100, b"\0\1\0")
    code = answer.body[3:].decode()
    assert answered(one.receive(position()).at_once) == [(7, 0x0200, 1)]  # not yet
    assert answered(one.receive(encode.frame(0x0102, PHONE, 2, encode.authenticate("x"))).at_once) == [(2, 0x0102, 1)]
    assert answered(one.receive(encode.frame(0x0102, PHONE, 3, encode.authenticate(code))).at_once) == [(3, 0x0102, 0)]
    assert answered(one.receive(encode.frame(0x0002, PHONE, 4)).at_once) == [(4, 0x0002, 0)]
    assert len(answered(one.receive(position() * MANY).durable)) == MANY
    assert answered(one.receive(encode.frame(0x0003, PHONE, 5)).at_once) == [(5, 0x0003, 0)]
    assert one.receive(position() * MANY).counts["unauthenticated"] == MANY


def test_a_code_of_2019_stands_behind_its_length_and_outlives_a_restart() -> None:
    code = Jt808Dialect(ROUTES, Options(auth_key="k")).code(PHONE.zfill(20))
    body = encode.authenticate(code, version=1, imei="123456789012345")
    reaction = opened(auth_key="k").receive(encode.frame(0x0102, PHONE, 3, body, version=1))
    assert answered(reaction.at_once) == [(3, 0x0102, 0)]


def test_guessing_codes_ends_the_connection() -> None:
    one, guess = opened(auth_key="k"), encode.frame(0x0102, PHONE, 3, b"guess")
    assert [one.receive(guess).close for _ in range(2)] == [None, None]
    assert "authentication" in (one.receive(guess).close or "")


def test_only_known_terminals_register() -> None:
    one = opened(known=lambda phone: phone == PHONE)
    same = encode.frame(0x0100, PHONE, 1, encode.register("豫B1", version=1), version=1)
    assert frames(one.receive(same).at_once)[0].body[2] == 0
    (answer,) = frames(one.receive(encode.frame(0x0100, "013900000000", 1, encode.register("豫B1"))).at_once)
    assert answer.body == b"\0\1\4"


def test_unknown_messages_are_unsupported_and_spooled_when_routed() -> None:
    one = opened()
    routed = one.receive(encode.frame(0x0900, PHONE, 1, b"x"))
    assert routed.spool[0][0] == "muck.other"
    assert answered(routed.durable) == [(1, 0x0900, 3)]
    other = one.receive(encode.frame(0x0F00, PHONE, 2))
    assert (other.spool, answered(other.at_once)) == ((), [(2, 0x0F00, 3)])


def test_a_route_without_ids_takes_everything_but_the_link() -> None:
    one = Jt808Dialect([Route("all")]).session("x")
    sent = encode.frame(0x0900, PHONE, 1) + encode.frame(0x0002, PHONE, 2) + encode.frame(0x0001, PHONE, 3, bytes(5))
    assert one.receive(sent).spool == (("all", encode.frame(0x0900, PHONE, 1), 1),)


@pytest.mark.parametrize("before", [1, MANY])
def test_bad_frames_and_garbage_are_spooled_and_not_answered(before: int) -> None:
    bad = position()[:-2] + b"\x00" + FLAG
    reaction = opened().receive(position() * before + bad + b"garbage" + position())
    assert len(answered(reaction.durable)) == before + 1
    assert (reaction.counts["bad_checksum"], reaction.counts["too_short"]) == (1, 1)
    (feed, blob, number) = reaction.spool[0]
    assert (feed, number) == ("muck.position", before + 3)
    problems = [record for record in landing.records(blob, "", "") if b"_problem" in record]
    assert len(problems) == 2


def test_a_frame_cut_off_by_the_end_is_spooled_as_bad() -> None:
    one = opened()
    assert one.receive(position() + position()[:-1]).counts["frames"] == 1
    ((feed, blob, number),) = one.ended().spool
    assert (feed, number) == ("muck.position", 1)
    (record,) = landing.records(blob, "", "")
    assert b'"truncated"' in record
    assert one.ended() == Reaction()


@pytest.mark.parametrize("step", [1, 100, 10_000])
def test_a_frame_without_end_is_cut_off(step: int) -> None:
    one, sent = opened(), position() + FLAG + bytes(3 * MAX_FRAME) + FLAG + position()
    reactions = [one.receive(sent[at : at + step]) for at in range(0, len(sent), step)]
    assert reactions[-1].close
    assert sum(number for reaction in reactions for _, _, number in reaction.spool) == 2
    assert sum(len(answered(reaction.durable)) for reaction in reactions) == 1
    assert max(len(blob) for reaction in reactions for _, blob, _ in reaction.spool) < 2 * MAX_FRAME
    assert one.ended() == Reaction()


def test_parts_wait_for_each_other_and_go_together() -> None:
    one = opened()
    parts = encode.split(0x0704, PHONE, 65534, encode.batch([ONE] * 40), size=300)
    for part in (parts[1], *parts[2:], parts[1])[: len(parts) - 1]:
        reaction = one.receive(part)
        assert (reaction.spool, reaction.durable) == ((), b"")
    reaction = one.receive(parts[0])
    assert reaction.spool == (("muck.position", b"".join(parts), len(parts)),)
    serials = [(65534 + i) & 0xFFFF for i in range(len(parts))]
    assert answered(reaction.durable) == [(serial, 0x0704, 0) for serial in serials]


def test_a_part_sent_again_is_answered_and_still_joined() -> None:
    one = opened()
    parts = encode.split(0x0704, PHONE, 1, encode.batch([ONE] * 20), size=300)
    one.receive(parts[0])
    again = one.receive(parts[0])
    assert (again.spool, answered(again.durable)) == ((("muck.position", parts[0], 1),), [(1, 0x0704, 0)])
    assert [one.receive(part).spool for part in parts[1:]][-1][0][1] == b"".join(parts)


def test_missing_parts_are_asked_for_when_the_last_has_come() -> None:
    one = opened()
    parts = encode.split(0x0704, PHONE, 10, encode.batch([ONE] * 40), size=300)
    one.receive(parts[0])
    (asked,) = frames(one.receive(parts[-1]).at_once)
    assert asked.msg_id == 0x8003
    assert asked.body == b"\0\x0a" + bytes((len(parts) - 2,)) + b"".join(bytes((0, i)) for i in range(2, len(parts)))


def test_parts_without_the_others_are_spooled_unanswered() -> None:
    now = [0.0]
    one = opened(parts_timeout_s=60, clock=lambda: now[0])
    parts = encode.split(0x0704, PHONE, 1, encode.batch([ONE] * 40), size=300)
    one.receive(parts[0])
    now[0] = 61.0
    late = one.receive(parts[1])
    assert (late.spool, late.durable) == ((("muck.position", parts[0], 1),), b"")
    assert late.counts["parts_expired"] == 1
    assert one.ended().spool == (("muck.position", parts[1], 1),)


def test_parts_have_bounded_memory() -> None:
    one = opened(parts_bytes=2000)
    spooled = 0
    for serial in range(0, 20_000, 10):
        reaction = one.receive(encode.frame(0x0704, PHONE, serial, bytes(500), part=(3, 1)))
        spooled += sum(number for _, _, number in reaction.spool)
        assert one._parts._size <= 2000
    assert spooled == 2000 - len(one._parts)


@given(streams(), st.lists(st.integers(0, 2000), max_size=12))
def test_any_split_of_the_stream_gives_the_same_frames(stream: bytes, cuts: list[int]) -> None:
    def through(pieces: list[bytes]) -> tuple[list[tuple[str, bytes]], Counter[Any], Counter[Any], Counter[str]]:
        one = opened()
        reactions = [*map(one.receive, pieces), one.ended()]
        stored = [
            (feed, segment) for r in reactions for feed, blob, _ in r.spool for segment in blob.split(FLAG) if segment
        ]
        counts: Counter[str] = sum((Counter(r.counts) for r in reactions), Counter())
        assert sum(number for r in reactions for _, _, number in r.spool) == len(stored)
        durable = Counter(answer for r in reactions for answer in answered(r.durable))
        at_once = Counter((f.msg_id, f.body) for r in reactions for f in frames(r.at_once))
        return stored, durable, at_once, counts

    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    whole = through([stream])
    with patch.object(session, "FEW", -1):  # all in bulk
        assert through([stream]) == whole
    assert through([stream[a:b] for a, b in pairwise(edges)]) == whole
    assert through([bytes((byte,)) for byte in stream]) == whole


@pytest.mark.parametrize("number", [1, 1000])
def test_flags_alone_are_nothing(number: int) -> None:
    assert opened().receive(FLAG * number) == Reaction()


@given(st.binary(max_size=4000))
def test_anything_may_come(data: bytes) -> None:
    one = opened()
    one.receive(data)
    one.ended()
