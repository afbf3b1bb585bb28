"""What goes wrong with pushed messages: `NAME[:VALUE][@SHARE]`, such as `late:86400@0.01`.

| name | value | what happens to the share of messages |
|---|---|---|
| duplicate | | sent twice |
| out_of_order | messages, 3 | sent so many messages later |
| late | seconds, 3600 | measured so long ago; vehicles send them as a batch |
| clock_skew | seconds, 28800 | the device's clock is wrong by so much, for good (share of devices) |
| frozen | repeats, 10 | the values stay the same for so many messages |
| unit | factor, 1000 | values in another unit: this many times as large |
| gap | | measured, never sent |
| spike | factor, 20 | one value far above the others |
| negative | | a value below zero |
| zero_fill | | zero in place of a value |
| saturated | number, 32767 | the end of the sensor's scale |
| marked | | a value that its own mark says not to use (HJ 212: D, fault) |
| changed_duplicate | | sent again, with another value for the same time |
| gcj02 | | coordinates of the map services in place of WGS-84 |
| swapped | | latitude and longitude exchanged |
| zero_position | | latitude and longitude are 0, as without a fix |
| bad_time | | a time that is none |
| other_checksum | | HJ 212: CRC-16/MODBUS, bytes exchanged, small letters: one after the other, all of them readable |
| wrong_length | | HJ 212: the length said is not the length sent, the checksum is right |
| bad_checksum | | a copy with a wrong checksum goes first |
| truncated | | a copy that breaks off goes first |
| garbage | | bytes that belong to no frame go first |
| split | bytes, 7 | written in pieces of so many bytes |
| glued | messages, 5 | written together with those that follow |
| unknown_device | | a number that no register has (share of devices) |
| twin | | the number of the device before it: two devices, one number (share of devices) |
| wrong_password | | the login is wrong (share of devices; default all) |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

SHARE = 0.05
_VALUES: Mapping[str, float | None] = {
    "duplicate": None,
    "out_of_order": 3,
    "late": 3600,
    "clock_skew": 28800,
    "frozen": 10,
    "unit": 1000,
    "gap": None,
    "spike": 20,
    "negative": None,
    "zero_fill": None,
    "saturated": 32767,
    "marked": None,
    "changed_duplicate": None,
    "gcj02": None,
    "swapped": None,
    "zero_position": None,
    "bad_time": None,
    "other_checksum": None,
    "wrong_length": None,
    "bad_checksum": None,
    "truncated": None,
    "garbage": None,
    "split": 7,
    "glued": 5,
    "unknown_device": None,
    "twin": None,
    "wrong_password": None,
}
NAMES = tuple(_VALUES)
OF_DEVICES = frozenset({"clock_skew", "unknown_device", "twin", "wrong_password"})
OF_FRAMES = frozenset({"bad_checksum", "truncated", "garbage", "split", "glued"})
_OF_PLACES = frozenset({"zero_position", "gcj02", "swapped"})
_OF_LEVELS = frozenset({"spike", "negative", "zero_fill", "saturated"})
_OF_HJ212 = frozenset({"marked", "other_checksum", "wrong_length"})
_NOT_OF = {
    "hj212": _OF_PLACES,
    "jt808": _OF_LEVELS | _OF_HJ212,
    "jt809": _OF_LEVELS | _OF_HJ212,
    "mqtt": _OF_PLACES | _OF_HJ212 | OF_FRAMES - {"garbage"},
}


@dataclass(frozen=True)
class Fault:
    """One kind of fault: what its value is, and which share of messages or devices it strikes."""

    name: str
    value: float = 0
    share: float = SHARE


@dataclass(frozen=True)
class Faults:
    """Which faults strike where. Draws depend on nothing but seed, fault and place."""

    seed: int = 1
    kinds: Mapping[str, Fault] = field(default_factory=dict)

    def value(self, name: str) -> int:
        """The value of a planned fault, 0 where it is not planned."""
        return int(self.kinds[name].value) if name in self.kinds else 0

    def of_device(self, name: str, device: int) -> bool:
        """Whether a fault of devices strikes this one."""
        kind = self.kinds.get(name)
        return kind is not None and Random(f"{self.seed}|{name}|{device}").random() < kind.share

    def draws(self, device: int) -> Draws:
        """The draws of one device, message after message."""
        planned = [kind for name, kind in self.kinds.items() if name not in OF_DEVICES]
        return Draws(planned, Random(f"{self.seed}|faults|{device}"))


class Draws:
    """Call it once a message: the names of the faults that strike it."""

    def __init__(self, planned: list[Fault], random: Random) -> None:
        self._planned, self._random = planned, random

    def __call__(self) -> frozenset[str]:
        return frozenset(kind.name for kind in self._planned if self._random.random() < kind.share)


def parse(protocol: str, seed: int, texts: Iterable[str]) -> Faults:
    """Faults from the command line. ValueError names what is wrong with one."""
    kinds: dict[str, Fault] = {}
    for text in texts:
        name, _, share = text.partition("@")
        name, _, value = name.partition(":")
        if name not in _VALUES:
            raise ValueError(f"{name!r} is no fault; there are {', '.join(NAMES)}")
        if name in _NOT_OF[protocol]:
            raise ValueError(f"{name} is no fault of {protocol}")
        default = _VALUES[name]
        if value and default is None:
            raise ValueError(f"{name} takes no value")
        kinds[name] = Fault(
            name,
            _number(text, value, default or 0, 1e9),
            _number(text, share, 1 if name == "wrong_password" else SHARE, 1),
        )
    return Faults(seed, kinds)


def _number(text: str, written: str, default: float, most: float) -> float:
    try:
        number = float(written) if written else default
    except ValueError:
        number = -1
    if not 0 <= number <= most:
        raise ValueError(f"{text!r}: {written!r} is no number from 0 to {most:g}")
    return number
