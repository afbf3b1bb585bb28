"""Frames of JT/T 808 as terminals and platforms send them: for answers, tests and the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sensors.jt808 import items
from sensors.jt808.framing import ENCRYPTION_BITS, FLAG, MAX_BODY, PARTS_BIT, VERSION_BIT, escape, xor
from sensors.jt808.position import ACC, POSITIONED, SOUTH, WEST, Position, write

ZONE = ZoneInfo("Asia/Shanghai")


def frame(
    msg_id: int,
    phone: str,
    serial: int,
    body: bytes = b"",
    *,
    version: int | None = None,
    part: tuple[int, int] | None = None,
    encryption: int = 0,
) -> bytes:
    """A whole frame with flags. `version` 1 makes a header of 2019 (phone of 20 digits, else 12, zeros in front).

    `part` is (number of parts, this one from 1). ValueError when the body or the phone is too long.
    """
    digits = 12 if version is None else 20
    if len(body) > MAX_BODY or len(phone) > digits:
        raise ValueError(f"a body of {len(body)} bytes or a phone of {len(phone)} digits does not fit")
    props = len(body) | (encryption << 10 & ENCRYPTION_BITS)
    props |= (VERSION_BIT if version is not None else 0) | (PARTS_BIT if part else 0)
    content = b"".join(
        (
            msg_id.to_bytes(2, "big"),
            props.to_bytes(2, "big"),
            b"" if version is None else bytes((version,)),
            bytes.fromhex(phone.zfill(digits)),
            (serial & 0xFFFF).to_bytes(2, "big"),
            part[0].to_bytes(2, "big") + part[1].to_bytes(2, "big") if part else b"",
            body,
        )
    )
    return FLAG + escape(content + bytes((xor(content),))) + FLAG


def split(
    msg_id: int, phone: str, serial: int, body: bytes, *, size: int = 512, version: int | None = None
) -> list[bytes]:
    """A message in parts of at most `size` bytes with serials one after the other; one frame when it fits."""
    if len(body) <= size:
        return [frame(msg_id, phone, serial, body, version=version)]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return [
        frame(msg_id, phone, serial + i, piece, version=version, part=(len(pieces), i + 1))
        for i, piece in enumerate(pieces)
    ]


def bcd_time(time: datetime) -> bytes:
    """6 bytes BCD in GMT+8. A time without zone is taken as it stands."""
    local = time.astimezone(ZONE) if time.tzinfo else time
    return bytes.fromhex(local.strftime("%y%m%d%H%M%S"))


def position(
    time: datetime,
    lat: float,
    lon: float,
    *,
    speed_kmh: float = 0.0,
    direction_deg: int = 0,
    altitude_m: int = 0,
    alarm: int = 0,
    status: int = ACC | POSITIONED,
    load: str = "00",
    extra: dict[int, bytes] | None = None,
) -> bytes:
    """The body of 0x0200. Hemispheres and `load` ("00", "01", "11") are put into the status."""
    status |= (SOUTH if lat < 0 else 0) | (WEST if lon < 0 else 0) | int(load, 2) << 8
    return write(
        Position(
            alarm,
            status,
            round(abs(lat) * 1e6),
            round(abs(lon) * 1e6),
            altitude_m,
            round(speed_kmh * 10),
            direction_deg,
            bcd_time(time),
            items.write(extra or {}),
        )
    )


def batch(bodies: Sequence[bytes], *, blind: bool = True) -> bytes:
    """The body of 0x0704 from bodies of 0x0200."""
    sized = b"".join(len(body).to_bytes(2, "big") + body for body in bodies)
    return len(bodies).to_bytes(2, "big") + bytes((blind,)) + sized


def register(
    plate: str,
    *,
    terminal_id: str = "0000001",
    color: int = 2,
    maker: str = "00001",
    model: str = "X1",
    province: int = 41,
    city: int = 221,
    version: int | None = None,
) -> bytes:
    """The body of 0x0100 (2013 layout: maker 5, model 20, terminal 7 bytes; 2019: 11, 30, 30). Plate in GBK."""
    sizes = (5, 20, 7) if version is None else (11, 30, 30)
    named = b"".join(
        text.encode("ascii")[:size].ljust(size, b"\0")
        for text, size in zip((maker, model, terminal_id), sizes, strict=True)
    )
    return province.to_bytes(2, "big") + city.to_bytes(2, "big") + named + bytes((color,)) + plate.encode("gbk")


def authenticate(code: str, *, version: int | None = None, imei: str = "", software: str = "") -> bytes:
    """The body of 0x0102."""
    text = code.encode("ascii")
    if version is None:
        return text
    return (
        bytes((len(text),)) + text + imei.encode("ascii").ljust(15, b"\0") + software.encode("ascii").ljust(20, b"\0")
    )


def answer(serial: int, msg_id: int, result: int) -> bytes:
    """The body of the general answers 0x8001 and 0x0001: 0 done, 1 failed, 2 wrong message, 3 unsupported."""
    return serial.to_bytes(2, "big") + msg_id.to_bytes(2, "big") + bytes((result,))


def registered(serial: int, result: int, code: str = "") -> bytes:
    """The body of 0x8100: 0 done, with the authentication code; 4 terminal unknown."""
    return serial.to_bytes(2, "big") + bytes((result,)) + (code.encode("ascii") if result == 0 else b"")


def resend(first_serial: int, numbers: Sequence[int], *, version: int | None = None) -> bytes:
    """The body of 0x8003, which asks for missing parts; their count has one byte before 2019, two since."""
    wanted = list(numbers)[: 255 if version is None else 0x1FF]
    count = len(wanted).to_bytes(1 if version is None else 2, "big")
    return first_serial.to_bytes(2, "big") + count + b"".join(number.to_bytes(2, "big") for number in wanted)
