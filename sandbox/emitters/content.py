"""What devices measure and when: readings of one device, one after the other, decided by the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from math import cos, sin
from random import Random

import numpy as np

from sandbox.emitters.faults import Faults
from sandbox.geo import to_gcj02

LAT, LON = 34.5383, 114.8044
UNKNOWN = 90_000


@dataclass(frozen=True)
class Order:
    """What is asked for. `start` is the first moment that is measured, local time; `ask` wants answers."""

    protocol: str
    devices: int = 1
    seed: int = 1
    start: datetime = datetime(2026, 11, 20)  # noqa: DTZ001 - Beijing time, as devices have it
    period_s: int = 10
    edition: str = "mix"
    ask: bool = True
    faults: Faults = field(default_factory=Faults)
    options: dict[str, str] = field(default_factory=dict)

    def modern(self, device: int) -> bool:
        """Whether a device speaks the newer edition: with "mix" every second one does."""
        return self.edition == "new" or (self.edition == "mix" and device % 2 == 1)

    def number(self, device: int) -> int:
        """The number that a device says it has."""
        if self.faults.of_device("unknown_device", device):
            return UNKNOWN + device
        return device - 1 if device and self.faults.of_device("twin", device) else device


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement. `time` is what the device says, seconds exact; `marks` are the faults that strike it."""

    device: int
    step: int
    time: datetime
    level: float
    lat: float
    lon: float
    speed_kmh: float
    direction_deg: int
    marks: frozenset[str] = frozenset()

    @property
    def bad_time(self) -> bool:
        """Whether the device sends a time that is none."""
        return "bad_time" in self.marks


def readings(order: Order, device: int) -> Iterator[Reading]:
    """The readings of a device for ever, one a period.

    Late ones are shifted by whole periods and one second, so that no two readings of a device share a time (with a
    period of 2 s or more).
    """
    faults, draws = order.faults, order.faults.draws(device)
    random = Random(f"{order.seed}|{order.protocol}|{device}")
    heading, level = random.random() * 6.28, 20 + random.random() * 80
    skewed = faults.of_device("clock_skew", device)
    skew = timedelta(seconds=faults.value("clock_skew") if skewed else 0)
    late = timedelta(seconds=-(-faults.value("late") // order.period_s) * order.period_s + 1)
    frozen, last = 0, None
    begin = order.start + timedelta(seconds=device % order.period_s)
    for step in count():
        marks = draws() | ({"clock_skew"} if skewed else frozenset())
        level = max(0.0, level + random.uniform(-3, 3))
        heading += random.uniform(-0.3, 0.3)
        speed = random.uniform(5, 60)
        moment = begin + timedelta(seconds=order.period_s * step) + skew - (late if "late" in marks else timedelta())
        fresh = Reading(
            device, step, moment, round(level, 1),
            round(LAT + 0.05 * sin(step / 90 + device), 6), round(LON + 0.05 * cos(step / 90 + device), 6),
            round(speed, 1), int(heading * 57.3) % 360, marks,
        )  # fmt: skip
        if frozen and last is not None:
            frozen -= 1
            fresh = replace(last, step=step, time=moment, marks=marks | {"frozen"})
        elif "frozen" in marks:
            frozen = max(0, faults.value("frozen") - 1)
        fresh = _struck(fresh, faults)
        if "gap" not in fresh.marks:
            yield fresh
        last = fresh


def _struck(reading: Reading, faults: Faults) -> Reading:
    """The reading with the faults of its content; of several, the last one counts."""
    level, lat, lon = reading.level, reading.lat, reading.lon
    if "spike" in reading.marks:
        level = round(level * faults.value("spike"), 1)
    if "negative" in reading.marks:
        level = -level - 1
    if "zero_fill" in reading.marks:
        level = 0.0
    if "saturated" in reading.marks:
        level = float(faults.value("saturated"))
    if "gcj02" in reading.marks:
        shifted = to_gcj02(np.array([lon]), np.array([lat]))
        lon, lat = (round(float(axis[0]), 6) for axis in shifted)
    if "swapped" in reading.marks:
        lat, lon = lon, lat
    if "zero_position" in reading.marks:
        lat = lon = 0.0
    return replace(reading, level=level, lat=lat, lon=lon)


def ordered(order: Order, device: int, limit: int | None = None) -> Iterator[Reading]:
    """The same readings in the order in which they are sent: some later, some twice; `limit` counts readings."""
    wait = max(1, order.faults.value("out_of_order"))
    held: list[tuple[int, Reading]] = []
    for reading in readings(order, device):
        if limit is not None and reading.step >= limit:
            break
        if "out_of_order" in reading.marks:
            held.append((reading.step + wait, reading))
            continue
        yield from _copies(reading)
        while held and held[0][0] <= reading.step:
            yield from _copies(held.pop(0)[1])
    for _, reading in held:
        yield from _copies(reading)


def _copies(reading: Reading) -> Iterator[Reading]:
    yield reading
    if "duplicate" in reading.marks:
        yield reading
    if "changed_duplicate" in reading.marks:
        yield replace(reading, level=round(reading.level + 1, 1), speed_kmh=round(reading.speed_kmh + 1, 1))
