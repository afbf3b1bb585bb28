"""焚烧供电 waste-to-energy: daily flue-gas means as the public platform discloses them (REST by date),
weighing tickets and electricity counters in the exchange database.

With records: real daily means of Henan's furnaces, each on one of its own real days, blanks, marks and upload
lag kept; the county's own plant is always among them. Without: the same shape, drawn.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from sandbox import records
from sandbox.content import Duplicates, Fault, Spoil, negative, put, times
from sandbox.dataset import GENERATED, Dataset, real
from sandbox.manners import Endpoint, Manner, NoAuth, NoPaging
from sandbox.platforms import incineration_house
from sandbox.series import clock, days_since, pick, stored
from sandbox.world import World

OWN_PLANT = "杞县首创环保能源有限公司"
OWN_FURNACE = "0A7A58EFC1ABF7960AC3DB2B8BF2D089"
LIMITS = {"001": 20, "002": 80, "003": 250, "004": 80, "008": 50}  # mg/m³, GB 18485-2014, 24 h
NAMES = {"001": "颗粒物", "002": "二氧化硫", "003": "氮氧化物", "004": "一氧化碳", "008": "氯化氢"}
TYPICAL = {"001": 2.6, "002": 18.0, "003": 118.0, "004": 5.0, "008": 6.0}
COLUMNS = (
    "ps_name",
    "mp_code",
    "monitor_time",
    "pollutant_code",
    "pollutant_name",
    "strength",
    "standard_value",
    "remark",
    "create_time",
    "data_origin",
)
ROLLOVER = 10_000_000  # kWh, seven digits


def cems(world: World) -> pa.Table:
    """Daily means, one row a furnace and pollutant; `strength` is text, empty where there is no value."""
    lines = records.rows(world, "henan_cems_daily.csv")
    rows = _real(world, lines) if lines else _drawn(world)
    return pa.table({name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(COLUMNS)})


def _real(world: World, lines: list[dict[str, str]]) -> list[tuple[str, ...]]:
    by_furnace: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        by_furnace[line["mp_code"]][line["day"]].append(line)
    origin = real("Henan CEMS, Ministry of Ecology and Environment")
    rows: list[tuple[str, ...]] = []
    for days in by_furnace.values():
        known = sorted(days)
        for line in days[known[days_since(world) % len(known)]]:
            measured = datetime.fromisoformat(line["monitor_time"])
            moved = datetime.combine(world.day, measured.time())
            sent = ""
            if line["create_time"]:
                lag = datetime.fromisoformat(line["create_time"]) - measured
                sent = (moved + lag).isoformat(sep=" ", timespec="seconds")
            code = line["pollutant_code"]
            rows.append(
                (
                    line["ps_name"],
                    line["mp_code"],
                    moved.isoformat(sep=" "),
                    code,
                    line["pollutant_name"],
                    line["strength"],
                    line["standard_value"],
                    line["remark"],
                    sent,
                    origin,
                )
            )
    return rows


def _drawn(world: World) -> list[tuple[str, ...]]:
    """Shares of the real rows: 13 % without contact, 3.5 % maintenance, uploaded 33.3 h after midnight."""
    rng, stable = world.rng("incineration.cems"), world.stable_rng("incineration.cems")
    plants = [(OWN_PLANT, OWN_FURNACE)]
    plants += [(f"示例垃圾焚烧厂{i // 2 + 1:02d}", f"EXAMPLE{i:025d}") for i in range(1, 36)]
    rows: list[tuple[str, ...]] = []
    start = datetime.combine(world.day, datetime.min.time())
    for plant, furnace in plants:
        level = stable.lognormal(0, 0.35)
        mark = str(rng.choice(["", "通讯中断", "CEMS维护"], p=[0.835, 0.13, 0.035]))
        if furnace == OWN_FURNACE:
            mark = ""
        lag = timedelta(hours=33.3 + (float(rng.exponential(30)) if rng.random() < 0.045 else 0.05))
        for code, limit in LIMITS.items():
            value = min(TYPICAL[code] * level * rng.lognormal(0, 0.25), 0.98 * limit)
            blank = mark == "通讯中断" or rng.random() < 0.01
            zero = code in {"002", "004", "008"} and rng.random() < 0.01
            rows.append(
                (
                    plant,
                    furnace,
                    start.isoformat(sep=" "),
                    code,
                    NAMES[code],
                    "" if blank else "0.0" if zero else f"{value:.2f}",
                    str(limit),
                    mark,
                    (start + lag).isoformat(sep=" ", timespec="seconds"),
                    GENERATED,
                )
            )
    return rows


def _tickets(world: World) -> tuple[int, float]:
    """Trucks of the day and what they bring in kg."""
    rng = world.rng("incineration.day")
    n = int(world.count(60, 60) * rng.uniform(0.9, 1.1))
    return max(n, 1), float(rng.uniform(500_000, 590_000))


def weighings(world: World) -> pa.Table:
    """Tickets of the weighbridge, kg."""
    n, tonnage = _tickets(world)
    rng = world.rng("incineration.weigh")
    share = rng.gamma(12, 1, n)
    net = np.round(tonnage * share / share.sum(), -1)
    tare = np.round(rng.normal(9_800, 700, n), -1)
    at = clock(world, np.sort(rng.integers(5 * 3600, 21 * 3600, n)))
    return pa.table(
        {
            "bdh": pa.array([f"FS{world.day:%Y%m%d}{i + 1:04d}" for i in range(n)]),
            "czmc": pa.array([OWN_PLANT] * n),
            "gbsj": pa.array(at),
            "mz_kg": pa.array(net + tare),
            "pz_kg": pa.array(tare),
            "jz_kg": pa.array(net),
            "ljlx": pick(("生活垃圾", "餐厨沼渣", "其他"), rng.choice(3, n, p=[0.93, 0.04, 0.03])),
            "rksj": pa.array(stored(world, at, rng.integers(5, 120, n))),
        }
    )


def counters(world: World) -> pa.Table:
    """Two generator meters, cumulative kWh each hour; seven digits, then from zero again."""
    hour = np.repeat(np.arange(24), 2)
    meter = np.tile(np.arange(2), 24)
    day = days_since(world) + hour / 24
    wave = 600.0 * np.sin(day * 2 * np.pi)  # mills rest at night; the integral of a daily swing
    made = np.round((210_000 + 15_000 * meter) / 2 * day + wave)
    at = clock(world, hour * 3600)
    return pa.table(
        {
            "dbbh": pick(("FDJ-1", "FDJ-2"), meter),
            "cjsj": pa.array(at),
            "czmc": pa.array([OWN_PLANT] * hour.size),
            "fdl_kwh": pa.array(np.mod(made, ROLLOVER)),
            "swl_kwh": pa.array(np.mod(np.round(made * 0.82), ROLLOVER)),
            "zyl_kwh": pa.array(np.mod(np.round(made * 0.18), ROLLOVER)),
            "rksj": pa.array(stored(world, at, 30)),
        }
    )


def ash(world: World) -> pa.Table:
    """Fly ash of the day, a share of what came in."""
    return incineration_house.ash(world, _tickets(world)[1])


CEMS_FAULTS: tuple[Fault, ...] = (Duplicates(0.004),)
WEIGH_FAULTS: tuple[Fault, ...] = (
    Spoil("t_for_kg", 0.015, {"mz_kg": times(0.001), "pz_kg": times(0.001), "jz_kg": times(0.001)}),
    Spoil("negative", 0.015, {"jz_kg": negative}),
    Spoil("net_is_not_gross_less_tare", 0.03, {"jz_kg": times(1.01)}, bad=False),
    Duplicates(0.03),
)
POWER_FAULTS: tuple[Fault, ...] = (
    Spoil("blank", 0.02, {"zyl_kwh": put(None)}, bad=False),
    Duplicates(0.03),
)

DATASETS = {
    "cems": Dataset("incineration.cems", cems, None, CEMS_FAULTS),
    "weigh": Dataset("incineration.weigh", weighings, "gbsj", WEIGH_FAULTS),
    "power": Dataset("incineration.power", counters, "cjsj", POWER_FAULTS),
    "furnace_temp": Dataset("incineration.furnace_temp", incineration_house.furnace_temperatures, "cjsj"),
    "ash": Dataset("incineration.ash", ash, "gbsj"),
}
EXCHANGE = {"weigh": "fs_gbjl", "power": "fs_dndb", "furnace_temp": "fs_lw", "ash": "fs_fh"}
ENDPOINTS = [
    Endpoint(
        "/ljgk/dailyMeans",
        "cems",
        Manner(
            auth=NoAuth(),
            paging=NoPaging(),
            ok='{"state":"success","data":{"total":$total,"list":[$records]}}',
            error='{"state":"error","code":$code,"message":"$message"}',
            max_size=1_000_000,
        ),
        day="date",
    )
]
