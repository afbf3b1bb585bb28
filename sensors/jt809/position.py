"""Positions in their three layouts: 36 bytes of 2011; the wrapped JT/T 808 body of 2019; and, as met in the field, the
layout of 2011 without its first byte inside the wrapping of 2019.

Source: JT/T 809-2011 GNSS_DATA and JT/T 809-2019 VEHICLE_LOCATION_INFO; the 808 body is JT/T 808 8.18 (0x0200).
The layout is told from the data, never from the header: vendors mix them. Times are Beijing time (GMT+8).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from struct import Struct
from typing import Literal

from sensors.jt809.frame import Refused

Layout = Literal["2011", "808", "2011-in-2019"]
_OF_2011 = Struct(">BBHBBBIIHHIHHII")  # day month year h m s lon lat speed recorder odometer direction altitude …
_OF_808 = Struct(">IIIIHHH6s")  # alarm status lat lon altitude speed direction time
_WRAPPING = Struct(">BI")  # encrypted, length
_PLATFORMS = Struct(">11sI11sI11sI")  # company, city and province: platform, its alarms
_LOADS = ("00", "01", "10", "11")  # bits 8 and 9 of the status: empty, half, reserved, full
ACC, POSITIONED, SOUTH, WEST, ENCRYPTED = 0x01, 0x02, 0x04, 0x08, 0x20  # bits of the status
SIZE_2011 = 1 + _OF_2011.size
UNUSABLE = frozenset({"zero_position", "encrypted", "out_of_range", "bad_time"})
"""With one of these flags a position is no place at a time."""


@dataclass(frozen=True, slots=True)
class Position:
    """One position as sent. Degrees are 1e-6 unsigned in `*_raw`; `time` is ISO 8601 with +08:00 or None when the sent
    one is no time. `extra` are the additional items of 808, `trailing` what is no whole item among them.
    """

    layout: Layout
    encrypted: bool
    time: str | None
    time_raw: str
    lon_raw: int
    lat_raw: int
    speed_kmh: float
    direction_deg: int
    altitude_m: int
    status: int
    alarm: int
    recorder_speed_kmh: float | None = None
    odometer_km: float | None = None
    extra: bytes = b""
    trailing: bytes = b""
    platforms: tuple[tuple[str, int], ...] = ()

    @property
    def flags(self) -> list[str]:
        """What is wrong with it, in the words of JT/T 808. Encryption by the map plug-in is said by 809's own byte or
        by the status.
        """
        found = {
            "not_positioned": not self.status & POSITIONED,
            "zero_position": not (self.lon_raw and self.lat_raw),
            "encrypted": self.encrypted or bool(self.status & ENCRYPTED),
            "out_of_range": self.lon_raw > 180_000_000 or self.lat_raw > 90_000_000,
            "bad_time": self.time is None,
            "bad_items": bool(self.trailing),
        }
        return [name for name, wrong in found.items() if wrong]

    @property
    def lon_deg(self) -> float:
        """Degrees, west negative."""
        return (-self.lon_raw if self.status & WEST else self.lon_raw) / 1e6

    @property
    def lat_deg(self) -> float:
        """Degrees, south negative."""
        return (-self.lat_raw if self.status & SOUTH else self.lat_raw) / 1e6

    @property
    def load(self) -> str:
        """The load of a truck: "00" empty, "01" half, "11" full."""
        return _LOADS[self.status >> 8 & 3]


def real_time(data: bytes) -> Position:
    """The position of 0x1202. Raises `Refused`."""
    if len(data) == SIZE_2011 and not _is_wrapped(data):
        return _of_2011(data[1:], bool(data[0]), "2011")
    if _is_wrapped(data):
        return _wrapped(data)
    raise Refused("bad_position", f"{len(data)} bytes are neither the 36 of 2011 nor a wrapped position of 2019")


def history(data: bytes) -> list[Position]:
    """The positions of 0x1203. Raises `Refused` unless they fill the data exactly."""
    if not data:
        raise Refused("bad_batch", "a batch without its number of positions")
    count, rest = data[0], data[1:]
    if len(rest) == count * SIZE_2011 and not _is_wrapped(rest):
        parts = (rest[place : place + SIZE_2011] for place in range(0, len(rest), SIZE_2011))
        return [_of_2011(part[1:], bool(part[0]), "2011") for part in parts]
    for tail in (_PLATFORMS.size, 0):
        found = _wrapped_ones(rest, count, tail)
        if found is not None:
            return found
    raise Refused("bad_batch", f"{len(rest)} bytes are not {count} positions")


def _wrapped_ones(data: bytes, count: int, tail: int) -> list[Position] | None:
    """`count` wrapped positions, each with `tail` bytes of platforms, that fill `data` exactly."""
    found, place = [], 0
    for _ in range(count):
        end = place + _WRAPPING.size
        end += _WRAPPING.unpack_from(data, place)[1] if end <= len(data) else 0
        if not _is_wrapped(data[place : end + tail]) or end + tail > len(data):
            return None
        found.append(_wrapped(data[place : end + tail]))
        place = end + tail
    return found if place == len(data) else None


def _is_wrapped(data: bytes) -> bool:
    """Whether it begins with the wrapping of 2019. The length's first byte is 0 there; in 2011 it is the day."""
    return len(data) >= _WRAPPING.size + _OF_808.size and (
        _OF_808.size <= _WRAPPING.unpack_from(data)[1] <= len(data) - _WRAPPING.size
    )


