"""Frames for these tests, built by our own encoder from the standard; and strategies for hypothesis."""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st

from sensors.jt809.cipher import Cipher
from sensors.jt809.encode import Sender, location_2011, location_2019
from sensors.tcp.protocol import Route

USER, PASSWORD, CENTER = 41022101, "pa55word", 41022100
AT = datetime(2026, 11, 20, 8, 15, 30)  # noqa: DTZ001 - as vehicles send it: Beijing time
UTC = 1_795_133_730
KEYS = Cipher(10_000_019, 20_000_003, 30_000_001)
PLATE, YELLOW = "豫B12345", 2
ROUTES = (Route("muck.position", {"msg": frozenset({"0x1200"})}),)


def sender(edition: str = "2011", cipher: Cipher | None = None) -> Sender:
    return Sender(CENTER, "2019" if edition == "2019" else "2011", cipher, key=99, utc=UTC)


def location(minute: int = 0, **told: int) -> bytes:
    return location_2011(AT.replace(minute=minute), 34.538334, 114.804436, speed_kmh=42, **told)  # type: ignore[arg-type]


def body_808(minute: int = 0, extra: bytes = b"", status: int = 3) -> bytes:
    """The body of 0x0200, written out field by field."""
    words = (0, status, 34_538_334, 114_804_436)
    fixed = b"".join(word.to_bytes(4, "big") for word in words)
    fixed += b"".join(half.to_bytes(2, "big") for half in (70, 425, 180))
    return fixed + bytes.fromhex(AT.replace(minute=minute).strftime("%y%m%d%H%M%S")) + extra


def wrapped(minute: int = 0, extra: bytes = b"") -> bytes:
    return location_2019(body_808(minute, extra), platforms=(("41022100001", 1), ("", 0), ("", 0)))


bodies = st.binary(max_size=200) | st.lists(st.sampled_from(b"\x5a\x5b\x5d\x5e\x01\x02\x00"), max_size=60).map(bytes)
ciphers = st.none() | st.builds(Cipher, *[st.integers(0, 2**32 - 1)] * 3)
frames = st.builds(
    lambda msg, body, serial, center, utc, cipher, key: (msg, body, serial, center, utc, cipher, key),
    st.integers(0, 0xFFFF),
    bodies,
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.none() | st.integers(0, 2**40),
    ciphers,
    st.integers(0, 2**32 - 1),
)
