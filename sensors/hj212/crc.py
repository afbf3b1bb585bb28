"""The checksum of HJ 212 (2017, Annex A), quickly, and the wrong ones that real devices send.

The standard's loop is `reg = (reg >> 8) ^ byte`, then eight shifts with 0xA001. That throws the low half of the
register away at each byte, so the state is one byte h with h' = H(h ^ byte), and H is linear. H applied eight times is
the identity. So bytes whose distance is a multiple of eight can be XORed together first: a segment of any length
folds, as one big integer, into eight bytes. It also means that only 256 checksums exist: length and fields must
back it.
"""

from __future__ import annotations

HJ212, HJ212_SWAPPED, MODBUS, MODBUS_SWAPPED = "hj212", "hj212_swapped", "modbus", "modbus_swapped"


def _shifted(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_TABLE = tuple(_shifted(byte) for byte in range(256))


def _powers() -> tuple[tuple[int, ...], ...]:
    """For a byte that stands k places before the last: what it adds to the checksum, k = 0..7."""
    state = list(range(256))
    found = []
    for _ in range(8):
        found.append(tuple(_TABLE[one] for one in state))
        state = [_TABLE[one] >> 8 for one in state]
    return tuple(found)


_K0, _K1, _K2, _K3, _K4, _K5, _K6, _K7 = _POWERS = _powers()
_START = tuple(_POWERS[(length - 1) % 8][0xFF] for length in range(8))  # the register begins as 0xFFFF
_STEPS = tuple((64 << k, (1 << (64 << k)) - 1) for k in range(12))


def checksum(segment: bytes) -> int:
    """The checksum of HJ 212 over a data segment."""
    length = len(segment)
    if not length:
        return 0xFFFF
    folded = int.from_bytes(segment, "big")
    if length > 8:
        level = ((length * 8 - 1) >> 6).bit_length()
        while level > len(_STEPS):  # longer than any frame
            level -= 1
            folded = (folded >> (64 << level)) ^ (folded & ((1 << (64 << level)) - 1))
        for shift, mask in _STEPS[level - 1 :: -1]:
            folded = (folded >> shift) ^ (folded & mask)
    a, b, c, d, e, f, g, h = folded.to_bytes(8, "big")
    return _K7[a] ^ _K6[b] ^ _K5[c] ^ _K4[d] ^ _K3[e] ^ _K2[f] ^ _K1[g] ^ _K0[h] ^ _START[length & 7]


def modbus(segment: bytes) -> int:
    """CRC-16/MODBUS, which a part of the devices sends instead."""
    register = 0xFFFF
    table = _TABLE
    for byte in segment:
        register = (register >> 8) ^ table[(register ^ byte) & 0xFF]
    return register


def swapped(value: int) -> int:
    """The two bytes of a checksum the other way round."""
    return (value & 0xFF) << 8 | value >> 8


def variant(segment: bytes, sent: int, *, strict: bool = False) -> str | None:
    """Which checksum `sent` is, None when it is none of them; `strict`: only the standard's own counts."""
    own = checksum(segment)
    if sent == own:
        return HJ212
    if strict:
        return None
    if sent == swapped(own):
        return HJ212_SWAPPED
    other = modbus(segment)
    if sent == other:
        return MODBUS
    return MODBUS_SWAPPED if sent == swapped(other) else None
