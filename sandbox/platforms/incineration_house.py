"""Inside the incinerator: furnace temperatures and the fly ash that leaves; all generated."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.series import clock, stored
from sandbox.world import World

SLOT_S = 300
COLD = 0.002  # of the five-minute means
ASH_SHARE = (0.027, 0.036)


def furnace_temperatures(world: World) -> pa.Table:
    """Five-minute means of the one furnace; in one night of twelve it is run down and up again."""
    rng, second = world.rng("incineration.furnace_temp"), np.arange(288) * SLOT_S
    degrees = rng.normal(925, 14, 288)
    degrees = np.where(rng.random(288) < COLD, rng.uniform(815, 849, 288), degrees)
    burning = np.ones(288, dtype=bool)
    if rng.random() < 1 / 12:
        start = int(rng.integers(0, 200))
        burning[start : start + 60] = False
        degrees[start : start + 60] = rng.uniform(200, 700, 60)
    at = clock(world, second)
    return pa.table(
        {
            "lbh": pa.array(["1#"] * 288),
            "cjsj": pa.array(at),
            "wd": pa.array(np.round(degrees, 1), mask=rng.random(288) < 0.004),
            "yxzt": pa.array(burning.astype(np.int64)),
            "rksj": pa.array(stored(world, at, 320)),
        }
    )


def ash(world: World, burnt_kg: float) -> pa.Table:
    """Trucks of some nine tonnes until the day's ash is gone."""
    rng = world.rng("incineration.ash")
    whole = burnt_kg * rng.uniform(*ASH_SHARE)
    n = max(1, round(whole / 9_000))
    at = clock(world, np.sort(rng.integers(8 * 3600, 18 * 3600, n)))
    return pa.table(
        {
            "bdh": pa.array([f"FH{world.day:%Y%m%d}{i + 1:03d}" for i in range(n)]),
            "gbsj": pa.array(at),
            "jz_kg": pa.array(np.full(n, np.round(whole / n, -1))),
            "rksj": pa.array(stored(world, at, 60)),
        }
    )
