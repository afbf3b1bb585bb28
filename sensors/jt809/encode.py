"""Messages as an inferior platform sends them: for tests and the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from struct import Struct
from zoneinfo import ZoneInfo

from sensors.jt809.cipher import Cipher
from sensors.jt809.frame import Edition, build
from sensors.jt809.messages import (
    CLOSE_NOTICE,
    EXCHANGE,
    HEARTBEAT,
    HISTORY,
    LOGIN,
    LOGOUT,
    POSITION,
    REGISTER,
    Login,
    login_body,
    vehicle_body,
)
from sensors.jt809.position import SOUTH, WEST

ZONE = ZoneInfo("Asia/Shanghai")
_OF_2011 = Struct(">BBBHBBBIIHHIHHII")
_WRAPPING = Struct(">BI")
_PLATFORMS = Struct(">11sI11sI11sI")
_LOGOUT = Struct(">I8s")


def location_2011(
    time: datetime,
    lat: float,
    lon: float,
    *,
    encrypted: bool = False,
    speed_kmh: int = 0,
    recorder_speed_kmh: int = 0,
    odometer_km: int = 0,
    direction_deg: int = 0,
    altitude_m: int = 0,
    status: int = 3,
    alarm: int = 0,
) -> bytes:
    """The 36 bytes of 2011. Hemispheres are put into the status; a time without zone is taken as it stands."""
    local = time.astimezone(ZONE) if time.tzinfo else time
    status |= (SOUTH if lat < 0 else 0) | (WEST if lon < 0 else 0)
    return _OF_2011.pack(
        encrypted, local.day, local.month, local.year, local.hour, local.minute, local.second,
        round(abs(lon) * 1e6), round(abs(lat) * 1e6), speed_kmh, recorder_speed_kmh, odometer_km,
        direction_deg, altitude_m, status, alarm,
    )  # fmt: skip


def location_2019(
    inner: bytes, *, encrypted: bool = False, platforms: Sequence[tuple[str, int]] = (("", 0), ("", 0), ("", 0))
) -> bytes:
    """The wrapping of 2019 around a body of JT/T 808 0x0200; without `platforms` the shorter form met in the field."""
    parts = [part for name, alarm in platforms for part in (name.encode("ascii"), alarm)]
    return _WRAPPING.pack(encrypted, len(inner)) + inner + (_PLATFORMS.pack(*parts) if parts else b"")


def trapped(location: bytes) -> bytes:
    """The layout of 2011 inside the wrapping of 2019, as some platforms send it."""
    return location_2019(location[1:], encrypted=bool(location[0]))


def history(locations: Sequence[bytes]) -> bytes:
    """The data of 0x1203."""
    return bytes((len(locations),)) + b"".join(locations)


def registration(
    *, platform: str = "41022100001", producer: str = "00001", model: str = "X1", terminal: str = "0000001",
    sim: str = "013800000001", imei: str = "", edition: Edition = "2011",
) -> bytes:  # fmt: skip
    """The data of 0x1201: 61 bytes in 2011, 110 in 2019."""
    if edition == "2011":
        sizes: tuple[tuple[str, int], ...] = ((platform, 11), (producer, 11), (model, 20), (terminal, 7), (sim, 12))
    else:
        sizes = ((platform, 11), (producer, 11), (model, 30), (imei, 15), (terminal, 30), (sim, 13))
    return b"".join(text.encode("ascii")[:size].ljust(size, b"\0") for text, size in sizes)


@dataclass
class Sender:
    """One inferior platform: counts its serial numbers. `key` is the frames' own part of the cipher's key."""

    center_id: int
    edition: Edition = "2011"
    cipher: Cipher | None = None
    key: int = 0
    utc: int = 0
    version: bytes = field(default=b"\x01\x00\x00")
    serial: int = 0

    def frame(self, msg_id: int, body: bytes = b"") -> bytes:
        """The next frame."""
        self.serial = (self.serial + 1) & 0xFFFFFFFF
        return build(
            msg_id,
            body,
            serial=self.serial,
            center_id=self.center_id,
            version=self.version,
            utc=self.utc if self.edition == "2019" else None,
            cipher=self.cipher,
            key=self.key,
        )

    def login(self, user: int, password: str, ip: str = "127.0.0.1", port: int = 0) -> bytes:
        """UP_CONNECT_REQ; a password has at most 8 bytes."""
        center = self.center_id if self.edition == "2019" else None
        return self.frame(LOGIN, login_body(Login(user, password.encode("ascii"), ip, port, center)))

    def logout(self, user: int, password: str) -> bytes:
        """UP_DISCONNECT_REQ."""
        return self.frame(LOGOUT, _LOGOUT.pack(user, password.encode("ascii")))

    def heartbeat(self) -> bytes:
        """UP_LINKTEST_REQ."""
        return self.frame(HEARTBEAT)

    def closing(self) -> bytes:
        """UP_CLOSELINK_INFORM: the gateway restarts."""
        return self.frame(CLOSE_NOTICE, b"\0")

    def register(self, plate: str, color: int, **told: str) -> bytes:
        """UP_EXG_MSG_REGISTER."""
        data = registration(edition=self.edition, **told)
        return self.frame(EXCHANGE, vehicle_body(plate, color, REGISTER, data))

    def position(self, plate: str, color: int, location: bytes) -> bytes:
        """UP_EXG_MSG_REAL_LOCATION."""
        return self.frame(EXCHANGE, vehicle_body(plate, color, POSITION, location))

    def positions(self, plate: str, color: int, locations: Sequence[bytes]) -> bytes:
        """UP_EXG_MSG_HISTORY_LOCATION."""
        return self.frame(EXCHANGE, vehicle_body(plate, color, HISTORY, history(locations)))
