"""The records that every contender reads: vehicle positions, nine columns, `id` unique, the same for a seed."""

from __future__ import annotations

import math
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
        vehicle, step = i % VEHICLES, i // VEHICLES
        moment = start + timedelta(seconds=step * 170 % 86_400)
        turn = vehicle + step * 0.02  # each goes round in circles of 5 km, 100 m at a step
        rows.append(
            f'{{"id":"G{i:09d}","terminalPhone":"0139{vehicle:08d}","gpsTime":"{moment}",'
            f'"lng":{114.79 + 0.05 * math.cos(turn):.6f},"lat":{34.55 + 0.05 * math.sin(turn):.6f},'
            f'"speed":{chance.uniform(0, 80):.1f},"direction":{chance.randrange(360)},'
            f'"mileage":{vehicle * 40 + step * 0.1:.1f},"acc":"{chance.choice("10")}"}}'
        )
    return ("[" + ",".join(rows) + "]").encode()
