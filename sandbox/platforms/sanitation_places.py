"""Communities that sort waste, bins that overflow, public toilets; all generated."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.series import after, clock, past, pick, with_open_days
from sandbox.world import World, spread

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.38, 0.27, 0.15, 0.20]
SORTING = (0.86, 0.78, 0.64, 0.71)  # of the households, by district
EMPTIED_H = (0.8, 1.0, 1.4, 1.2)  # median
OPEN = (0.995, 0.99, 0.97, 0.985)  # of the scheduled minutes, by district
OPEN_DAYS = 2


def communities(world: World) -> pa.Table:
    """The register, the same each day."""
    rng, n = world.stable_rng("sanitation.community"), world.count(60, 260)
    district = spread(n, SHARES, rng)
    households = rng.integers(120, 2400, n)
    share = np.clip(rng.normal(np.array(SORTING)[district], 0.08, n), 0.1, 1.0)
    return pa.table(
        {
            "sqbh": pa.array([f"XQ{i + 1:04d}" for i in range(n)]),
            "sqmc": pa.array([f"{i + 1}号小区" for i in range(n)]),
            "zhs": pa.array(households),
            "flhs": pa.array(np.floor(households * share).astype(np.int64)),
            "xq": pick(DISTRICTS, district),
        }
    )


def _alarms(born: World, seen: World) -> pa.Table:
    rng, n = born.rng("sanitation.bin_alarm"), born.count(40, 220)
    district = rng.choice(4, n, p=SHARES)
    raised = clock(born, np.sort(rng.integers(0, 86_400, n)))
    hours = rng.lognormal(np.log(np.array(EMPTIED_H)[district]), 0.4)
    return pa.table(
        {
            "bjbh": pa.array([f"MY{born.day:%Y%m%d}{i + 1:05d}" for i in range(n)]),
            "ljtbh": pa.array([f"LJ{i:04d}" for i in rng.integers(1, born.count(400, 3000), n)]),
            "bjsj": pa.array(raised),
            "myl": pa.array(np.round(rng.uniform(90, 100, n), 1)),
            "qysj": pa.array(past(seen, after(raised, hours))),
            "xq": pick(DISTRICTS, district),
        }
    )


def bin_alarms(world: World) -> pa.Table:
    """Alarms of the day, and earlier ones cleared on it."""
    return with_open_days(world, OPEN_DAYS, _alarms, ("qysj",))


def toilets(world: World) -> pa.Table:
    """One row a toilet: the minutes of the day that it should have been and was open."""
    stable, rng, n = world.stable_rng("sanitation.toilet"), world.rng("sanitation.toilet"), world.count(30, 90)
    district = spread(n, SHARES, stable)
    scheduled = stable.choice([960, 1080, 1440], n, p=[0.3, 0.5, 0.2])
    share = np.where(rng.random(n) < 0.02, 0.4, np.clip(rng.normal(np.array(OPEN)[district], 0.01, n), 0, 1))
    return pa.table(
        {
            "gcbh": pa.array([f"GC{i + 1:03d}" for i in range(n)]),
            "rq": pa.repeat(world.day.isoformat(), n),
            "ydfz": pa.array(scheduled),
            "kffz": pa.array(np.floor(scheduled * share).astype(np.int64)),
            "xq": pick(DISTRICTS, district),
        }
    )
