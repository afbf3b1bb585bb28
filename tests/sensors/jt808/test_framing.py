from __future__ import annotations

from functools import reduce
from operator import xor as xor_of_two

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt808 import encode
from sensors.jt808.framing import MAX_BODY, MAX_FRAME, Frame, Problem, escape, parse, unescape, xor
from tests.sensors.jt808.frames import ONE, PHONE, phones, u16, versions


@given(st.binary(max_size=1200))
def test_checksum_is_the_xor_of_all_bytes(content: bytes) -> None:
    assert xor(content) == reduce(xor_of_two, content, 0)


@given(st.binary(max_size=200))
def test_escapes_come_undone_and_leave_no_flag(content: bytes) -> None:
    assert unescape(escape(content)) == content
    assert b"\x7e" not in escape(content)


@given(u16, phones, u16, st.binary(max_size=MAX_BODY), versions, st.sampled_from([None, (1, 1), (300, 7)]))
def test_round_trip(
    msg_id: int, phone: str, serial: int, body: bytes, version: int | None, part: tuple[int, int] | None
) -> None:
    sent = encode.frame(msg_id, phone, serial, body, version=version, part=part)
    assert len(sent) <= MAX_FRAME
    frame = parse(sent[1:-1])
    assert isinstance(frame, Frame)
    assert (frame.msg_id, frame.serial, frame.body, frame.version) == (msg_id, serial, body, version)
    assert (frame.total, frame.number) == (part or (0, 0))
    assert frame.terminal_phone == phone.zfill(12 if version is None else 20)


@given(st.binary(max_size=60))
def test_what_is_accepted_has_a_right_checksum_and_a_right_length(segment: bytes) -> None:
    frame = parse(segment)
    if isinstance(frame, Problem):
        assert 0 <= frame.offset <= len(segment) + 1
        return
    content = unescape(segment)
    assert content is not None
    assert xor(content) == 0
    assert len(frame.body) == frame.props & MAX_BODY


@pytest.mark.parametrize(
    ("segment", "word", "offset"),
    [
        (b"\x02\x00\x7d\x03" + bytes(12), "bad_escape", 3),
        (b"\x02\x00\x7d\x01\x7d", "bad_escape", 5),
        (b"\x02\x00", "too_short", 1),
        (encode.frame(0x0200, PHONE, 1, ONE)[1:-2] + b"\x00", "bad_checksum", 42),
        (escape(bytes(4) + bytes(9)), None, 0),
        (bytes(MAX_FRAME), "oversized", 0),
    ],
)
def test_refusals_say_why_and_where(segment: bytes, word: str | None, offset: int) -> None:
    found = parse(segment)
    if word is None:
        assert isinstance(found, Frame)
    else:
        assert isinstance(found, Problem)
        assert (found.word, found.offset) == (word, offset)


def test_a_right_checksum_over_a_cut_body_is_not_enough() -> None:
    content = unescape(encode.frame(0x0200, PHONE, 1, ONE)[1:-1])
    assert content is not None
    cut = content[:-5]
    found = parse(escape(cut + bytes((xor(cut),))))
    assert isinstance(found, Problem)
    assert found.word == "bad_length"
    assert "28 bytes; there are 24" in found.message


def test_what_does_not_fit_is_not_encoded() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode.frame(0x0200, PHONE, 1, bytes(1024))
    with pytest.raises(ValueError, match="does not fit"):
        encode.frame(0x0200, "1" * 13, 1)
