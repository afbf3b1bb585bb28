"""The body of a position report 0x0200 (JT/T 808-2013 §8.12, 2019 §8.12): 28 bytes, then additional items.

alarm u32, status u32, latitude and longitude u32 in 1e-6 degree (hemispheres in the status), altitude u16 in m,
speed u16 in 0.1 km/h, direction u16 in degrees, time 6 bytes BCD in GMT+8. A batch 0x0704 carries many of them.
"""

from __future__ import annotations

import struct
from calendar import monthrange
from typing import Any, NamedTuple

from sensors.jt808 import items

SIZE = 28
ACC, POSITIONED, SOUTH, WEST, ENCRYPTED = 0x01, 0x02, 0x04, 0x08, 0x20
LOADS = ("00", "01", "10", "11")  # bits 8 and 9: empty, half, reserved, full
FLAGS = ("not_positioned", "zero_position", "encrypted", "out_of_range", "bad_time", "bad_phone", "bad_items")
NOT_POSITIONED, ZERO, HIDDEN, OUT_OF_RANGE, BAD_TIME, BAD_PHONE, BAD_ITEMS = (1 << bit for bit in range(7))
UNUSABLE = ZERO | HIDDEN | OUT_OF_RANGE | BAD_TIME
"""With one of these a record has no lat and lon; with the others it has."""
MAX_LAT, MAX_LON = 90_000_000, 180_000_000
_FIXED = struct.Struct(">IIIIHHH6s")


class Position(NamedTuple):
    """A position as sent; `extra` are the bytes of its additional items."""

    alarm: int
    status: int
    lat: int
    lon: int
    altitude: int
    speed: int
    direction: int
    time: bytes
    extra: bytes


def read(body: bytes) -> Position | None:
    """None when `body` is shorter than 28 bytes."""
    if len(body) < SIZE:
        return None
    alarm, status, lat, lon, altitude, speed, direction, time = _FIXED.unpack_from(body)
    return Position(alarm, status, lat, lon, altitude, speed, direction, time, body[SIZE:])


def write(position: Position) -> bytes:
    """The body of 0x0200."""
    return _FIXED.pack(*tuple(position)[:-1]) + position.extra


def iso(time: bytes) -> str | None:
    """A time of 6 BCD bytes, ISO 8601 with zone; None when it is no time."""
    text = time.hex()
    if not text.isdecimal():
        return None
    year, month, day, hour, minute, second = (int(text[i : i + 2]) for i in range(0, 12, 2))
    if not (1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return None
    if not 1 <= day <= monthrange(2000 + year, month)[1]:
        return None
    return f"20{text[:2]}-{text[2:4]}-{text[4:6]}T{text[6:8]}:{text[8:10]}:{text[10:]}+08:00"


def flags(position: Position, phone: str) -> int:
    """Bits of `FLAGS`: what is wrong with a position."""
    found = 0 if position.status & POSITIONED else NOT_POSITIONED
    if not position.lat or not position.lon:
        found |= ZERO
    if position.status & ENCRYPTED:
        found |= HIDDEN
    if position.lat > MAX_LAT or position.lon > MAX_LON:
        found |= OUT_OF_RANGE
    if iso(position.time) is None:
        found |= BAD_TIME
    if not phone.isdecimal():
        found |= BAD_PHONE
    if position.extra and items.layout(position.extra) is None:
        found |= BAD_ITEMS
    return found


def words(bits: int) -> list[str]:
    """The names of flags."""
    return [name for bit, name in enumerate(FLAGS) if bits >> bit & 1]


def degrees(position: Position) -> tuple[float, float]:
    """Latitude and longitude, south and west negative, whether they can be used or not."""
    lat, lon = position.lat / 1e6, position.lon / 1e6
    return (-lat if position.status & SOUTH else lat), (-lon if position.status & WEST else lon)


def batch(body: bytes) -> tuple[int, int, list[bytes], bool]:
    """A body of 0x0704: stated number, type (0 normal, 1 blind area), bodies of 0x0200, whether it is whole.

    Items that overrun the body or are no position end the batch; a body under 3 bytes has none.
    """
    if len(body) < 3:
        return 0, 0, [], False
    stated, kind, at, found = body[0] << 8 | body[1], body[2], 3, []
    while at + 2 <= len(body):
        size = body[at] << 8 | body[at + 1]
        if size < SIZE or at + 2 + size > len(body):
            break
        found.append(body[at + 2 : at + 2 + size])
        at += 2 + size
    return stated, kind, found, at == len(body) and len(found) == stated


def described(position: Position, phone: str) -> dict[str, Any]:
    """Everything a position says, readable: what `cityhub decode` prints."""
    lat, lon = degrees(position)
    additional, trailing = items.read(position.extra)
    found: dict[str, Any] = {
        "alarm": f"0x{position.alarm:08X}",
        "status": f"0x{position.status:08X}",
        "acc_on": bool(position.status & ACC),
        "positioned": bool(position.status & POSITIONED),
        "load": LOADS[position.status >> 8 & 3],
        "lat_raw": position.lat,
        "lon_raw": position.lon,
        "lat_deg": lat,
        "lon_deg": lon,
        "altitude_m": position.altitude,
        "speed_raw": position.speed,
        "speed_kmh": position.speed / 10,
        "direction_deg": position.direction,
        "time_bcd": position.time.hex(),
        "time": iso(position.time),
        "additional": additional,
        "flags": words(flags(position, phone)),
    }
    if trailing:
        found["trailing_hex"] = trailing.hex()
    if composed := items.parts(position.extra):
        found["additional_parts"] = composed
    return found
