"""智慧供水 water: pressures and plants by REST (bearer token, pages), meters as a nightly CSV drop."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox import records
from sandbox.content import Duplicates, Fault, Frozen, Late, Spoil, negative, put, times
from sandbox.dataset import GENERATED, Dataset, Drop, real
from sandbox.manners import Bearer, Endpoint, Manner, Page
from sandbox.platforms import water_network
from sandbox.series import clock, days_since, grid, pick
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.4, 0.25, 0.15, 0.2]
NOTEBOOK = "kanthaus_water_readings.csv"
ROLLOVER = 100_000.0  # m³, five digits

MANNER = Manner(
    auth=Bearer(),
    paging=Page(number="pageNum", size="pageSize"),
    ok='{"status":200,"totalCount":$total,"items":[$records]}',
    error='{"status":$code,"error":"$message"}',
)


def pressures(world: World) -> pa.Table:
    """kPa in the network against the point's standard, every five minutes (demo) to every minute (county)."""
    n = world.count(30, 30)
    point, second = grid(n, world.count(288, 1440))
    stable, rng = world.stable_rng("water.pressure"), world.rng("water.pressure")
    standard = stable.choice([140.0, 160.0, 200.0, 240.0], n)
    usual = standard * stable.uniform(1.10, 1.45, n)
    district = stable.choice(4, n, p=SHARES)
    hour = second / 3600
    draw = sum(np.exp(-(((hour - at) / 1.0) ** 2)) for at in (7.2, 12.2, 19.0))
    kpa = usual[point] * (1 - 0.13 * draw + rng.normal(0, 0.02, point.size))
    return pa.table(
        {
            "cdbh": pick([f"GS{i + 1:03d}" for i in range(n)], point),
            "cjsj": pa.array(clock(world, second)),
            "yl": pa.array(np.round(kpa, 1)),
            "bzyl": pa.array(standard[point]),
            "ssqy": pick(DISTRICTS, district[point]),
        }
    )


def plants(world: World) -> pa.Table:
    """Finished water of the two works, each minute."""
    plant, second = grid(2, 1440)
    rng = world.rng("water.plant")
    draw = 1 + 0.25 * np.sin((second / 3600 - 4) / 24 * 2 * np.pi)
    return pa.table(
        {
            "scbh": pick(("一水厂", "二水厂"), plant),
            "cjsj": pa.array(clock(world, second)),
            "zd": pa.array(np.round(rng.lognormal(np.log(0.32), 0.28, plant.size), 3)),
            "yl": pa.array(np.round(rng.normal(0.62, 0.09, plant.size), 2)),
            "ph": pa.array(np.round(rng.normal(7.4, 0.06, plant.size), 2)),
            "ll": pa.array(np.round(np.array([1250.0, 820.0])[plant] * draw + rng.normal(0, 9, plant.size), 1)),
        }
    )


def meters(world: World) -> pa.Table:
    """One reading a meter and day, m³; the first four meters are the notebook's when there are records."""
    n = world.count(3000, 120_000)
    stable, rng = world.stable_rng("water.meter"), world.rng("water.meter")
    rate = stable.lognormal(np.log(0.35), 0.6, n)
    start = stable.uniform(0, 4000, n)
    day = days_since(world)
    weekly = 0.3 * rate * np.sin(day / 7 * 2 * np.pi)
    total = np.mod(start + rate * day + weekly, ROLLOVER)
    reverse = np.where(stable.random(n) < 0.004, np.round(0.01 * rate * day, 2), 0.0)
    district = stable.choice(4, n, p=SHARES)
    table = pa.table(
        {
            "表号": pa.array([f"SB{i + 1:07d}" for i in range(n)]),
            "抄表时间": pa.array(clock(world, rng.integers(0, 6 * 3600, n))),
            "累计读数(m³)": pa.array(np.round(total, 2)),
            "反向读数(m³)": pa.array(reverse),
            "区域编码": pick(DISTRICTS, district),
            "data_origin": pa.array([GENERATED] * n),
        }
    )
    page = _notebook(world)
    return pa.concat_tables([page.cast(table.schema), table.slice(4)]) if page is not None else table


def _notebook(world: World) -> pa.Table | None:
    """Four real meters: one line of the notebook a day, in the order in which it was written, so that blanks,
    the meter that runs backwards and the line out of order all come."""
    lines = records.rows(world, NOTEBOOK)
    if lines is None:
        return None
    lines = [line for line in lines if line["#date"].strip()]
    line = lines[days_since(world) % len(lines)]
    numbers = [name for name in line if name != "#date"]
    values = [float(line[name]) if (line[name] or "").strip() else None for name in numbers]
    return pa.table(
        {
            "表号": pa.array([f"SB{i + 1:07d}" for i in range(4)]),
            "抄表时间": pa.array(clock(world, np.full(4, 8 * 3600))),
            "累计读数(m³)": pa.array(values, pa.float64()),
            "反向读数(m³)": pa.array([0.0] * 4),
            "区域编码": pa.array(["01", "02", "03", "04"]),
            "data_origin": pa.array([real("kanthaus water readings")] * 4),
        }
    )


PRESSURE_FAULTS: tuple[Fault, ...] = (
    Spoil("pa_for_kpa", 0.001, {"yl": times(1000)}),
    Spoil("negative", 0.0005, {"yl": negative}),
    Frozen("cdbh", ("yl",), 72),
    Late("cdbh", 1, 0.06),
    Duplicates(0.003),
)
PLANT_FAULTS: tuple[Fault, ...] = (
    Spoil("ph_99", 0.002, {"ph": put(99.9)}),
    Spoil("blank", 0.005, {"yl": put(None)}, bad=False),
    Frozen("scbh", ("zd",), 45),
)
METER_FAULTS: tuple[Fault, ...] = (
    Spoil("negative", 0.002, {"累计读数(m³)": negative}),
    Spoil("blank", 0.01, {"累计读数(m³)": put(None)}, bad=False),
    Spoil("pulse_x10", 0.002, {"累计读数(m³)": times(10)}, bad=False),
    Duplicates(0.002),
)

DATASETS = {
    "pressure": Dataset("water.pressure", pressures, "cjsj", PRESSURE_FAULTS),
    "plant": Dataset("water.plant", plants, "cjsj", PLANT_FAULTS),
    "meter": Dataset("water.meter", meters, "抄表时间", METER_FAULTS),
    "quality": Dataset("water.quality", water_network.quality, "cysj"),
    "dma_flow": Dataset("water.dma_flow", water_network.dma_flows, "cjsj", (Duplicates(0.01),)),
    "burst": Dataset("water.burst", water_network.bursts, "bxsj"),
}
ENDPOINTS = [
    Endpoint("/api/v2/pressure", "pressure", MANNER, day="day"),
    Endpoint("/api/v2/plant", "plant", MANNER, day="day"),
    Endpoint("/api/v2/quality", "quality", MANNER, day="day"),
    Endpoint("/api/v2/dma", "dma_flow", MANNER, day="day"),
    Endpoint("/api/v2/burst", "burst", MANNER, day="day"),
]
DROPS = {"meter": Drop("water_meter_{day}.csv", full_width=("累计读数(m³)", "反向读数(m³)"))}
