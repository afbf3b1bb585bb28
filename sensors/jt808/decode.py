"""`cityhub decode jt808`: one frame in hexadecimal in, what it says out."""

from __future__ import annotations

from typing import Any

from sensors.jt808 import position
from sensors.jt808.framing import FLAG, HEADER_2013, HEADER_2019, MAX_FRAME, Frame, Problem, parse

POSITION_IDS = frozenset({0x0200, 0x0201, 0x0500})  # report, answer to a query, answer to a vehicle control
BATCH_ID = 0x0704
REPLY_BYTES = {0x0200: 0, 0x0201: 2, 0x0500: 2}  # the serial that is answered stands before the position


def decode_line(line: str) -> dict[str, Any]:
    """{"ok": true, ...fields}, or {"ok": false, "error": {"code", "message", "offset"}}. Never raises.

    `offset` counts bytes of the frame from its first flag; of a line that is not hexadecimal, characters.
    """
    segment = _segment(line.strip())
    frame = segment if isinstance(segment, Problem) else parse(segment)
    said = frame if isinstance(frame, Problem) else _said(frame)
    if isinstance(said, Problem):
        return _refused(said)
    assert isinstance(frame, Frame) and isinstance(segment, bytes)  # else `said` were a problem
    return {"ok": True, **_header(frame, segment), **said}


def _segment(text: str) -> bytes | Problem:
    """What stands between the flags of a line."""
    if len(text) > 3 * MAX_FRAME:
        return Problem("oversized", f"{len(text)} characters; a frame has at most {MAX_FRAME} bytes", 0)
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        odd = next((i for i, c in enumerate(text) if c not in "0123456789abcdefABCDEF \t"), len(text))
        return Problem("not_hex", "the line is no frame in hexadecimal", odd)
    if raw[:1] != FLAG:
        return Problem("no_flag", "a frame begins with 7e", 0)
    inside = raw.find(FLAG, 1)
    if inside < 0:
        return Problem("truncated", "a frame ends with 7e", len(raw))
    if inside < len(raw) - 1:
        return Problem("flag_inside", "7e stands inside the line; is it two frames?", inside)
    return raw[1:-1]


def _refused(problem: Problem) -> dict[str, Any]:
    return {
        "ok": False,
        "error": {"code": problem.word, "message": problem.message, "offset": problem.offset},
    }


def _header(frame: Frame, segment: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {
        "msg_id": f"0x{frame.msg_id:04X}",
        "version": "2011/2013" if frame.version is None else "2019",
        "terminal_phone": frame.terminal_phone,
        "serial": frame.serial,
        "checksum": f"{frame.checksum:02x}",
        "checksum_calc": f"{frame.checksum:02x}",
        "checksum_valid": True,
        "body_len_declared": len(frame.body),
        "body_len_actual": len(frame.body),
        "length_valid": True,
        "encrypt": frame.encryption,
        "subpackage": bool(frame.total),
        "escaped_bytes": segment.count(b"\x7d"),
        "unescaped_len": len(segment) - segment.count(b"\x7d"),
    }
    if frame.version is not None:
        found["protocol_version"] = frame.version
    if frame.total:
        found |= {"package_total": frame.total, "package_no": frame.number}
    return found


def _said(frame: Frame) -> dict[str, Any] | Problem:
    if frame.encryption or frame.total or frame.msg_id not in POSITION_IDS | {BATCH_ID}:
        return {"body_hex": frame.body.hex()}
    body_at = 1 + (HEADER_2013 if frame.version is None else HEADER_2019)
    if frame.msg_id == BATCH_ID:
        stated, kind, bodies, whole = position.batch(frame.body)
        found = [one for body in bodies if (one := position.read(body))]
        if not found:
            return Problem("bad_batch", f"no position in a batch of {stated}", body_at)
        batch = [position.described(one, frame.terminal_phone) for one in found]
        return {"batch_count": stated, "batch_type": kind, "batch_count_ok": whole, "batch": batch}
    skip = REPLY_BYTES[frame.msg_id]
    one = position.read(frame.body[skip:])
    if one is None:
        return Problem("short_position", f"a position has 28 bytes; there are {len(frame.body) - skip}", body_at)
    reply = {"reply_serial": int.from_bytes(frame.body[:2], "big")} if skip else {}
    return {**reply, **position.described(one, frame.terminal_phone)}
