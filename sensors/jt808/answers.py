"""General answers 0x8001 of the platform, for one frame and for many at once."""

from __future__ import annotations

import struct

import numpy as np

from sensors.jt808.columns import Bytes, Frames, Ints, at
from sensors.jt808.framing import FLAG, HEADER_2013, HEADER_2019, Frame, escape, xor

BODY = 5
_OLD, _NEW = struct.Struct(">HH6sHHHB"), struct.Struct(">HHB10sHHHB")

_BYTE = [bytes((n,)) for n in range(256)]


def general(frame: Frame, serial: int, result: int) -> bytes:
    """The 0x8001 for a frame, with its header version and phone."""
    if frame.version is None:
        content = _OLD.pack(0x8001, BODY, frame.phone, serial, frame.serial, frame.msg_id, result)
    else:
        content = _NEW.pack(
            0x8001, 0x4000 | BODY, frame.version, frame.phone, serial, frame.serial, frame.msg_id, result
        )
    return FLAG + escape(content + _BYTE[xor(content)]) + FLAG


def answers(frames: Frames, which: Ints, first_serial: int, result: int) -> bytes:
    """One 0x8001 for each frame of `which`, with its header version and phone and serials from `first_serial`."""
    serials = (first_serial + np.arange(which.size)) & 0xFFFF
    modern = frames.modern[which]
    if not modern.any():
        return _answers(frames, which, serials, result, HEADER_2013)
    old = _answers(frames, which[~modern], serials[~modern], result, HEADER_2013)
    return old + _answers(frames, which[modern], serials[modern], result, HEADER_2019)


def _answers(frames: Frames, which: Ints, serials: Ints, result: int, header: int) -> bytes:
    if not which.size:
        return b""
    rows = np.empty((which.size, 1 + header + BODY + 2), np.uint8)
    rows[:, 0] = rows[:, -1] = 0x7E
    content = rows[:, 1:-1]
    content[:, 0], content[:, 1] = 0x80, 0x01
    content[:, 2], content[:, 3] = (0x40 if header == HEADER_2019 else 0), BODY
    same = header - 6  # version byte and phone stand as received
    content[:, 4 : 4 + same] = at(frames.content, np.dtype((np.uint8, (same,))), frames.start[which] + 4)
    body = content[:, header:]
    for place, values in (
        (content[:, header - 2 :], serials),
        (body, frames.serial[which]),
        (body[:, 2:], frames.msg_id[which]),
    ):
        place[:, 0], place[:, 1] = values >> 8, values & 0xFF
    body[:, 4] = result
    content[:, -1] = np.bitwise_xor.reduce(content[:, :-1], axis=1)
    return _escaped(rows)


def _escaped(rows: Bytes) -> bytes:
    """Frames with flags, their content escaped."""
    special = rows == 0x7E
    special[:, 0] = special[:, -1] = False
    special |= rows == 0x7D
    flat, marks = rows.ravel(), np.flatnonzero(special)
    if not marks.size:
        return flat.tobytes()
    moved = marks + np.arange(marks.size)  # each escape before it moves a byte by one
    out = np.empty(flat.size + marks.size, np.uint8)
    kept = np.ones(out.size, np.bool_)
    kept[moved + 1] = False
    out[kept] = flat
    out[moved], out[moved + 1] = 0x7D, flat[marks] - 0x7C
    return out.tobytes()
