"""One vehicle platform over JT/T 809: login, positions of all its vehicles in turn, late ones as batches.

The protocol answers no position. So the platform asks with a heartbeat and takes all before it for stored when that is
answered, which is what the hub's gateway promises.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.emitters.content import Order, Reading, ordered
from sandbox.emitters.speech import Ear, Heard, Line, Message, shares
from sensors.jt808 import encode as terminal
from sensors.jt809.cipher import Cipher
from sensors.jt809.encode import ZONE, Sender, location_2011, location_2019
from sensors.jt809.frame import Refused, read
from sensors.jt809.messages import HEARTBEAT_ANSWER, LOGIN_ANSWER
from sensors.jt809.split import Splitter

flags = b"\x5a\x5b\x5d\x5e\x01\x02"
CENTER = 41022100


def plate(device: int) -> str:
    """The plate of a vehicle."""
    return f"豫B{device:05d}"


class Platform:
    """The inferior platform. `options`: user, password, m1, ia1, ic1. "mix" speaks 2011."""

    def __init__(self, order: Order, limits: list[int | None]) -> None:
        self._order, self._limits = order, limits
        told = order.options
        keys = [int(told[name]) for name in ("m1", "ia1", "ic1") if name in told]
        cipher = Cipher(*keys) if keys else None
        self._modern = order.edition == "new"
        utc = int(order.start.replace(tzinfo=ZONE).timestamp())
        self._sender = Sender(CENTER, "2019" if self._modern else "2011", cipher, key=order.seed, utc=utc)
        user, password = int(told.get("user", CENTER)), told.get("password", "sandbox1")
        wrong = order.faults.of_device("wrong_password", 0)
        self.greeting = self._sender.login(user, "wrong000" if wrong else password)
        self.farewell = self._sender.logout(user, password)

    def messages(self) -> Iterator[Message]:
        """Positions, vehicle by vehicle in turn."""
        running = [self._of(device, limit) for device, limit in enumerate(self._limits)]
        while running:
            for vehicle in list(running):
                message = next(vehicle, None)
                if message is None:
                    running.remove(vehicle)
                else:
                    yield message

    def _of(self, device: int, limit: int | None) -> Iterator[Message]:
        before: tuple[Reading, Message] | None = None
        for reading in ordered(self._order, device, limit):
            made = before[1] if before is not None and before[0] is reading else self._said(reading)
            before = (reading, made)
            yield made

    def _said(self, reading: Reading) -> Message:
        location, name = self._location(reading), plate(self._order.number(reading.device))
        late = "late" in reading.marks
        raw = self._sender.positions(name, 2, [location]) if late else self._sender.position(name, 2, location)
        time = None if reading.bad_time else reading.time.isoformat() + "+08:00"
        return Message(name, time, raw, reading.marks)

    def _location(self, reading: Reading) -> bytes:
        factor = self._order.faults.value("unit") / 100 if "unit" in reading.marks else 1
        speed, status = reading.speed_kmh * factor, 1 if "zero_position" in reading.marks else 3
        if self._modern:
            inner = terminal.position(
                reading.time, reading.lat, reading.lon, speed_kmh=min(6000, speed),
                direction_deg=reading.direction_deg, status=status,
                extra={0x01: (1000 + reading.step).to_bytes(4, "big")},
            )  # fmt: skip
            return location_2019(inner[:22] + b"\xab" * 6 + inner[28:] if reading.bad_time else inner)
        location = location_2011(
            reading.time, reading.lat, reading.lon, speed_kmh=int(min(65535, speed)),
            direction_deg=reading.direction_deg, odometer_km=100 + reading.step // 10, status=status,
        )  # fmt: skip
        return location[:1] + bytes(7) + location[8:] if reading.bad_time else location

    def barrier(self) -> bytes:
        """A heartbeat."""
        return self._sender.heartbeat() if self._order.ask else b""

    def ear(self) -> Ear:
        """Hears 0x1002 and 0x1006."""
        return _Ear(2019 if self._modern else 2011)


class _Ear:
    def __init__(self, edition: int) -> None:
        self._splitter, self._time = Splitter(), 8 if edition == 2019 else 0

    def hear(self, data: bytes) -> list[Heard]:
        found = []
        for piece in self._splitter.take(data):
            try:
                frame = read(piece.raw)
            except Refused:
                continue
            if frame.msg_id == HEARTBEAT_ANSWER:
                found.append(Heard("answered"))
            elif frame.msg_id == LOGIN_ANSWER:
                result = frame.body[self._time]
                found.append(Heard("refused", f"login: {result}") if result else Heard("ready"))
        return found


def lines(order: Order, count: int | None) -> list[Line]:
    """One connection for all vehicles."""
    return [Platform(order, shares(count, order.devices))]
