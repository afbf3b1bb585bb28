"""Gas users with their inspections, hazards, the gate stations and the users' meters; all generated.

What the gates count is what the meters count plus a loss; one gate counts at 20 °C, the other at 0 °C.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from sandbox.geo import Floats
from sandbox.series import Ints, after, changed, clock, days_since, past, pick, recent, stored
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.4, 0.25, 0.15, 0.2]
GATES, GATE_SHARE, REFERENCE_C = ("MZ1", "MZ2"), np.array([0.6, 0.4]), np.array([20.0, 0.0])
LOST = 0.028
ROLLOVER = 100_000.0  # m³, five digits
OPEN_DAYS = 14


def _users(world: World) -> int:
    return world.count(2000, 100_000)


def _district(world: World) -> Ints:
    return world.stable_rng("gas.user").choice(4, _users(world), p=SHARES)


def users(world: World) -> pa.Table:
    """The register; a household is inspected about once a year, later in the outer districts."""
    n, district = _users(world), _district(world)
    rng = world.stable_rng("gas.inspection")
    every = np.array([350, 356, 380, 365])[district] + rng.integers(-10, 11, n)
    ago = (world.day.toordinal() - rng.integers(0, 340, n)) % every
    midnight = datetime.combine(world.day, datetime.min.time())
    return pa.table(
        {
            "yhbh": pa.array([f"RQYH{i + 1:06d}" for i in range(n)]),
            "ajsj": pa.array([midnight - timedelta(days=int(days)) for days in ago], pa.timestamp("us")),
            "ssqy": pick(DISTRICTS, district),
        }
    )


def _hazards(born: World, seen: World) -> pa.Table:
    rng, n = born.rng("gas.hazard"), born.count(8, 60)
    district = rng.choice(4, n, p=SHARES)
    found = clock(born, np.sort(rng.integers(8 * 3600, 18 * 3600, n)))
    closed = past(seen, after(found, rng.lognormal(np.log(np.array([40.0, 55.0, 80.0, 60.0])[district]), 0.5)))
    return pa.table(
        {
            "yhbh": pa.array([f"YH{born.day:%Y%m%d}{i + 1:04d}" for i in range(n)]),
            "fxsj": pa.array(found),
            "zgqx": pa.array(after(found, np.full(n, 168.0))),
            "zgsj": pa.array(closed),
            "ssqy": pick(DISTRICTS, district),
            "gxsj": pa.array(changed(found, closed)),
        }
    )


def hazards(world: World) -> pa.Table:
    """Those of the last weeks as the company knows them tonight."""
    return recent(world, OPEN_DAYS, _hazards)


def _rates(world: World) -> Floats:
    """m³ a day of each user at 20 °C."""
    return world.stable_rng("gas.meter").lognormal(np.log(0.7), 0.5, _users(world))


def flows(world: World) -> pa.Table:
    """The counters of the two gates, every hour."""
    hour, gate = np.repeat(np.arange(24), 2), np.tile(np.arange(2), 24)
    day = days_since(world) + hour / 24
    at_20 = _rates(world).sum() / (1 - LOST) * GATE_SHARE[gate] * day
    at = clock(world, hour * 3600)
    return pa.table(
        {
            "mzbh": pick(GATES, gate),
            "cjsj": pa.array(at),
            "ljl_m3": pa.array(np.round(at_20 * (273.15 + REFERENCE_C[gate]) / 293.15, 2)),
            "jzwd": pa.array(REFERENCE_C[gate]),
            "rksj": pa.array(stored(world, at, 20)),
        }
    )


def meters(world: World) -> pa.Table:
    """One reading a user and day, early in the morning."""
    rate, n = _rates(world), _users(world)
    start = world.stable_rng("gas.meter_start").uniform(0, 4000, n)
    second = world.rng("gas.meter").integers(0, 4 * 3600, n)
    total = np.mod(start + rate * (days_since(world) + second / 86_400), ROLLOVER)
    at = clock(world, second)
    return pa.table(
        {
            "bh": pa.array([f"RQB{i + 1:07d}" for i in range(n)]),
            "cbsj": pa.array(at),
            "ljds": pa.array(np.round(total, 2)),
            "ssqy": pick(DISTRICTS, _district(world)),
            "rksj": pa.array(stored(world, at, 600)),
        }
    )
