"""Laboratory results, flows into metering districts, burst mains; all generated.

What flows in is what the meters of `water.py` count plus each district's loss, so that the leakage rate is plausible.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.geo import Floats
from sandbox.series import after, clock, days_since, grid, past, pick, with_open_days
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.4, 0.25, 0.15, 0.2]
PLANTS = ("一水厂", "二水厂")
ITEMS = ("浑浊度", "色度", "臭和味", "肉眼可见物", "高锰酸盐指数", "菌落总数", "总大肠菌群", "余氯", "pH")
DMAS = ("DMA01", "DMA02", "DMA03", "DMA04", "DMA05", "DMA06", "DMA07", "DMA08")
DMA_SHARE = (0.20, 0.20, 0.15, 0.10, 0.08, 0.07, 0.10, 0.10)
LOST = (0.06, 0.07, 0.08, 0.09, 0.11, 0.13, 0.09, 0.10)
SWING = 0.55  # of the consumption over the day
OPEN_DAYS = 3


def quality(world: World) -> pa.Table:
    """A sample a plant and day, all items of it."""
    rng, n = world.rng("water.quality"), len(PLANTS) * len(ITEMS)
    plant, item = np.repeat(np.arange(len(PLANTS)), len(ITEMS)), np.tile(np.arange(len(ITEMS)), len(PLANTS))
    good = rng.random(n) >= 0.01
    return pa.table(
        {
            "ypbh": pa.array([f"YP{world.day:%Y%m%d}{p + 1:02d}" for p in plant]),
            "xm": pick(ITEMS, item),
            "scbh": pick(PLANTS, plant),
            "cysj": pa.array(clock(world, np.full(n, 9 * 3600))),
            "jcz": pa.array([f"{value:.2f}" for value in rng.uniform(0.1, 1.0, n)]),
            "hg": pa.array(good.astype(np.int64)),
        }
    )


def _daily(world: World) -> Floats:
    """m³ a day into each district: consumption and loss. The meters' rates are the first that their stream draws."""
    rates = world.stable_rng("water.meter").lognormal(np.log(0.35), 0.6, world.count(3000, 120_000))
    return np.asarray(rates.sum() * np.array(DMA_SHARE))


def dma_flows(world: World) -> pa.Table:
    """Every quarter of an hour: consumption follows the day, loss does not."""
    dma, second = grid(len(DMAS), 96)
    used, lost = _daily(world)[dma], np.array(LOST)[dma]
    loss = used * lost / (1 - lost)
    turn = 2 * np.pi * (second / 86_400 - 0.375)
    flow = (used * (1 + SWING * np.sin(turn)) + loss) / 24
    day = days_since(world) + second / 86_400
    counted = (used + loss) * day - used * SWING / (2 * np.pi) * np.cos(turn)
    flow *= world.rng("water.dma_flow").normal(1, 0.03, flow.size)
    return pa.table(
        {
            "fqbh": pick(DMAS, dma),
            "cjsj": pa.array(clock(world, second)),
            "ll": pa.array(np.round(flow, 2)),
            "ljll": pa.array(np.round(counted, 1)),
            "ssqy": pick(DISTRICTS, dma // 2),
        }
    )


def _bursts(born: World, seen: World) -> pa.Table:
    rng = born.rng("water.burst")
    n = int(rng.poisson(born.count(3, 8)))
    reported = clock(born, np.sort(rng.integers(0, 86_400, n)))
    limit = rng.choice([8.0, 24.0], n)
    repaired = past(seen, after(reported, limit * rng.lognormal(np.log(0.5), 0.5, n)))
    return pa.table(
        {
            "bgbh": pa.array([f"BG{born.day:%Y%m%d}{i + 1:03d}" for i in range(n)], pa.string()),
            "bxsj": pa.array(reported),
            "qxsj": pa.array(after(reported, limit)),
            "xfsj": pa.array(repaired),
            "ssqy": pick(DISTRICTS, rng.choice(4, n, p=SHARES)),
        }
    )


def bursts(world: World) -> pa.Table:
    """Bursts of the day, and earlier ones repaired on it."""
    return with_open_days(world, OPEN_DAYS, _bursts, ("xfsj",))
