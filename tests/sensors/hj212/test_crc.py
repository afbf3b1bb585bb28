"""The folded checksum is the standard's loop."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sensors.hj212 import crc


def as_printed(data: bytes) -> int:
    """HJ 212-2017, Annex A, step by step."""
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            lowest = register & 1
            register >>= 1
            if lowest:
                register ^= 0xA001
    return register


@given(st.binary(max_size=1200))
def test_folding_gives_what_the_printed_loop_gives(data):
    assert crc.checksum(data) == as_printed(data)


def test_lengths_around_each_fold():
    for power in range(3, 18):
        for length in {2**power - 1, 2**power, 2**power + 1} if power < 15 else {2**power + 1}:
            data = bytes(i * 7 % 256 for i in range(length))
            assert crc.checksum(data) == as_printed(data), length


def test_modbus_is_crc_16_modbus():
    assert crc.modbus(b"123456789") == 0x4B37


def test_only_256_checksums_exist_so_other_signs_must_back_them():
    assert len({crc.checksum(bytes([a, b])) for a in range(256) for b in range(256)}) == 256


@given(st.binary(min_size=1, max_size=200))
def test_the_variant_that_was_sent_is_named(data):
    own, other = crc.checksum(data), crc.modbus(data)
    assert crc.variant(data, own) == "hj212"
    assert crc.variant(data, crc.swapped(own)) in ("hj212", "hj212_swapped")
    assert crc.variant(data, other) is not None
    assert crc.variant(data, crc.swapped(own), strict=True) in (None, "hj212")
