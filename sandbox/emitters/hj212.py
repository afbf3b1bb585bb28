"""Dust monitors over HJ 212: one connection each, real-time data; Flag asks for an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import cycle

from sandbox.emitters.content import Order, Reading, ordered
from sandbox.emitters.speech import Ear, Heard, Line, Message, shares
from sensors.hj212.crc import HJ212, HJ212_SWAPPED, MODBUS
from sensors.hj212.encode import content, frame, segment

flags = b"#&\r\n;,="
OTHER = ((MODBUS, False), (HJ212_SWAPPED, False), (HJ212, True))
_ANSWER = re.compile(rb"##\d{4}(.*?)[0-9A-Fa-f]{4}\r\n", re.DOTALL)
_QN = re.compile(rb"QN=(\d+)")
_CN = re.compile(rb"CN=(\d{4})")
_RESULT = re.compile(rb"QnRtn=(\d+)")


def mn(device: int) -> str:
    """The 24 characters of a monitor's number."""
    return f"410221DUST{device:014d}"


class Monitor:
    """One monitor. A wrong password stands in every frame."""

    greeting = farewell = b""

    def __init__(self, order: Order, device: int, limit: int | None) -> None:
        self._order, self._device, self._limit = order, device, limit
        wrong = order.faults.of_device("wrong_password", device)
        self._password = "000000" if wrong else order.options.get("password", "123456")
        self._mn = mn(order.number(device))
        self._other = cycle(OTHER)
        flag = (8 if order.modern(device) else 4) | (1 if order.ask else 0)
        self._header = {"ST": "39", "CN": "2011", "PW": self._password, "MN": self._mn, "Flag": str(flag)}

    def messages(self) -> Iterator[Message]:
        """Real-time data (2011) one after the other."""
        for reading in ordered(self._order, self._device, self._limit):
            yield self._said(reading)

    def _said(self, reading: Reading) -> Message:
        qn = f"{reading.time:%Y%m%d%H%M%S}{reading.step % 1000:03d}"
        data_time = f"{reading.time:%Y}1332256199" if reading.bad_time else f"{reading.time:%Y%m%d%H%M%S}"
        factor = self._order.faults.value("unit") if "unit" in reading.marks else 1
        level = reading.level
        values = {
            "a34004": level * 0.4 * factor, "a34002": level * factor, "a34001": level * 1.6 * factor,
            "a01001": 12.5, "a01002": 55.0, "a01007": 2.1, "a01008": float(reading.direction_deg),
            "LA": 50 + level / 10,
        }  # fmt: skip
        mark = "D" if "marked" in reading.marks else "N"
        factors = {code: {"Rtd": f"{value:.1f}", "Flag": mark} for code, value in values.items()}
        made = segment({"QN": qn, **self._header}, content({"DataTime": data_time}, factors))
        if "other_checksum" in reading.marks:
            variant, lower = next(self._other)
            raw = frame(made, variant=variant, lower=lower)
        else:
            raw = frame(made, declared=len(made) + 1 + reading.step % 9 if "wrong_length" in reading.marks else None)
        time = None if reading.bad_time else reading.time.isoformat() + "+08:00"
        return Message(self._mn, time, raw, reading.marks, qn)

    def barrier(self) -> bytes:
        """Each message has its answer."""
        return b""

    def ear(self) -> Ear:
        """Hears 9014 and 9011."""
        return _Ear()


class _Ear:
    def __init__(self) -> None:
        self._rest = b""

    def hear(self, data: bytes) -> list[Heard]:
        self._rest += data
        found, end = [], 0
        for answer in _ANSWER.finditer(self._rest):
            end = answer.end()
            qn, cn, result = (pattern.search(answer[1]) for pattern in (_QN, _CN, _RESULT))
            if qn is None or cn is None:
                continue
            if cn[1] == b"9014":
                found.append(Heard("answered", qn[1].decode()))
            elif cn[1] == b"9011" and result is not None and result[1] in (b"2", b"3", b"4"):
                found.append(Heard("refused", f"QnRtn={result[1].decode()}"))
        self._rest = self._rest[end:][-4096:]
        return found


def lines(order: Order, count: int | None) -> list[Line]:
    """One connection a monitor."""
    dealt = shares(count, order.devices)
    return [Monitor(order, device, dealt[device]) for device in range(order.devices)]
