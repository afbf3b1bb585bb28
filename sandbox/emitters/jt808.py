"""Terminals over JT/T 808: register, authenticate, positions; late ones as a batch of a blind area."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.emitters.content import Order, Reading, ordered
from sandbox.emitters.speech import Ear, Heard, Line, Message, shares
from sensors.jt808 import encode
from sensors.jt808.framing import Frame, parse

flags = b"\x7e\x7d\x01\x02"
_REGISTER, _AUTHENTICATE, _POSITION, _BATCH = 0x0100, 0x0102, 0x0200, 0x0704
_GENERAL, _REGISTERED = 0x8001, 0x8100
_WRONG_CODE = "wrong-code"


def phone(device: int) -> str:
    """The terminal's phone as the hub names it: 12 digits; the edition of 2019 sends it in 20."""
    return f"{13_800_000_000 + device:012d}"


class Terminal:
    """One terminal. Its serial numbers go on over connections."""

    farewell = b""

    def __init__(self, order: Order, device: int, limit: int | None) -> None:
        self._order, self._device, self._limit = order, device, limit
        self._version = 1 if order.modern(device) else None
        self.phone = phone(order.number(device))
        self._wrong = order.faults.of_device("wrong_password", device)
        self._serial = 1
        body = encode.register(f"豫B{device:05d}", terminal_id=f"{device:07d}", version=self._version)
        self.greeting = self._frame(_REGISTER, 0, body)

    def messages(self) -> Iterator[Message]:
        """Positions one after the other; a duplicate is the very same frame."""
        before: tuple[Reading, Message] | None = None
        for reading in ordered(self._order, self._device, self._limit):
            made = before[1] if before is not None and before[0] is reading else self._said(reading)
            before = (reading, made)
            yield made

    def _said(self, reading: Reading) -> Message:
        self._serial = self._serial % 0xFFFF + 1
        factor = self._order.faults.value("unit") / 100 if "unit" in reading.marks else 1
        body = encode.position(
            reading.time,
            reading.lat,
            reading.lon,
            speed_kmh=min(6000, reading.speed_kmh * factor),
            direction_deg=reading.direction_deg,
            status=1 if "zero_position" in reading.marks else 3,
            extra={0x01: (1000 + reading.step).to_bytes(4, "big"), 0x30: b"\x1f", 0x31: b"\x0b"},
        )
        if reading.bad_time:
            body = body[:22] + bytes.fromhex("000000000000" if reading.step % 2 else "ab3199256199") + body[28:]
        late = "late" in reading.marks
        raw = self._frame(_BATCH if late else _POSITION, self._serial, encode.batch([body]) if late else body)
        time = None if reading.bad_time else reading.time.isoformat() + "+08:00"
        return Message(self.phone, time, raw, reading.marks, self._serial)

    def _frame(self, msg_id: int, serial: int, body: bytes) -> bytes:
        return encode.frame(msg_id, self.phone, serial, body, version=self._version)

    def barrier(self) -> bytes:
        """Each message has its answer."""
        return b""

    def ear(self) -> Ear:
        """Hears 0x8100 and 0x8001, and says the authentication."""
        return _Ear(self)

    def authentication(self, code: str) -> bytes:
        """The frame that presents the code of the registration."""
        body = encode.authenticate(_WRONG_CODE if self._wrong else code, version=self._version)
        return self._frame(_AUTHENTICATE, 0, body)


class _Ear:
    def __init__(self, terminal: Terminal) -> None:
        self._terminal, self._rest = terminal, b""

    def hear(self, data: bytes) -> list[Heard]:
        *whole, self._rest = (self._rest + data).split(b"\x7e")
        found = []
        for segment in whole:
            frame = parse(segment) if segment else None
            if isinstance(frame, Frame):
                found += self._about(frame)
        return found

    def _about(self, frame: Frame) -> list[Heard]:
        body = frame.body
        if frame.msg_id == _REGISTERED:
            if body[2]:
                return [Heard("refused", f"registration: {body[2]}")]
            return [Heard("reply", self._terminal.authentication(body[3:].decode("ascii", "replace")))]
        if frame.msg_id == _GENERAL:
            serial, about, result = int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big"), body[4]
            if about == _AUTHENTICATE:
                return [Heard("refused", f"authentication: {result}") if result else Heard("ready")]
            return [] if result else [Heard("answered", serial)]
        return []


def lines(order: Order, count: int | None) -> list[Line]:
    """One connection a terminal."""
    dealt = shares(count, order.devices)
    return [Terminal(order, device, dealt[device]) for device in range(order.devices)]
