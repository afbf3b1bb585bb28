"""Frames built by our own encoder, and what goes wrong with them."""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st

from sensors.jt808 import encode, items
from sensors.jt808.position import Position, write

PHONE = "013941022001"
NOON = datetime(2026, 11, 20, 12, 0, 0)  # noqa: DTZ001 (terminals send local time without a zone)
ONE = encode.position(NOON, 34.549, 114.786, speed_kmh=42.5, direction_deg=90, altitude_m=57, load="11")

u8, u16, u32 = (st.integers(0, (1 << bits) - 1) for bits in (8, 16, 32))
times = st.one_of(
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(encode.bcd_time),  # noqa: DTZ001
    st.binary(min_size=6, max_size=6),
    st.just(bytes(6)),
)
KINDS = [*items.NAMES, 0x00, 0x32, 0xE1, 0xEB]


@st.composite
def additional(draw: st.DrawFn) -> bytes:
    """Additional items, most well formed, of the standard's length or any."""
    found = b""
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=6)):
        size = items.SIZES.get(kind) if draw(st.booleans()) else None
        value = draw(st.binary(max_size=12) if size is None else st.binary(min_size=size, max_size=size))
        found += bytes((kind, len(value))) + value
    return found + draw(st.sampled_from([b"", b"", b"", b"\x01", b"\x33\x03\x01"]))


bodies = st.builds(
    lambda *fields: write(Position(*fields)),
    u32,
    u32,
    st.one_of(st.integers(0, 90_000_000), u32),
    st.one_of(st.integers(0, 180_000_000), u32),
    u16,
    u16,
    u16,
    times,
    st.one_of(st.just(b""), st.just(items.write({1: b"\0\0\x10\x11", 0x30: b"\x10"})), additional()),
)
versions = st.sampled_from([None, 1])
phones = st.sampled_from([PHONE, "013900000000", "01399999999", "0a3900000000", "100000000000"])


@st.composite
def messages(draw: st.DrawFn) -> list[bytes]:
    """The frames of one message: nearly always positions, sometimes in parts."""
    version, phone, serial = draw(versions), draw(phones), draw(u16)
    kind = draw(st.sampled_from([0x0200, 0x0200, 0x0200, 0x0201, 0x0704, 0x0704, 0x0002, 0x0900]))
    if kind == 0x0704:
        body = encode.batch(draw(st.lists(bodies, max_size=4)), blind=draw(st.booleans()))
        body += draw(st.sampled_from([b"", b"", b"\0", b"\0\x1c123"]))
        if draw(st.booleans()):
            sent = encode.split(kind, phone, serial, body, size=draw(st.integers(30, 200)), version=version)
            return sent if draw(st.booleans()) else sent[:-1]
    elif kind == 0x0002:
        body = b""
    elif kind == 0x0900:
        body = draw(st.binary(max_size=20))
    else:
        body = (b"\0\x07" if kind == 0x0201 else b"") + draw(st.one_of(bodies, st.binary(max_size=40)))
    return [encode.frame(kind, phone, serial, body, version=version, encryption=draw(st.sampled_from([0, 0, 0, 0, 1])))]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """What a connection may bring: frames, some of them mutated, garbage between them."""
    found = []
    for frame in [frame for message in draw(st.lists(messages(), max_size=20)) for frame in message]:
        match draw(st.integers(0, 11)):
            case 0:
                at = draw(st.integers(0, len(frame) - 1))
                found.append(frame[:at] + bytes((draw(u8),)) + frame[at + 1 :])
            case 1:
                found.append(frame[: draw(st.integers(0, len(frame)))])
            case 2:
                found.append(frame + draw(st.binary(max_size=20)))
            case 3:
                found.append(frame[:-1])  # one flag between two frames
            case _:
                found.append(frame)
    return b"".join(found)
