"""Outages and complaints of heating customers, in their newest state; all generated."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.series import after, changed, clock, past, pick, recent
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.42, 0.26, 0.12, 0.2]
CLOSED_H = (7.0, 9.0, 14.0, 11.0)  # median
OPEN_DAYS = 5


def _outages(born: World, seen: World) -> pa.Table:
    rng = born.rng("heat.outage")
    n = int(rng.poisson(born.count(2, 4)))
    started = clock(born, np.sort(rng.integers(0, 86_400, n)))
    ended = past(seen, after(started, rng.exponential(3.0, n) + 0.3))
    return pa.table(
        {
            "tzbh": pa.array([f"TR{born.day:%Y%m%d}{i + 1:04d}" for i in range(n)], pa.string()),
            "kssj": pa.array(started),
            "jssj": pa.array(ended),
            "yxhs": pa.array(rng.integers(40, 700, n)),
            "ssqy": pick(DISTRICTS, rng.choice(4, n, p=SHARES)),
            "gxsj": pa.array(changed(started, ended)),
        }
    )


def outages(world: World) -> pa.Table:
    """Those of the last days as the company knows them tonight."""
    return recent(world, OPEN_DAYS, _outages)


def _complaints(born: World, seen: World) -> pa.Table:
    rng, n = born.rng("heat.complaint"), born.count(20, 150)
    district = rng.choice(4, n, p=SHARES)
    received = clock(born, np.sort(rng.integers(6 * 3600, 23 * 3600, n)))
    closed = past(seen, after(received, rng.lognormal(np.log(np.array(CLOSED_H)[district]), 0.5)))
    return pa.table(
        {
            "tsbh": pa.array([f"TS{born.day:%Y%m%d}{i + 1:04d}" for i in range(n)]),
            "slsj": pa.array(received),
            "bjsj": pa.array(closed),
            "ssqy": pick(DISTRICTS, district),
            "gxsj": pa.array(changed(received, closed)),
        }
    )


def complaints(world: World) -> pa.Table:
    """Those of the last days as the company knows them tonight."""
    return recent(world, OPEN_DAYS, _complaints)
