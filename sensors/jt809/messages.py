"""Bodies of messages: login, the block that names a vehicle, a vehicle's registration; and which edition a frame is of.

Source: JT/T 809-2011 and -2019, clauses on link management and on dynamic exchange (UP_CONNECT_REQ, UP_EXG_MSG …).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Any

from sensors.jt809.cipher import Cipher
from sensors.jt809.frame import TIME, Edition, Frame, Refused

LOGIN, LOGIN_ANSWER, LOGOUT, LOGOUT_ANSWER = 0x1001, 0x1002, 0x1003, 0x1004
HEARTBEAT, HEARTBEAT_ANSWER, DOWN_NOTICE, CLOSE_NOTICE = 0x1005, 0x1006, 0x1007, 0x1008
EXCHANGE, REGISTER, POSITION, HISTORY = 0x1200, 0x1201, 0x1202, 0x1203
ACCEPTED, WRONG_USER, WRONG_PASSWORD, OTHER = 0, 3, 4, 6  # results of 0x1002
ANSWER = Struct(">BI")  # result, verify code

_LOGIN = Struct(">I8s32sH")
_LOGIN_2019 = Struct(">I8sI32sH")
_VEHICLE = Struct(">21sBHI")  # plate in GBK, colour, kind of data, its length
_VEHICLES = frozenset({0x1200, 0x1400, 0x1500, 0x1600, 0x9200, 0x9400, 0x9500, 0x9600})
_SIZES = {LOGIN: 46, LOGIN_ANSWER: 5, LOGOUT: 12, LOGOUT_ANSWER: 0, HEARTBEAT: 0, HEARTBEAT_ANSWER: 0,
          DOWN_NOTICE: 1, CLOSE_NOTICE: 1}  # fmt: skip
_SIZES_2019 = {**_SIZES, LOGIN: 50}
_REGISTER = {  # length → names and sizes; 49 is the standard of 2011, 61 its later form, 110 of 2019
    49: (("platform_id", 11), ("producer_id", 11), ("model", 8), ("terminal_id", 7), ("sim", 12)),
    61: (("platform_id", 11), ("producer_id", 11), ("model", 20), ("terminal_id", 7), ("sim", 12)),
    110: (("platform_id", 11), ("producer_id", 11), ("model", 30), ("imei", 15), ("terminal_id", 30), ("sim", 13)),
}


@dataclass(frozen=True, slots=True)
class Login:
    """UP_CONNECT_REQ. `center_id` stands in the body since 2019."""

    user: int
    password: bytes
    ip: str
    port: int
    center_id: int | None = None


@dataclass(frozen=True, slots=True)
class Vehicle:
    """The block at the head of messages about one vehicle, and the data behind it."""

    plate: str
    color: int
    data_type: int
    length: int
    data: bytes

    @property
    def whole(self) -> bool:
        """Whether the data has the declared length."""
        return len(self.data) == self.length


def edition(frame: Frame) -> Edition:
    """The edition that the body's structure proves; "2011" where nothing does, as in an encrypted body."""
    body = frame.body
    if frame.encrypted:
        return "2011"
    if frame.msg_id in _SIZES:
        return "2019" if len(body) == TIME.size + _SIZES_2019[frame.msg_id] else "2011"
    if frame.msg_id == EXCHANGE and not _fits(frame.msg_id, body) and _fits(frame.msg_id, body[TIME.size :]):
        return "2019"
    return "2011"


def _fits(msg_id: int, body: bytes) -> bool:
    return len(body) >= _VEHICLE.size and body[22] == msg_id >> 8


def content(frame: Frame, of: Edition) -> bytes:
    """The body without the time of 2019."""
    return frame.body[TIME.size :] if of == "2019" else frame.body


def opened(frame: Frame, cipher: Cipher, of: Edition) -> Frame:
    """The same frame with its body decrypted and its flag cleared; its key stays, so that the way back is known.

    `of` is the link's edition: it says whether 8 bytes of time in clear come first. A vehicle's message that makes
    sense only in the other edition is read so.
    """
    chosen = _decrypted(frame, cipher, of)
    if frame.msg_id == EXCHANGE and not _fits(frame.msg_id, content(chosen, of)):
        other: Edition = "2011" if of == "2019" else "2019"
        second = _decrypted(frame, cipher, other)
        if _fits(frame.msg_id, content(second, other)):
            return second
    return chosen


def _decrypted(frame: Frame, cipher: Cipher, of: Edition) -> Frame:
    clear = frame.body[: TIME.size] if of == "2019" else b""
    body = clear + cipher.apply(frame.body[len(clear) :], frame.key)
    return Frame(
        frame.serial, frame.msg_id, frame.center_id, frame.version, 0, frame.key, body,
        frame.crc, frame.length, frame.escaped,
    )  # fmt: skip


def login(body: bytes, of: Edition) -> Login:
    """The login in a body without time. Raises `Refused` for another length."""
    layout = _LOGIN_2019 if of == "2019" else _LOGIN
    if len(body) != layout.size:
        raise Refused("bad_login", f"a login has {layout.size} bytes, this one {len(body)}")
    user, password, *center, ip, port = layout.unpack(body)
    return Login(user, password, text(ip), port, center[0] if center else None)


def login_body(told: Login) -> bytes:
    """The body of UP_CONNECT_REQ; with `center_id` that of 2019."""
    ip = told.ip.encode("ascii")
    if told.center_id is None:
        return _LOGIN.pack(told.user, told.password, ip, told.port)
    return _LOGIN_2019.pack(told.user, told.password, told.center_id, ip, told.port)


def vehicle(msg_id: int, body: bytes) -> Vehicle | None:
    """The vehicle's block of a body without time; None for messages that have none."""
    if msg_id not in _VEHICLES or len(body) < _VEHICLE.size:
        return None
    plate, color, data_type, length = _VEHICLE.unpack_from(body)
    return Vehicle(text(plate), color, data_type, length, body[_VEHICLE.size :])


def vehicle_body(plate: str, color: int, data_type: int, data: bytes) -> bytes:
    """A body about one vehicle. ValueError for a plate over 21 bytes of GBK."""
    name = plate.encode("gbk")
    if len(name) > 21:
        raise ValueError(f"the plate {plate!r} has more than 21 bytes")
    return _VEHICLE.pack(name, color, data_type, len(data)) + data


def registration(data: bytes) -> dict[str, Any] | None:
    """The fields of UP_EXG_MSG_REGISTER; None for a length that no edition has."""
    layout, found, place = _REGISTER.get(len(data)), {}, 0
    if layout is None:
        return None
    for name, size in layout:
        found[name] = text(data[place : place + size])
        place += size
    return found


def text(raw: bytes) -> str:
    """GBK up to its trailing NULs; what is no GBK becomes U+FFFD."""
    return raw.rstrip(b"\0").decode("gbk", "replace")
