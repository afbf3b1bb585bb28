"""One frame: `5b` header body crc `5d`, escaped; header of 22 bytes, in the edition of 2019 followed by 8 bytes of UTC.

Source: JT/T 809-2011 and -2019, clause 4 (structure of protocol data). The length counts the whole frame before
escaping, flags included. The checksum is CRC-CCITT (0x1021, start 0xFFFF) over header and body before escaping,
after encryption. All numbers are big-endian.
"""

from __future__ import annotations

import re
from binascii import crc_hqx
from dataclasses import dataclass
from struct import Struct
from typing import Literal

from sensors.jt809.cipher import Cipher

Edition = Literal["2011", "2019"]
START, END = 0x5B, 0x5D
HEADER = Struct(">IIHI3sBI")  # length, serial, message, centre, version, encrypted, key
TIME = Struct(">Q")  # 2019: UTC in seconds, after the header, never encrypted
SHORTEST = HEADER.size + 4
LONGEST = 1 << 17  # bytes; the standard names no limit, batches of positions stay far below
_ESCAPED = {b"\x5a\x01": b"\x5b", b"\x5a\x02": b"\x5a", b"\x5e\x01": b"\x5d", b"\x5e\x02": b"\x5e"}
_ESCAPES = {plain[0]: pair for pair, plain in _ESCAPED.items()}
_PAIR = re.compile(rb"[\x5a\x5e][\x01\x02]")
_SPECIAL = re.compile(rb"[\x5a\x5b\x5d\x5e]")


class Refused(ValueError):
    """Why bytes are no frame: a `code` for machines, a sentence, and the offset in the bytes as received."""

    def __init__(self, code: str, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.offset = code, message, offset


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose length and checksum are both right. `body` is what follows the 22 bytes of the header: in the
    edition of 2019 it begins with the time. `escaped` counts the escape pairs met.
    """

    serial: int
    msg_id: int
    center_id: int
    version: bytes
    encrypted: int
    key: int
    body: bytes
    crc: int
    length: int
    escaped: int = 0


def read(raw: bytes) -> Frame:
    """The frame that `raw` is, from its `5b` to its `5d`. Raises `Refused`."""
    if not raw or raw[0] != START:
        raise Refused("no_flag", "a frame begins with 5b")
    if raw[-1] != END or len(raw) < 2:
        raise Refused("truncated", "a frame ends with 5d: it is truncated", len(raw))
    if len(raw) > 2 * LONGEST:
        raise Refused("oversized", f"longer than {LONGEST} bytes", LONGEST)
    plain, escaped = unescaped(raw)
    length = len(plain) + 2
    if length < SHORTEST:
        raise Refused("short", f"{length} bytes; the shortest frame has {SHORTEST}", len(raw))
    declared, serial, msg_id, center_id, version, flag, key = HEADER.unpack_from(plain)
    crc, computed = int.from_bytes(plain[-2:], "big"), crc_hqx(plain[:-2], 0xFFFF)
    wrong_length, wrong_crc = f"declares {declared} bytes, has {length}", f"checksum {crc:04x}, computed {computed:04x}"
    if declared != length:
        if crc != computed:
            raise Refused("length_and_checksum", f"{wrong_length}; {wrong_crc}", 1)
        raise Refused("bad_length", wrong_length, 1)
    if crc != computed:
        raise Refused("bad_checksum", wrong_crc, len(raw) - 3)
    return Frame(serial, msg_id, center_id, version, flag, key, plain[HEADER.size : -2], crc, length, escaped)


def unescaped(raw: bytes) -> tuple[bytes, int]:
    """What stands between the flags, escapes undone, and how many there were. Raises `Refused` for a flag inside.

    A 5a or 5e before another byte than 01 or 02 stands for itself: platforms in the field leave them unescaped, and
    length and checksum say whether this reading is right.
    """
    content = raw[1:-1]
    for flag in (START, END):
        if (place := content.find(flag)) >= 0:
            raise Refused("flag_inside", f"an unescaped {flag:02x} inside the frame: two frames in one", place + 1)
    if 0x5A not in content and 0x5E not in content:
        return content, 0
    return _PAIR.subn(lambda match: _ESCAPED[match[0]], content)


def build(
    msg_id: int,
    body: bytes = b"",
    *,
    serial: int = 1,
    center_id: int = 0,
    version: bytes = b"\x01\x00\x00",
    utc: int | None = None,
    cipher: Cipher | None = None,
    key: int = 0,
) -> bytes:
    """A frame ready to send. With `utc` (seconds) it has the header of 2019; with `cipher` its body is encrypted."""
    time = b"" if utc is None else TIME.pack(utc)
    sent = body if cipher is None else cipher.apply(body, key)
    return rebuilt(Frame(serial, msg_id, center_id, version, int(cipher is not None), key, time + sent, 0, 0))


def rebuilt(frame: Frame) -> bytes:
    """The bytes of a frame, with length, checksum and escapes made anew."""
    length = SHORTEST + len(frame.body)
    head = HEADER.pack(length, frame.serial, frame.msg_id, frame.center_id, frame.version, frame.encrypted, frame.key)
    content = head + frame.body
    content += crc_hqx(content, 0xFFFF).to_bytes(2, "big")
    return b"\x5b" + _SPECIAL.sub(lambda match: _ESCAPES[match[0][0]], content) + b"\x5d"
