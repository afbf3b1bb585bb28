"""Bridges and when they were inspected, pumping stations and when they could run; all generated."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from sandbox.series import pick
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.4, 0.25, 0.15, 0.2]


def bridges(world: World) -> pa.Table:
    """The register: a bridge is inspected once a year or so, on a day of its own."""
    rng, n = world.stable_rng("municipal.bridge"), world.count(12, 60)
    every, phase = rng.integers(330, 372, n), rng.integers(0, 330, n)
    ago = (world.day.toordinal() - phase) % every
    at = [datetime.combine(world.day - timedelta(days=int(days)), datetime.min.time()) for days in ago]
    return pa.table(
        {
            "QLBH": pa.array([f"QL{i + 1:03d}" for i in range(n)]),
            "QLMC": pa.array([f"{i + 1}号桥" for i in range(n)]),
            "JCSJ": pa.array(at, pa.timestamp("us")),
            "JCZQ": pa.array(np.full(n, 12)),
            "SZQY": pick(DISTRICTS, rng.choice(4, n, p=SHARES)),
        }
    )


def pumps(world: World) -> pa.Table:
    """One row a station: the minutes of the day for which it could run."""
    stable, rng, n = world.stable_rng("municipal.pump"), world.rng("municipal.pump"), world.count(6, 18)
    broken = np.where(rng.random(n) < 0.06, rng.integers(20, 700, n), 0)
    return pa.table(
        {
            "BZBH": pa.array([f"BZ{i + 1:02d}" for i in range(n)]),
            "RQ": pa.repeat(world.day.isoformat(), n),
            "KYFZ": pa.array(1440 - broken),
            "SZQY": pick(DISTRICTS, stable.choice(4, n, p=SHARES)),
        }
    )
