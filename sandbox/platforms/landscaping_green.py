"""Green areas with their canopy, and the meters of the parks; all generated. Areas in 亩."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.geo import Floats
from sandbox.series import Ints, clock, days_since, pick
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.4, 0.25, 0.15, 0.2]
KINDS = ("公园绿地", "防护绿地", "附属绿地", "道路绿地")
TOTAL_MU = (5_700.0, 4_100.0, 8_600.0, 3_200.0)  # of each kind: about 40 % of a built-up area of 35 km²
M2_OF_MU = 666.67
ROLLOVER = 100_000.0  # m³, five digits


def _areas(world: World) -> tuple[Ints, Floats, Ints]:
    """Kind, area in 亩 and district of each."""
    rng, n = world.stable_rng("landscaping.green"), world.count(160, 900)
    kind = np.arange(n) % 4
    weight = rng.lognormal(0, 0.6, n)
    area = weight / np.bincount(kind, weight, 4)[kind] * np.array(TOTAL_MU)[kind]
    return kind, np.round(area, 2), rng.choice(4, n, p=SHARES)


def greens(world: World) -> pa.Table:
    """The register, the same each day."""
    kind, area, district = _areas(world)
    share = np.clip(world.stable_rng("landscaping.canopy").normal(0.97, 0.05, area.size), 0.5, 1.15)
    return pa.table(
        {
            "绿地编号": pa.array([f"LD{i + 1:04d}" for i in range(area.size)]),
            "绿地类型": pick(KINDS, kind),
            "面积(亩)": pa.array(area),
            "覆盖面积(亩)": pa.array(np.round(area * share, 2)),
            "区域编码": pick(DISTRICTS, district),
        }
    )


def irrigation(world: World) -> pa.Table:
    """One reading a park and day; between one and three litres a day and square metre."""
    kind, area, district = _areas(world)
    park = np.flatnonzero(kind == 0)
    stable = world.stable_rng("landscaping.irrigation")
    rate = area[park] * M2_OF_MU * stable.uniform(0.001, 0.003, park.size)
    total = np.mod(stable.uniform(0, ROLLOVER, park.size) + rate * days_since(world), ROLLOVER)
    return pa.table(
        {
            "水表编号": pa.array([f"LS{i + 1:04d}" for i in range(park.size)]),
            "绿地编号": pa.array([f"LD{i + 1:04d}" for i in park]),
            "抄表时间": pa.array(clock(world, np.full(park.size, 8 * 3600))),
            "累计读数(m³)": pa.array(np.round(total, 1)),
            "区域编码": pick(DISTRICTS, district[park]),
        }
    )
