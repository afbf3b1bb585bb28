"""Cabinets of street lamps: their energy counters and how punctually they switch; all generated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox.geo import Floats
from sandbox.series import clock, days_since, pick
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
ROLLOVER = 1_000_000.0  # kWh, six digits
SILENT, LATE = 0.01, 0.03  # of the cabinets in a night


def _cabinets(lamp: dict[str, NDArray[Any]]) -> tuple[list[str], NDArray[np.int64], Floats]:
    """Number, district (0 to 3) and connected load in kW of each cabinet."""
    n = int(lamp["cabinet"].max()) + 1
    place = np.zeros(n, dtype=np.int64)
    place[lamp["cabinet"]] = lamp["district"].astype(np.int64) - 1
    load = np.bincount(lamp["cabinet"], lamp["power"] * ~lamp["removed"], n) / 1000
    return [f"KZ{i + 1:04d}" for i in range(n)], place, load


def energy(world: World, lamp: dict[str, NDArray[Any]], night: tuple[float, float]) -> pa.Table:
    """The counter of each cabinet, read every hour; it counts while it is dark."""
    numbers, place, load = _cabinets(lamp)
    n, (rise, fall) = len(numbers), night
    hour, who = np.repeat(np.arange(24), n), np.tile(np.arange(n), 24)
    dark = np.minimum(hour, rise) + np.maximum(hour - fall, 0)
    start = world.stable_rng("lighting.energy").uniform(0, ROLLOVER, n)
    burnt = 0.8 * load[who] * (12.0 * days_since(world) + dark * 12.0 / (rise + 24 - fall))
    return pa.table(
        {
            "cabinetNo": pick(numbers, who),
            "readTime": pa.array(clock(world, hour * 3600)),
            "kwhTotal": pa.array(np.round(np.mod(start[who] + burnt, ROLLOVER), 2)),
            "areaCode": pick(DISTRICTS, place[who]),
        }
    )


def switching(world: World, lamp: dict[str, NDArray[Any]], night: tuple[float, float]) -> pa.Table:
    """The night that ended on the day: planned and real times of each cabinet."""
    numbers, place, _ = _cabinets(lamp)
    rng, n, (rise, fall) = world.rng("lighting.switching"), len(numbers), night
    on, off = np.full(n, round(fall * 3600)), np.full(n, round(rise * 3600))
    slip = np.where(rng.random(n) < LATE, rng.uniform(400, 3600, n), np.abs(rng.normal(0, 60, n)))
    silent = rng.random(n) < SILENT
    evening = world.back(1)
    return pa.table(
        {
            "cabinetNo": pa.array(numbers),
            "nightDate": pa.repeat(world.day.isoformat(), n),
            "planOn": pa.array(clock(evening, on)),
            "realOn": pa.array(clock(evening, on + slip.astype(np.int64)), mask=silent),
            "planOff": pa.array(clock(world, off)),
            "realOff": pa.array(clock(world, off + rng.integers(-90, 90, n)), mask=silent),
            "areaCode": pick(DISTRICTS, place),
        }
    )
