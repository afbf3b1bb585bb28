"""Flags, escapes, header, length, checksum, cipher."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt809.cipher import Cipher
from sensors.jt809.frame import Refused, build, read, rebuilt
from tests.sensors.jt809.frames import KEYS, bodies, frames


def refusal(raw: bytes) -> str:
    with pytest.raises(Refused) as caught:
        read(raw)
    assert 0 <= caught.value.offset <= len(raw)
    return caught.value.code


def test_a_heartbeat_is_the_22_bytes_of_the_header_checksum_and_flags() -> None:
    raw = build(0x1005, serial=1, center_id=0x0133EFB8, version=b"\x01\x02\x0f")
    assert raw.hex() == "5b0000001a0000000110050133efb801020f0000000000" + raw[-3:-1].hex() + "5d"
    frame = read(raw)
    assert (frame.serial, frame.msg_id, frame.center_id, frame.version) == (1, 0x1005, 0x0133EFB8, b"\x01\x02\x0f")
    assert (frame.length, frame.body, frame.encrypted) == (26, b"", 0)


def test_the_checksum_is_crc_ccitt_of_the_standard() -> None:
    assert build(0x1005)[-3:-1].hex() == f"{bitwise_crc(build(0x1005)[1:-3]):04x}"


def bitwise_crc(data: bytes) -> int:
    """As the annex prints it."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def test_flags_and_escapes_in_the_body_are_escaped() -> None:
    raw = build(0x1200, b"\x5b\x5a\x5d\x5e")
    assert b"\x5a\x01\x5a\x02\x5e\x01\x5e\x02" in raw
    assert read(raw).body == b"\x5b\x5a\x5d\x5e"
    assert read(raw).escaped == 4


@given(frames)
def test_what_was_built_is_read(made: tuple[int, bytes, int, int, int | None, Cipher | None, int]) -> None:
    msg_id, body, serial, center, utc, cipher, key = made
    raw = build(msg_id, body, serial=serial, center_id=center, utc=utc, cipher=cipher, key=key)
    assert raw[1:-1].count(b"\x5b") == raw[1:-1].count(b"\x5d") == 0
    frame = read(raw)
    assert (frame.msg_id, frame.serial, frame.center_id, frame.key) == (msg_id, serial, center, key)
    time = b"" if utc is None else utc.to_bytes(8, "big")
    assert frame.body[: len(time)] == time
    sent = frame.body[len(time) :]
    assert (cipher.apply(sent, key) if cipher else sent) == body
    assert rebuilt(frame) == raw


def test_the_cipher_is_the_generator_of_the_standard() -> None:
    state, expected = 7, []
    for _ in range(6):
        state = (20_000_003 * (state % 10_000_019) + 30_000_001) % 2**32
        expected.append(state >> 20 & 255)
    assert KEYS.apply(bytes(6), 7) == bytes(expected)


def test_zero_for_key_or_m1_stands_for_one() -> None:
    assert KEYS.apply(b"abc", 0) == KEYS.apply(b"abc", 1)
    assert Cipher(0, 5, 1 << 21).apply(b"abc", 3) == Cipher(1, 5, 1 << 21).apply(b"abc", 3)


@given(bodies, st.builds(Cipher, *[st.integers(0, 2**32 - 1)] * 3), st.integers(0, 2**32 - 1))
def test_the_cipher_is_its_own_way_back(data: bytes, cipher: Cipher, key: int) -> None:
    assert cipher.apply(cipher.apply(data, key), key) == data


def test_keys_do_not_show_in_a_text() -> None:
    assert "20000003" not in repr(KEYS)


def test_each_fault_has_its_word() -> None:
    good = build(0x1200, b"body")
    assert refusal(b"") == refusal(good[1:]) == "no_flag"
    assert refusal(good[:-1]) == refusal(b"\x5b") == "truncated"
    assert refusal(b"\x5b\x5d") == refusal(b"\x5b" + b"\0" * 20 + b"\x5d") == "short"
    assert refusal(good + good) == "flag_inside"
    assert refusal(good[:-5] + b"0" + good[-4:]) == "bad_checksum"
    assert refusal(good[:-4] + good[-3:]) == "length_and_checksum"
    assert refusal(b"\x5b" + b"\0" * 300_000 + b"\x5d") == "oversized"


def test_a_right_checksum_does_not_save_a_wrong_length() -> None:
    content = (31).to_bytes(4, "big") + build(0x1200, b"body")[5:-3]
    assert refusal(b"\x5b" + content + bitwise_crc(content).to_bytes(2, "big") + b"\x5d") == "bad_length"


def test_an_unescaped_5a_stands_for_itself_where_length_and_checksum_agree() -> None:
    content = bytearray(build(0x1200, b"....")[1:-3])
    content[-4:] = b"\x5a\xe1\x5e\x03"
    raw = b"\x5b" + content + bitwise_crc(bytes(content)).to_bytes(2, "big") + b"\x5d"
    assert read(raw).body == b"\x5a\xe1\x5e\x03"


@given(frames, st.data())
def test_any_changed_byte_is_refused(made: tuple[int, bytes, int, int, None, None, int], data: st.DataObject) -> None:
    msg_id, body, serial, center, *_ = made
    raw = bytearray(build(msg_id, body, serial=serial, center_id=center))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Refused):
        read(bytes(raw))


@given(st.binary(max_size=80) | bodies.map(lambda body: b"\x5b" + body + b"\x5d"))
def test_garbage_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        read(raw)
