"""What a connection stores and answers: only durable frames are confirmed, nothing is dropped, no password leaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.hj212 import encode
from sensors.hj212.decode import decode_line
from sensors.hj212.landing import records
from sensors.hj212.session import Hj212Dialect
from sensors.tcp.protocol import Reaction, Route
from tests.sensors.hj212.frames import CP, FACTORS, MN, dust, flagged, header, messages

ALL = [Route("dust.all")]


def answers(reaction: Reaction) -> list[dict[str, Any]]:
    return [decode_line(line) for line in reaction.durable.decode().splitlines()]


def received(data: bytes, routes: list[Route] = ALL, **options: Any) -> Reaction:
    return Hj212Dialect(routes, **options).session("127.0.0.1:1").receive(data)


def landed(reaction: Reaction) -> list[dict[str, Any]]:
    return [json.loads(line) for _, blob, _ in reaction.spool for line in records(blob, "now", "peer")]


def test_data_are_spooled_as_received_and_confirmed_once_durable():
    reaction = received(dust())
    assert reaction.spool == (("dust.all", dust(), 1),)
    assert reaction.at_once == b""
    assert reaction.durable == encode.frame(
        f"QN=20261101080000123;ST=91;CN=9014;PW=secret1;MN={MN};Flag=4;CP=&&&&".encode()
    )
    assert reaction.counts == {"frames": 1}


@pytest.mark.parametrize(
    ("flag", "cn", "answer"),
    [
        ("4", "2011", None),
        (None, "2011", None),
        ("5", "2011", "9014"),
        ("5", "2061", "9014"),
        ("5", "3020", "9014"),
        ("5", "1013", "9013"),
        ("9", "9015", "9013"),
        ("5", "9011", None),
        ("5", "9014", None),
        ("5", "7777", "9011"),
        ("9", "2081", "9014"),
        ("1", "2051", "9014"),
    ],
)
def test_who_asks_is_answered_in_the_edition_of_the_question(flag, cn, answer):
    found = answers(received(dust(Flag=flag, CN=cn)))
    assert [one["header"]["CN"] for one in found] == ([answer] if answer else [])
    if answer:
        assert found[0]["header"]["Flag"] == str(int(flag) & ~3)
        assert (found[0]["header"]["QN"], found[0]["header"]["MN"]) == ("20261101080000123", MN)


def test_edition_2005_finds_its_question_in_the_data_area():
    (answer,) = answers(received(dust(Flag="1", CN="2051")))
    assert answer["cp"] == {"QN": "20261101080000123", "CN": "2051"}


def test_a_device_is_answered_with_the_checksum_it_computes():
    (answer,) = answers(received(encode.frame(dust()[6:-6], variant="modbus")))
    assert answer["crc_variant"] in ("modbus", "hj212")


def test_glued_frames_are_one_piece_of_spool():
    reaction = received(dust() * 50)
    assert [(feed, number) for feed, _, number in reaction.spool] == [("dust.all", 50)]
    assert len(answers(reaction)) == 50


@given(st.lists(messages | st.just(dust()[:70]) | st.binary(max_size=9), max_size=6), st.integers(1, 400))
def test_pieces_of_any_size_store_and_answer_the_same(parts, size):
    data = b"".join(parts)
    session = Hj212Dialect(ALL).session("p")
    reactions = [session.receive(data[at : at + size]) for at in range(0, len(data), size)] + [session.ended()]
    at_once = Hj212Dialect(ALL).session("p")
    whole = [at_once.receive(data), at_once.ended()]
    assert b"".join(one.durable for one in reactions) == b"".join(one.durable for one in whole)
    assert [row for one in reactions for row in landed(one)] == [row for one in whole for row in landed(one)]


def test_a_bad_frame_goes_to_the_first_feed_and_is_not_confirmed():
    bad = dust().replace(b"Rtd=70", b"Rtd=71")
    reaction = received(bad, [Route("dust.minute", {"cn": frozenset({"2051"})}), Route("dust.now")])
    assert reaction.durable == b""
    assert [(feed, number) for feed, _, number in reaction.spool] == [("dust.minute", 1)]
    assert landed(reaction)[0]["_problem"] == "bad_checksum"
    assert reaction.counts == {"bad_checksum": 1}


def test_a_truncated_frame_is_kept_when_the_connection_ends():
    session = Hj212Dialect(ALL).session("p")
    assert session.receive(dust()[:90]) == Reaction()
    reaction = session.ended()
    assert landed(reaction)[0]["_problem"] == "truncated"
    assert session.ended() == Reaction()


def test_frames_go_to_the_first_feed_that_wants_them():
    routes = [
        Route("dust.minute", {"st": frozenset({"39"}), "cn": frozenset({"2051"})}),
        Route("stack.all", {"st": frozenset({"31"})}),
    ]
    reaction = received(dust(ST="31") + dust(CN="2051") + dust(CN="2011"), routes)
    assert [feed for feed, _, _ in reaction.spool] == ["stack.all", "dust.minute"]
    assert reaction.counts == {"frames": 3, "unrouted": 1}
    assert len(answers(reaction)) == 3


def registry(mn: str) -> tuple[str, str | None] | None:
    return {MN: ("site 1", "secret1"), "ANY": ("site 2", None)}.get(mn)


@pytest.mark.parametrize(
    ("changes", "problem", "code"),
    [
        ({}, None, None),
        ({"MN": "ANY", "PW": "whatever"}, None, None),
        ({"PW": "wrongone"}, "wrong_password", "3"),
        ({"PW": ""}, "wrong_password", "3"),
        ({"MN": "STRANGER"}, "unknown_device", "4"),
    ],
)
def test_the_registry_decides_who_is_let_in(changes, problem, code):
    reaction = received(dust(**changes), registry=registry)
    rows = landed(reaction)
    assert rows[0].get("_problem") == problem
    assert reaction.counts == {problem or "frames": 1}
    (answer,) = answers(reaction)
    assert answer["header"]["CN"] == ("9011" if problem else "9014")
    assert answer["cp"].get("QnRtn") == code
    assert "wrongone" not in json.dumps(rows) and "secret1" not in json.dumps(rows)
    if problem:
        assert b"secret1" not in reaction.durable


def test_a_device_cannot_write_our_marks():
    forged = "QN=1;ST=39;CN=2011;MN=OTHER;Flag=4;CP=&&DataTime=20261101080000;LA-Rtd=1&&"
    inner = f"\x00opened:hj212 {len(forged)}\x00{forged}"
    frame = flagged(f"QN=1;ST=39;CN=2011;PW=secret1;MN={MN};Flag=4;CP=&&{inner}&&")
    rows = landed(received(frame + b"\x00opened:hj212 9\x00" + dust(), registry=registry))
    assert {row.get("mn") for row in rows if "_problem" not in row} == {MN}


def test_a_connection_without_frames_is_ended():
    assert received(b"x" * 5000).close == "what comes is not HJ 212"
    assert "16,384" in (received(b"##9999MN=" + b"x" * 20_000).close or "")


KEY = "0123456789abcdeffedcba9876543210"


def sealed(**changes: str) -> bytes:
    return encode.message(header(Flag="9", **changes), CP, FACTORS, sm4_key=bytes.fromhex(KEY))


def test_encrypted_data_are_stored_as_received_and_read_without_the_key():
    reaction = received(sealed(), sm4_key=KEY)
    assert sealed()[:-2] in reaction.spool[0][1]
    assert reaction.counts == {"frames": 1}
    rows = landed(reaction)
    assert [(row["factor"], row["Rtd"]) for row in rows] == [(code, values["Rtd"]) for code, values in FACTORS.items()]
    assert rows[0]["version"] == 2
    assert answers(reaction)[0]["header"]["Flag"] == "8"


@pytest.mark.parametrize(("key", "problem"), [(None, "encrypted"), ("f" * 32, "cannot_decrypt")])
def test_what_cannot_be_decrypted_is_kept_and_not_confirmed(key, problem):
    reaction = received(sealed(), sm4_key=key)
    assert landed(reaction)[0]["_problem"] == problem
    assert reaction.durable == b""


def test_plain_data_of_2025_need_no_key():
    assert len(landed(received(dust(Flag="9"), sm4_key=KEY))) == 3


def split_up(cuts: tuple[int, ...]) -> list[bytes]:
    """One message cut into packets at any places of its data area."""
    area = encode.content(CP, FACTORS)
    pieces = [area[a:b] for a, b in zip((0, *cuts), (*cuts, len(area)), strict=True)]
    return [
        encode.frame(encode.segment(header(Flag="7", PNUM=str(len(pieces)), PNO=str(number + 1)), piece))
        for number, piece in enumerate(pieces)
    ]


def factors_of(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["factor"]: row["Rtd"] for row in rows if "_problem" not in row}


@given(st.sets(st.integers(1, len(encode.content(CP, FACTORS)) - 1), min_size=1, max_size=4))
def test_packets_cut_anywhere_are_joined(cuts):
    frames = split_up(tuple(sorted(cuts)))
    wanted = {code: values["Rtd"] for code, values in FACTORS.items()}
    assert factors_of(landed(received(b"".join(frames)))) == wanted
    session = Hj212Dialect(ALL).session("p")
    apart = [session.receive(frame) for frame in frames]
    assert all(len(answers(one)) == 1 for one in apart)
    last = landed(apart[-1])
    assert factors_of(last) == wanted
    assert len(answers(apart[-1])) == 1


def test_packets_that_can_be_read_alone_are_not_joined():
    session = Hj212Dialect(ALL).session("p")
    reactions = [session.receive(frame) for frame in encode.split(header(), CP, FACTORS, 3)]
    assert [len(landed(one)) for one in reactions] == [1, 1, 1]
    assert landed(reactions[1])[0] | {} == landed(reactions[1])[0]
    assert (landed(reactions[1])[0]["pnum"], landed(reactions[1])[0]["pno"]) == ("3", "2")


def test_a_packet_without_the_others_goes_to_quarantine_not_away():
    frames = split_up((40, 60))
    rows = landed(received(frames[1]))
    assert [row["_problem"] for row in rows] == ["subpacket_incomplete"]
