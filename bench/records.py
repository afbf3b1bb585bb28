"""The records that every contender reads: vehicle positions, nine columns, `id` unique, the same for a seed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

DAY = "2026-11-20"
VEHICLES = 2000
COLUMNS = ("id", "terminalPhone", "gpsTime", "lng", "lat", "speed", "direction", "mileage", "acc")


def page(number: int, size: int) -> bytes:
    """The JSON array of page `number` (from 1): `size` objects of about 190 bytes, compact."""
    chance = random.Random(number)
    start = datetime.fromisoformat(DAY)
    rows = []
    for i in range((number - 1) * size, number * size):
        moment = start + timedelta(seconds=(i // VEHICLES) * 170 % 86_400)
        rows.append(
            f'{{"id":"G{i:09d}","terminalPhone":"0139{i % VEHICLES:08d}","gpsTime":"{moment}",'
            f'"lng":{chance.uniform(114.70, 114.88):.6f},"lat":{chance.uniform(34.48, 34.62):.6f},'
            f'"speed":{chance.uniform(0, 80):.1f},"direction":{chance.randrange(360)},'
            f'"mileage":{chance.uniform(0, 1e5):.1f},"acc":"{chance.choice("10")}"}}'
        )
    return ("[" + ",".join(rows) + "]").encode()
