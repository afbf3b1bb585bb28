"""Devices that send, and what the watches say about them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from cityhub.clock import day_bounds
from cityhub.spec.feed import FeedSpec
from tests.load.kit import DAY, Hub, feed
from warehouse.findings import Finding
from warehouse.watch.run import watch_day

FIELDS: dict[str, Any] = {
    "ts": {"from": "ts", "type": "timestamp"},
    "kpa": {"from": "kpa", "type": "double"},
    "rated": {"from": "rated", "type": "double"},
    "unit": {"from": "unit"},
}
DEVICES = tuple("ABCDEFGH")
EVERY_MIN = 30


def spec(**more: Any) -> FeedSpec:
    """A feed of devices that send every half hour."""
    return feed(FIELDS, **{"identity": {"key": ["id", "ts"], "day_from": "ts"}} | more)


def readings(
    day: date = DAY,
    devices: Iterable[str] = DEVICES,
    *,
    value: Callable[[str, int, float], float] = lambda device, slot, usual: usual,
    hours: range = range(24),
    shift_h: dict[str, int] | None = None,
) -> list[dict[str, Any]]:
    """Rows of a day; `value(device, slot, usual)` may change a reading, `shift_h` moves a device's clock."""
    rng = random.Random(f"{day}")
    rows = []
    for slot in range(24 * 60 // EVERY_MIN):
        for device in devices:
            usual = round(200 + rng.random() * 10, 2)
            minute = slot * EVERY_MIN
            if minute // 60 not in hours:
                continue
            moved = timedelta(days=(day - DAY).days, minutes=minute, hours=(shift_h or {}).get(device, 0))
            at = f"{(day_bounds(DAY)[0] + moved):%Y-%m-%d %H:%M:%S}"
            rows.append({"id": device, "ts": at, "kpa": value(device, slot, usual), "rated": 300.0, "unit": "u"})
    return rows


def watched(hub: Hub, of: FeedSpec, day: date = DAY) -> dict[str, Finding]:
    """What the watches find, by kind; the last of a kind."""
    (found,) = watch_day(hub.settings, [of], day)
    return {item.kind: item for item in found.findings}


def kinds(hub: Hub, of: FeedSpec, day: date = DAY) -> list[str]:
    """Kinds and subjects, sorted."""
    (found,) = watch_day(hub.settings, [of], day)
    return sorted(item.short for item in found.findings)
