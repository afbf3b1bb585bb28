"""General answers 0x8001 of the platform, for one frame and for many at once."""

from __future__ import annotations

import struct

import numpy as np

from sensors.jt808.columns import Bytes, Frames, Ints, at
from sensors.jt808.framing import FLAG, HEADER_2013, HEADER_2019, VERSION_BIT, Frame, escape, xor

BODY = 5
DONE, FAILED, UNSUPPORTED, UNKNOWN_TERMINAL = 0, 1, 3, 4
_OLD, _NEW = struct.Struct(">HH6sHHHB"), struct.Struct(">HHB10sHHHB")

_BYTE = [bytes((n,)) for n in range(256)]


def general(frame: Frame, serial: int, result: int) -> bytes:
    """The 0x8001 for a frame, with its header version and phone."""
    if frame.version is None:
        content = _OLD.pack(0x8001, BODY, frame.phone, serial, frame.serial, frame.msg_id, result)
    else:
        content = _NEW.pack(
            0x8001, VERSION_BIT | BODY, frame.version, frame.phone, serial, frame.serial, frame.msg_id, result
        )
    return FLAG + escape(content + _BYTE[xor(content)]) + FLAG


def answers(frames: Frames, which: Ints, first_serial: int, result: int) -> bytes:
    """One 0x8001 for each frame of `which`, with its header version and phone and serials from `first_serial`."""
    serials = (first_serial + np.arange(which.size)) & 0xFFFF
    modern = frames.modern[which]
    sent = b""
    for kind in (~modern, modern):
        if kind.any():
            sent += answers_of(frames, which[kind], serials[kind], result)[0]
    return sent


def answers_of(frames: Frames, which: Ints, serials: Ints, result: int) -> tuple[bytes, Ints]:
    """One 0x8001 for each frame of `which`, all with a header of one version, and where each of them ends."""
    header = HEADER_2019 if frames.modern[which[0]] else HEADER_2013
    shape = _SHAPES[header]
    rows = np.zeros(which.size, shape)
    rows["msg_id"] = 0x8001
    rows["props"] = BODY | (VERSION_BIT if header == HEADER_2019 else 0)
    rows["same"] = at(frames.content, _SAME[header], frames.start[which] + 4)
    rows["serial"], rows["of_serial"], rows["of_msg_id"] = serials, frames.serial[which], frames.msg_id[which]
    rows["result"] = result
    cells = rows.view(np.uint8).reshape(which.size, shape.itemsize)
    cells[:, -2] = np.bitwise_xor.reduce(cells, axis=1)  # flags and checksum are still 0
    rows["open"] = rows["close"] = 0x7E
    return _escaped(cells)


def _shape(same: int) -> np.dtype[np.void]:
    """An answer between its flags; `same` are the version byte and the phone, which stand as received."""
    return np.dtype(
        [
            ("open", "u1"),
            ("msg_id", ">u2"),
            ("props", ">u2"),
            ("same", f"V{same}"),
            ("serial", ">u2"),
            ("of_serial", ">u2"),
            ("of_msg_id", ">u2"),
            ("result", "u1"),
            ("checksum", "u1"),
            ("close", "u1"),
        ]
    )


_SHAPES = {HEADER_2013: _shape(6), HEADER_2019: _shape(11)}
_SAME = {HEADER_2013: np.dtype("V6"), HEADER_2019: np.dtype("V11")}


def _escaped(rows: Bytes) -> tuple[bytes, Ints]:
    """Frames with flags, their content escaped, and where each ends."""
    special = rows == 0x7E
    special[:, 0] = special[:, -1] = False
    special |= rows == 0x7D
    flat, marks = rows.ravel(), np.flatnonzero(special)
    ends = np.arange(1, rows.shape[0] + 1, dtype=np.int64) * rows.shape[1]
    if not marks.size:
        return flat.tobytes(), ends
    ends += np.searchsorted(marks, ends)
    moved = marks + np.arange(marks.size)  # each escape before it moves a byte by one
    out = np.empty(flat.size + marks.size, np.uint8)
    kept = np.ones(out.size, np.bool_)
    kept[moved + 1] = False
    out[kept] = flat
    out[moved], out[moved + 1] = 0x7D, flat[marks] - 0x7C
    return out.tobytes(), ends