def _wrapped(data: bytes) -> Position:
    """The wrapped position that `data` is: with its three platforms when they are there."""
    flag, length = _WRAPPING.unpack_from(data)
    inner, rest = data[_WRAPPING.size :][:length], data[_WRAPPING.size + length :]
    platforms: tuple[tuple[str, int], ...] = ()
    if len(rest) >= _PLATFORMS.size:
        one, alarm1, two, alarm2, three, alarm3 = _PLATFORMS.unpack_from(rest)
        pairs = ((one, alarm1), (two, alarm2), (three, alarm3))
        platforms = tuple((name.rstrip(b"\0").decode("gbk", "replace"), alarm) for name, alarm in pairs)
    if _is_2011_inside(inner):
        return _of_2011(inner, bool(flag), "2011-in-2019", platforms)
    return _of_808(inner, bool(flag), platforms)


def _is_2011_inside(inner: bytes) -> bool:
    """35 bytes may also be 28 of an 808 body with items of 7: then the time and the items tell."""
    if len(inner) != _OF_2011.size:
        return False
    day, month, year, hour, minute, second = _OF_2011.unpack(inner)[:6]
    dated = _moment(year, month, day, hour, minute, second) is not None
    return dated if dated != _fits_808(inner) else not _items(inner[_OF_808.size :])[0]


def _fits_808(inner: bytes) -> bool:
    return _bcd_time(inner[22:28]) is not None and not _items(inner[_OF_808.size :])[1]


def _of_2011(data: bytes, encrypted: bool, layout: Layout, platforms: tuple[tuple[str, int], ...] = ()) -> Position:
    (day, month, year, hour, minute, second, lon, lat, speed, recorder, odometer, direction, altitude, status,
     alarm) = _OF_2011.unpack(data)  # fmt: skip
    return Position(
        layout, encrypted, _moment(year, month, day, hour, minute, second), data[:7].hex(), lon, lat,
        float(speed), direction, altitude, status, alarm, float(recorder), float(odometer), platforms=platforms,
    )  # fmt: skip


def _of_808(data: bytes, encrypted: bool, platforms: tuple[tuple[str, int], ...]) -> Position:
    alarm, status, lat, lon, altitude, speed, direction, time = _OF_808.unpack_from(data)
    items, trailing = _items(data[_OF_808.size :])
    numbers = {number: int.from_bytes(value, "big") for number, value in items if len(value) <= 4}
    return Position(
        "808", encrypted, _bcd_time(time), time.hex(), lon, lat, speed / 10, direction, altitude, status, alarm,
        numbers[3] / 10 if 3 in numbers else None, numbers[1] / 10 if 1 in numbers else None,
        data[_OF_808.size :], trailing, platforms,
    )  # fmt: skip


def _items(data: bytes) -> tuple[tuple[tuple[int, bytes], ...], bytes]:
    """Additional items (id, length, value), and the bytes from the first that is not whole."""
    found, place = [], 0
    while place + 2 <= len(data) and place + 2 + data[place + 1] <= len(data):
        end = place + 2 + data[place + 1]
        found.append((data[place], data[place + 2 : end]))
        place = end
    return tuple(found), data[place:]


def _bcd_time(raw: bytes) -> str | None:
    digits = raw.hex()
    if not digits.isdecimal():
        return None
    year, *rest = (int(digits[place : place + 2]) for place in range(0, 12, 2))
    return _moment(2000 + year, *rest)


def _moment(year: int, month: int, day: int, hour: int, minute: int, second: int) -> str | None:
    if not 1990 <= year <= 2100:
        return None
    try:
        return datetime(year, month, day, hour, minute, second).isoformat() + "+08:00"  # noqa: DTZ001
    except ValueError:
        return None
