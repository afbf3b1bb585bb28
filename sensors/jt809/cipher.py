"""The optional encryption of message bodies: XOR with a linear congruential generator.

Source: JT/T 809-2011, clause on data encryption. M1, IA1 and IC1 are agreed per access code and never travel; each
frame carries its own key. It hides data from a look, not from an attack: use TLS or a private line as well.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Cipher:
    """The three agreed numbers, each 32 bits unsigned."""

    m1: int
    ia1: int
    ic1: int

    def __post_init__(self) -> None:
        if not all(0 <= part < 1 << 32 for part in (self.m1, self.ia1, self.ic1)):
            raise ValueError("M1, IA1 and IC1 are whole numbers from 0 to 4294967295")

    def apply(self, data: bytes, key: int) -> bytes:
        """Encrypt or decrypt (the same): `data` under the key of its frame."""
        modulus, step, add = self.m1 or 1, self.ia1, self.ic1
        state, out = key or 1, bytearray(len(data))
        for place, byte in enumerate(data):
            state = (step * (state % modulus) + add) & 0xFFFFFFFF
            out[place] = byte ^ (state >> 20 & 0xFF)
        return bytes(out)
