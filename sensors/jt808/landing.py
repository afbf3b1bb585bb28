"""Frames of the spool as records for the load: one flat JSON object a position.

Frames that are refused, and those whose body cannot be read, give a record with `_problem`. Messages of another kind
give their header and `body_hex`. Many frames go through columns, a few one by one; both say the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from sensors.jt808 import items, render
from sensors.jt808 import position as p
from sensors.jt808.columns import Frames, Ints, at, phones, positions, scan
from sensors.jt808.decode import BATCH_ID, REPLY_BYTES
from sensors.jt808.framing import FLAG, MAX_FRAME, Frame, Problem, parse
from sensors.jt808.rows import Part, Rows, find, part_of, read_body

FEW = 12  # frames in a buffer, or rows of one form, above which columns are quicker
MAX_LAYOUTS = 64  # of one size in one buffer; beyond, one by one
OURS = REPLY_BYTES.keys() | {BATCH_ID}


def records(blob: bytes, received_at: str, peer: str) -> Iterator[bytes]:
    """JSON objects without line feed, in order of arrival; `blob` is frames one after the other.

    What stands behind the last flag is a frame cut off: `_problem` "truncated".
    """
    own = {"_received_at": received_at, "_peer": peer}
    end = blob.rfind(FLAG) + 1
    whole, rest = blob[:end], blob[end:]
    yield from (_few if whole.count(FLAG) <= 2 * FEW else _many)(whole, own)
    if rest:
        yield _problem("truncated", FLAG + rest, own)


def _few(blob: bytes, own: dict[str, str]) -> Iterator[bytes]:
    segments = [segment for segment in blob.split(FLAG) if segment]
    frames = [parse(segment) for segment in segments]
    groups = _groups(frames)
    for index, (segment, frame) in enumerate(zip(segments, frames, strict=True)):
        raw = FLAG + segment + FLAG
        if isinstance(frame, Problem):
            yield _problem(frame.word, raw, own)
        elif frame.msg_id not in OURS:
            yield _other(frame, own)
        elif frame.encryption:
            yield _problem("encrypted_body", raw, own)
        elif not frame.total:
            yield from _read(frame, frame.body, raw, own)
        else:
            parts = groups[part_of(frame)]
            if len(parts) < frame.total:
                if parts[frame.number][0] == index:
                    yield _problem("missing_parts", raw, own)
            elif index == max(at for at, _ in parts.values()):
                yield from _read(frame, b"".join(parts[i][1] for i in sorted(parts)), raw, own)


def _groups(frames: list[Frame | Problem]) -> dict[Part, dict[int, tuple[int, bytes]]]:
    found: dict[Part, dict[int, tuple[int, bytes]]] = {}
    for index, frame in enumerate(frames):
        if isinstance(frame, Frame) and frame.total and not frame.encryption and frame.msg_id in OURS:
            found.setdefault(part_of(frame), {}).setdefault(frame.number, (index, frame.body))
    return found


def _read(frame: Frame, body: bytes, raw: bytes, own: dict[str, str]) -> Iterator[bytes]:
    bodies, blind, word = read_body(frame.msg_id, body)
    for item, one in enumerate(bodies):
        yield _record(frame.terminal, frame.msg_id, frame.version is not None, frame.serial, item, blind, one, own)
    if word:
        yield _problem(word, raw, own)


def _many(blob: bytes, own: dict[str, str]) -> Iterator[bytes]:
    frames = scan(blob)
    rows, refused, other = find(frames, blob)
    if not refused and not other:
        yield from _rendered(frames, rows, own)
        return
    told: list[tuple[int, int, bytes]] = [
        (frame, 0, record) for frame, record in zip(rows.frame.tolist(), _rendered(frames, rows, own), strict=True)
    ]
    for index, word in refused:
        raw = FLAG + blob[frames.first[index] : frames.last[index]] + FLAG
        told.append((index, 1, _problem(word, raw, own)))
    for index in other:
        frame = parse(blob[frames.first[index] : frames.last[index]])
        assert isinstance(frame, Frame)  # `scan` and `parse` agree
        told.append((index, 0, _other(frame, own)))
    told.sort(key=lambda entry: entry[:2])  # stable: positions of a batch stay in order
    yield from (record for _, _, record in told)


def _rendered(frames: Frames, rows: Rows, own: dict[str, str]) -> list[bytes]:
    n = rows.frame.size
    if not n:
        return []
    found = positions(rows.content, rows.start)
    modern = frames.modern[rows.frame]
    phone = _short(phones(frames, rows.frame), modern)
    digits = phone.view((np.uint8, phone.dtype.itemsize))
    letters = (digits > 0x39).any(axis=1)
    found.flags[letters] |= p.BAD_PHONE
    fields = {
        "terminal_phone": _phone_cells(digits),
        "msg_id": render.message(frames.msg_id[rows.frame]),
        "version": np.array([b'"2011/2013"', b'"2019"'.ljust(11)], "S11").view("V11")[modern.astype(np.int64)],
        "serial": render.five(frames.serial[rows.frame]),
        "item": render.five(rows.item),
        "blind": render.truth(rows.blind),
    }
    head = _encoded(own)[:-1]
    out: list[bytes] = [b""] * n
    for which, layout in _layouts(rows):
        if layout is None:
            for i in which.tolist():
                body = rows.content[rows.start[i] : rows.start[i] + rows.size[i]].tobytes()
                index = int(rows.frame[i])
                out[i] = _record(
                    phone[i].decode(),
                    int(frames.msg_id[index]),
                    bool(modern[i]),
                    int(frames.serial[index]),
                    int(rows.item[i]),
                    bool(rows.blind[i]),
                    body,
                    own,
                )
            continue
        everything = which.size == n
        size = int(rows.size[which[0]]) - p.SIZE
        extra = (
            at(rows.content, np.dtype((np.uint8, (size,))), rows.start[which] + p.SIZE)
            if size
            else np.zeros((0, 0), np.uint8)
        )
        made = render.render(
            head,
            layout,
            found if everything else found.take(which),
            fields if everything else {key: cells[which] for key, cells in fields.items()},
            extra,
        )
        if everything:
            return made
        for i, record in zip(which.tolist(), made, strict=True):
            out[i] = record
    return out


def _short(phone: Any, modern: Any) -> Any:
    """As `framing.short`."""
    if phone.dtype.itemsize == 12:
        return phone
    digits = phone.view((np.uint8, 20))
    padded = modern & (digits[:, :8] == 0x30).all(axis=1)
    digits[padded, :12] = digits[padded, 8:]
    digits[padded, 12:] = 0
    return phone


def _phone_cells(digits: Any) -> Any:
    """Phones in quotes, filled up with blanks."""
    width = digits.shape[1]
    out = np.full((digits.shape[0], 22), 0x20, np.uint8)
    out[:, 0] = out[:, 13] = 0x22
    out[:, 1:13] = digits[:, :12]
    if width == 20 and (long := digits[:, 12] > 0).any():
        out[long, 13:21] = digits[long, 12:]
        out[long, 21] = 0x22
    return out.view("V22")[:, 0]


def _layouts(rows: Rows) -> Iterator[tuple[Ints, render.Layout | None]]:
    """Rows with the same additional items, and their places; None for rows to be done one by one."""
    for size in np.unique(rows.size).tolist():
        left = np.flatnonzero(rows.size == size)
        extra = size - p.SIZE
        for _ in range(MAX_LAYOUTS):
            if left.size < max(FEW, 1):
                break
            start = int(rows.start[left[0]]) + p.SIZE
            layout = items.layout(rows.content[start : start + extra].tobytes())
            if layout is None:
                yield left[:1], None
                left = left[1:]
                continue
            same = np.ones(left.size, np.bool_)
            starts = rows.start[left] + p.SIZE
            for kind, offset, length in layout:
                same &= rows.content[starts + offset - 2] == kind
                same &= rows.content[starts + offset - 1] == length
            yield left[same], layout if same.sum() >= FEW else None
            left = left[~same]
        if left.size:
            yield left, None


def _record(
    phone: str, msg_id: int, modern: bool, serial: int, item: int, blind: bool, body: bytes, own: dict[str, str]
) -> bytes:
    one = p.read(body)
    assert one is not None  # callers give 28 bytes at least
    bits = p.flags(one, phone)
    usable = not bits & p.UNUSABLE
    lat, lon = p.degrees(one)
    additional, trailing = items.read(one.extra)
    values: dict[int, int] = {}
    for found in additional:
        if "value" in found:
            values.setdefault(int(found["id"], 16), found["value"])
    flat = {
        key: None if (value := values.get(kind)) is None else value / 10 if tenths else value
        for key, (kind, _, tenths) in render.FLAT.items()
    }
    record: dict[str, Any] = {
        **own,
        "terminal_phone": phone,
        "msg_id": f"0x{msg_id:04X}",
        "version": "2019" if modern else "2011/2013",
        "serial": serial,
        "item": item,
        "blind": blind,
        "time": p.iso(one.time),
        "lat": lat if usable else None,
        "lon": lon if usable else None,
        "altitude_m": one.altitude,
        "speed_kmh": one.speed / 10,
        "direction_deg": one.direction,
        "alarm": one.alarm,
        "status": one.status,
        "acc": bool(one.status & p.ACC),
        "positioned": bool(one.status & p.POSITIONED),
        "load": p.LOADS[one.status >> 8 & 3],
        "lat_raw": one.lat,
        "lon_raw": one.lon,
        "time_bcd": one.time.hex(),
        **flat,
        "flags": ",".join(p.words(bits)),
        "additional": additional,
    }
    if trailing:
        record["trailing_hex"] = trailing.hex()
    return _encoded(record)


def _problem(word: str, raw: bytes, own: dict[str, str]) -> bytes:
    return _encoded({"_problem": word, "_frame": raw[:MAX_FRAME].hex(), **own})


def _other(frame: Frame, own: dict[str, str]) -> bytes:
    part = {"package_total": frame.total, "package_no": frame.number} if frame.total else {}
    return _encoded(
        {
            **own,
            "terminal_phone": frame.terminal,
            "msg_id": f"0x{frame.msg_id:04X}",
            "version": "2011/2013" if frame.version is None else "2019",
            "serial": frame.serial,
            **part,
            "body_hex": frame.body.hex(),
        }
    )


def _encoded(record: dict[str, Any]) -> bytes:
    return msgspec.json.encode(record)
