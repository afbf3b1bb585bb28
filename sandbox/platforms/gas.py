"""智慧燃气 gas: points and pressures in the exchange database (MPa), leak alarms over MQTT.

An alarm is told in one to four messages (raised, acknowledged, arrived, cleared), each with all it knows so
far; `gxsj` orders them.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.content import Duplicates, Fault, Frozen, Late, OutOfOrder, Spoil, negative, times
from sandbox.dataset import Dataset
from sandbox.platforms import gas_supply
from sandbox.series import DAY_S, after, clock, grid, pick, stored
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.4, 0.25, 0.15, 0.2]
LOW, HIGH = (
    np.array([1.5, 150.0]),
    np.array([3.0, 400.0]),
)  # kPa: low-pressure street box, medium-pressure main


def _points(world: World) -> int:
    return world.count(60, 200)


def points(world: World) -> pa.Table:
    """Measuring points with the band in which their pressure must stay, kPa."""
    n, rng = _points(world), world.stable_rng("gas.point")
    main = (np.arange(n) % 3 > 0).astype(int)
    return pa.table(
        {
            "cdbh": pa.array([f"RQ{i + 1:04d}" for i in range(n)]),
            "cdmc": pa.array([f"{'中压管网' if m else '低压调压箱'}{i + 1}号" for i, m in enumerate(main)]),
            "yl_xx_kpa": pa.array(LOW[main]),
            "yl_sx_kpa": pa.array(HIGH[main]),
            "ssqy": pick(DISTRICTS, rng.choice(4, n, p=SHARES)),
        }
    )


def pressures(world: World) -> pa.Table:
    """MPa at each point every five minutes (demo) to every minute (county); falls at meal times."""
    n, per_day = _points(world), world.count(288, 1440)
    point, second = grid(n, per_day)
    rng, stable = world.rng("gas.pressure"), world.stable_rng("gas.pressure")
    main = (np.arange(n) % 3 > 0).astype(int)
    usual = np.where(main, stable.uniform(180, 340, n), stable.uniform(1.9, 2.6, n))
    hour = second / 3600
    meal = sum(np.exp(-(((hour - at) / 0.8) ** 2)) for at in (7.0, 12.0, 18.5))
    kpa = usual[point] * (1 - 0.09 * meal + rng.normal(0, 0.022, point.size))
    at = clock(world, second)
    return pa.table(
        {
            "cdbh": pick([f"RQ{i + 1:04d}" for i in range(n)], point),
            "cjsj": pa.array(at),
            "yl_mpa": pa.array(np.round(kpa / 1000, 6)),
            "rksj": pa.array(stored(world, at, rng.integers(3, 40, point.size))),
        }
    )


def _messages(born: World) -> pa.Table:
    rng, n = born.rng("gas.alarm"), born.count(25, 120)
    raised = clock(born, np.sort(rng.integers(0, DAY_S, n)))
    district = rng.choice(4, n, p=SHARES)
    acked = after(raised, rng.exponential(0.05, n) + 0.01)
    arrived = after(raised, rng.lognormal(np.log(0.28), 0.45, n) + 0.04 * district + 0.05)
    cleared = after(arrived, rng.exponential(0.6, n) + 0.05)
    steps = rng.choice(4, n, p=[0.04, 0.04, 0.04, 0.88]) + 1  # some alarms are never finished
    detector = rng.integers(1, 400, n)
    level = rng.choice(3, n, p=[0.6, 0.3, 0.1]) + 1
    told: list[dict[str, object]] = []
    for i in range(n):
        stages = [raised[i], acked[i], max(arrived[i], acked[i]), max(cleared[i], arrived[i], acked[i])]
        for step in range(int(steps[i])):
            known = [stages[k] if k <= step else None for k in range(4)]
            told.append(
                {
                    "bjbh": f"RQBJ{born.day:%Y%m%d}{i + 1:04d}",
                    "tcqbh": f"TCQ{detector[i]:04d}",
                    "bjjb": int(level[i]),
                    "bjsj": known[0],
                    "qrsj": known[1],
                    "dcsj": known[2],
                    "jcsj": known[3],
                    "xh": step + 1,
                    "gxsj": stages[step],
                    "ssqy": DISTRICTS[district[i]],
                }
            )
    kinds = {"bjjb": pa.int64(), "xh": pa.int64()}
    return pa.table(
        {
            name: pa.array(
                [row[name] for row in told],
                kinds.get(name, pa.timestamp("us") if name.endswith("sj") else pa.string()),
            )
            for name in told[0]
        }
    )


def alarms(world: World) -> pa.Table:
    """The messages sent on the day, those about alarms of the evening before included, in the order sent."""
    both = pa.concat_tables([_messages(world.back(1)), _messages(world)])
    start = world.start()
    sent = both["gxsj"].to_numpy()
    return both.filter(pa.array((sent >= start) & (sent < start + np.timedelta64(DAY_S, "s")))).sort_by("gxsj")


POINT_FAULTS: tuple[Fault, ...] = ()
PRESSURE_FAULTS: tuple[Fault, ...] = (
    Spoil("kpa_for_mpa", 0.001, {"yl_mpa": times(1000)}),
    Spoil("negative", 0.0005, {"yl_mpa": negative}),
    Frozen("cdbh", ("yl_mpa",), 60),
    Late("cdbh", 1, 0.05),
    Duplicates(0.002),
)
ALARM_FAULTS: tuple[Fault, ...] = (
    Spoil("level_9", 0.01, {"bjjb": lambda column: pc.add(pc.multiply(column, 0), 9)}),
    Duplicates(0.04),
    OutOfOrder(0.3, block=6),
)

DATASETS = {
    "point": Dataset("gas.point", points, None, POINT_FAULTS),
    "pressure": Dataset("gas.pressure", pressures, "cjsj", PRESSURE_FAULTS),
    "alarm": Dataset("gas.alarm", alarms, "bjsj", ALARM_FAULTS),
    "user": Dataset("gas.user", gas_supply.users),
    "hazard": Dataset("gas.hazard", gas_supply.hazards, "fxsj"),
    "flow": Dataset("gas.flow", gas_supply.flows, "cjsj"),
    "meter": Dataset("gas.meter", gas_supply.meters, "cbsj", (Duplicates(0.002),)),
}
EXCHANGE = {
    "point": "rq_cd",
    "pressure": "rq_yl",
    "user": "rq_yh",
    "hazard": "v_rqyh",
    "flow": "rq_ll",
    "meter": "rq_cb",
}
LIVING = {"hazard": ("yhbh", "gxsj")}
MQTT = {"alarm": "qixian/gas/alarm/{tcqbh}"}
