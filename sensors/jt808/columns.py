"""Frames in bulk: a whole buffer to columns, no Python object per frame.

`scan` finds and checks all frames of a buffer as `framing.parse` does one (a test holds them equal); `positions` reads
position bodies, wherever in the buffer they stand. Big-endian fields are views of the gathered bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sensors.jt808 import position as p
from sensors.jt808.framing import (
    BODY_BITS,
    ENCRYPTION_BITS,
    HEADER_2013,
    HEADER_2019,
    MAX_FRAME,
    PARTS_BIT,
    PARTS_BYTES,
    SHORTEST,
    VERSION_BIT,
)

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_START = np.dtype([("msg_id", ">u2"), ("props", ">u2"), ("phone", "V6"), ("serial", ">u2"), ("part", "V5")])
_PARTS = np.dtype([("total", ">u2"), ("number", ">u2")])
POSITION = np.dtype(
    [
        ("alarm", ">u4"),
        ("status", ">u4"),
        ("lat", ">u4"),
        ("lon", ">u4"),
        ("altitude", ">u2"),
        ("speed", ">u2"),
        ("direction", ">u2"),
        ("time", "6u1"),
    ]
)
_DECIMAL = np.full(256, 255, np.uint8)  # BCD byte -> 0..99, 255 when it is none
_DECIMAL[[16 * (n // 10) + n % 10 for n in range(100)]] = np.arange(100)
_MONTHS = np.arange("2000-01", "2100-02", dtype="M8[M]").astype("M8[D]")
_MONTH_STARTS = _MONTHS[:-1].astype(np.int64)
_MONTH_DAYS = np.diff(_MONTHS).astype(np.int64)


@dataclass(frozen=True)
class Frames:
    """What stands between flags in a buffer, one entry each; `valid` ones are frames, of others only the place.

    `first` and `last` are the places in the buffer as received (flags not included), `start` and `size` those of the
    content, checksum included, in `content`, where escapes are undone. `body` and `body_size` are the body's.
    """

    content: Bytes
    first: Ints
    last: Ints
    start: Ints
    size: Ints
    valid: Mask
    msg_id: Ints
    props: Ints
    serial: Ints
    body: Ints
    body_size: Ints

    @property
    def modern(self) -> Mask:
        """Frames with a header of 2019."""
        return (self.props & VERSION_BIT) > 0

    @property
    def partial(self) -> Mask:
        """Frames that are one part of a message."""
        return (self.props & PARTS_BIT) > 0

    @property
    def encrypted(self) -> Mask:
        """Frames whose body is encrypted."""
        return (self.props & ENCRYPTION_BITS) > 0


def at(buffer: Bytes, kind: np.dtype[Any], starts: Ints) -> npt.NDArray[Any]:
    """Structures of one kind that begin at `starts`; the buffer must hold the last one wholly."""
    count = max(0, buffer.size - kind.itemsize + 1)
    return np.ndarray((count,), kind, buffer=buffer, strides=(1,))[starts]


def scan(blob: bytes) -> Frames:
    """All frames of a buffer that begins with a flag or at a frame and ends with a flag; empty ones are left out."""
    raw = np.frombuffer(blob, np.uint8)
    flags = np.flatnonzero(raw == 0x7E)
    if not flags.size or flags[0] != 0:
        flags = np.concatenate([[-1], flags])
    first, last = flags[:-1] + 1, flags[1:]
    filled = last > first
    if not filled.all():
        first, last = first[filled], last[filled]
    content, start, end, valid = _unescaped(blob, raw, first, last)
    size = end - start
    valid &= (size >= SHORTEST) & (last - first <= MAX_FRAME - 2)
    if not first.size:
        none = np.zeros(0, np.int64)
        return Frames(content, first, last, start, size, valid, none, none, none, none, none)
    # the XOR over content and checksum together is 0; the flags between two frames are skipped by reduceat's pairs
    pairs = np.empty(2 * start.size, np.int64)
    pairs[::2], pairs[1::2] = start, end
    content = np.concatenate([content, np.zeros(HEADER_2019 + PARTS_BYTES, np.uint8)])
    valid &= np.bitwise_xor.reduceat(content, pairs)[::2] == 0
    head = at(content, _START, start)
    msg_id, props = head["msg_id"].astype(np.int64), head["props"].astype(np.int64)
    modern, partial = (props & VERSION_BIT) > 0, (props & PARTS_BIT) > 0
    serial = head["serial"].astype(np.int64)
    header = np.full(start.size, HEADER_2013, np.int64)
    if modern.any():
        header[modern] = HEADER_2019
        serial[modern] = at(content, np.dtype(">u2"), start[modern] + HEADER_2019 - 2)
    if partial.any():
        parts = at(content, _PARTS, (start + header)[partial])
        valid[partial] &= (parts["number"] >= 1) & (parts["number"] <= parts["total"])
        header[partial] += PARTS_BYTES
    body_size = size - header - 1
    valid &= body_size == (props & BODY_BITS)
    return Frames(content, first, last, start, size, valid, msg_id, props, serial, start + header, body_size)


def _unescaped(blob: bytes, raw: Bytes, first: Ints, last: Ints) -> tuple[Bytes, Ints, Ints, Mask]:
    """Content without escapes, its places, and which frames have only right escapes."""
    valid = np.ones(first.size, np.bool_)
    if b"\x7d" not in blob:
        return raw, first, last, valid
    marks = np.flatnonzero(raw == 0x7D)
    follows = raw[np.minimum(marks + 1, raw.size - 1)]
    right = ((follows == 1) | (follows == 2)) & (marks + 1 < raw.size)
    if not right.all():
        owner = np.searchsorted(first, marks[~right], "right") - 1
        valid[owner[owner >= 0]] = False
        marks, follows = marks[right], follows[right]
    content = raw.copy()
    content[marks] = 0x7C + follows
    kept = np.ones(raw.size, np.bool_)
    kept[marks + 1] = False
    return content[kept], first - np.searchsorted(marks, first), last - np.searchsorted(marks, last), valid


@dataclass(frozen=True)
class Positions:
    """Positions as columns. `time` is local time in GMT+8, NaT when it is no time; `flags` are bits of `position`."""

    alarm: Ints
    status: Ints
    lat: Ints
    lon: Ints
    altitude: Ints
    speed: Ints
    direction: Ints
    bcd: Bytes
    time: npt.NDArray[np.datetime64]
    flags: npt.NDArray[np.uint8]

    def take(self, which: Ints) -> Positions:
        """Some of the rows."""
        return Positions(**{name: column[which] for name, column in vars(self).items()})


def positions(content: Bytes, starts: Ints) -> Positions:
    """The positions (28 bytes each) that begin at `starts`. Flags say nothing of phone and additional items."""
    found = at(content, POSITION, starts)
    alarm, status = found["alarm"].astype(np.int64), found["status"].astype(np.int64)
    lat, lon = found["lat"].astype(np.int64), found["lon"].astype(np.int64)
    time, bad_time = times(found["time"])
    flags = np.zeros(starts.size, np.uint8)
    flags |= np.where(status & p.POSITIONED, 0, p.NOT_POSITIONED).astype(np.uint8)
    flags |= ((lat == 0) | (lon == 0)).astype(np.uint8) * np.uint8(p.ZERO)
    flags |= np.where(status & p.ENCRYPTED, p.HIDDEN, 0).astype(np.uint8)
    flags |= ((lat > p.MAX_LAT) | (lon > p.MAX_LON)).astype(np.uint8) * np.uint8(p.OUT_OF_RANGE)
    flags |= bad_time.astype(np.uint8) * np.uint8(p.BAD_TIME)
    return Positions(
        alarm,
        status,
        lat,
        lon,
        found["altitude"].astype(np.int64),
        found["speed"].astype(np.int64),
        found["direction"].astype(np.int64),
        found["time"],
        time,
        flags,
    )


def times(bcd: Bytes) -> tuple[npt.NDArray[np.datetime64], Mask]:
    """Local times of (n, 6) BCD bytes, and which are none."""
    year, month, day, hour, minute, second = _DECIMAL[bcd].T.astype(np.int64)
    bad = (year > 99) | (month < 1) | (month > 12) | (hour > 23) | (minute > 59) | (second > 59) | (day < 1)
    index = np.where(bad, 0, 12 * year + month - 1)
    bad |= day > _MONTH_DAYS[index]
    seconds = (_MONTH_STARTS[index] + day - 1) * 86400 + hour * 3600 + minute * 60 + second
    time = seconds.astype("M8[s]")
    if bad.any():
        time[bad] = np.datetime64("NaT")
    return time, bad


_HEX = np.array([f"{n:02x}".encode() for n in range(256)], "S2")


def phones(frames: Frames, which: Ints) -> npt.NDArray[np.bytes_]:
    """Phones as digits: 12, or 20 where a header is of 2019."""
    old = at(frames.content, np.dtype("6u1"), frames.start[which] + 4)
    modern = frames.modern[which]
    if not modern.any():
        return np.ascontiguousarray(_HEX[old]).view("S12")[:, 0]
    found = np.ascontiguousarray(_HEX[old]).view("S12")[:, 0].astype("S20")
    new = at(frames.content, np.dtype("10u1"), frames.start[which][modern] + 5)
    found[modern] = np.ascontiguousarray(_HEX[new]).view("S20")[:, 0]
    return found
