"""One frame as text to one JSON object: what `cityhub decode hj212` prints."""

from __future__ import annotations

from typing import Any

from sensors.hj212.frame import scan
from sensors.hj212.segment import BadSegment, flag_parts, parse

MESSAGES = {
    "empty": "the line holds no frame",
    "not_a_frame": "the frame does not begin with `##`",
    "bad_length": "`##` is not followed by four digits of length",
    "truncated": "the frame ends before its declared length, without a checksum",
    "bad_checksum": "the checksum is neither the standard's nor a known variant of it",
    "length_and_checksum": "the declared length is not the actual one, and the checksum does not match either",
    "oversized": "no end of the frame in 16,384 bytes",
    "trailing_bytes": "after the frame stands more than a line end",
    "bad_segment": "the data segment has no readable header and data area",
}
_TERMINATORS = ("\r", "\n", "\\r", "\\n", "\x00", " ", "\t")
_LEADING = " \t\ufeff"


def decode_line(line: str) -> dict[str, Any]:
    """`{"ok": true, header, flag, cp, factors, crc_variant, length_valid}`, or `{"ok": false, "error": {code,
    message, offset}}` with the offset in bytes. A line end, real or written as backslash r and n, may stand at the
    end. Never raises.
    """
    start, end = len(line) - len(line.lstrip(_LEADING)), len(line)
    while end > start and line.endswith(_TERMINATORS, start, end):
        end -= 2 if line.endswith(("\\r", "\\n"), start, end) else 1
    text = line[start:end]
    try:
        frame = text.encode("utf-8", "surrogateescape")  # bytes that are no UTF-8 come as such from a file
    except UnicodeEncodeError:
        frame = text.encode("utf-8", "replace")
    return decode(frame, start)


def decode(frame: bytes, skipped: int = 0) -> dict[str, Any]:
    """The same for bytes without a line end."""
    if not frame:
        return refusal("empty", 0)
    if not frame.startswith(b"##"):
        return refusal("not_a_frame", skipped)
    item = scan(frame, final=True)[0][0]
    if item.reason is not None:
        place = {"bad_length": 2, "truncated": item.end, "oversized": item.end}.get(item.reason, max(6, item.end - 4))
        return refusal(item.reason, skipped + place)
    if item.end != len(frame):
        return refusal("trailing_bytes", skipped + item.end)
    try:
        segment = parse(frame[6 : item.end - 4])
    except BadSegment as error:
        return refusal("bad_segment", skipped + 6 + error.offset, str(error))
    return {
        "ok": True,
        "header": segment.header,
        "flag": flag_parts(segment.flag),
        "cp": segment.cp,
        "factors": segment.factors,
        "crc_variant": item.variant,
        "length_valid": item.length_valid,
    }


def refusal(code: str, offset: int, message: str = "") -> dict[str, Any]:
    """The answer for a frame that is refused."""
    return {"ok": False, "error": {"code": code, "message": message or MESSAGES[code], "offset": offset}}
