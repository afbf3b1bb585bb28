"""智慧环卫 sanitation: REST with short-lived tokens and page numbers, pinyin initials, GCJ-02 positions.

Lengths in m on tasks, weights in kg on tickets. Tickets go to the exchange database, roads come as a file.
With records, the tonnage of each district is that of one district of New York (DSNY) in the same month.
"""

from __future__ import annotations

import calendar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox import records
from sandbox.content import (
    FUTURE,
    Duplicates,
    Fault,
    Frozen,
    Late,
    OutOfOrder,
    Spoil,
    negative,
    plus,
    put,
    times,
)
from sandbox.dataset import GENERATED, Dataset, Drop, real
from sandbox.manners import Endpoint, Login, Manner, Page
from sandbox.platforms import sanitation_places
from sandbox.series import clock, pick, stored
from sandbox.tracks import Fleet, drive
from sandbox.world import World, spread, to_gcj02

TYPES = ("洒水车", "清扫车", "收运车", "吸污车")
COMPANIES = ("杞县环卫一公司", "杞县环卫二公司", "杞县环卫三公司")
CLASSES = ("一级", "二级", "三级")
DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.38, 0.27, 0.15, 0.20]
AT_WORK = (0.98, 0.95, 0.90, 0.93)
DONE = (0.985, 0.955, 0.90, 0.93)  # of a planned task, by district
CLEANED = (0.99, 0.96, 0.90, 0.935)
WASTE = ("生活垃圾", "厨余垃圾", "可回收物", "其他")
WASTE_SHARES = (0.80, 0.06, 0.12, 0.02)
DAILY_T = (165.0, 110.0, 62.0, 84.0)  # when no records are given
MODELS = (("Brooklyn", "07"), ("Bronx", "06"), ("Manhattan", "02"), ("Queens", "03"))

MANNER = Manner(
    auth=Login(
        path="/hw/api/login",
        body='{"code":0,"message":"ok","data":{"token":"$token","expiresIn":$seconds}}',
        seconds=60,
    ),
    paging=Page(number="pageNo", size="pageSize"),
    ok='{"code":0,"message":"ok","data":{"total":$total,"list":[$records]}}',
    error='{"code":$code,"message":"$message","data":null}',
)


def _fleet(world: World) -> dict[str, np.ndarray]:
    rng, n = world.stable_rng("sanitation.vehicle"), world.count(42, 240)
    return {
        "number": np.array([f"HW{i + 1:04d}" for i in range(n)]),
        "type": rng.choice(4, n, p=[0.28, 0.30, 0.34, 0.08]),
        "company": rng.integers(0, 3, n),
        "active": rng.random(n) < 0.95,
        "district": spread(n, SHARES, rng),
        "plate": rng.integers(0, 100_000, n),
    }


def _plates(fleet: dict[str, np.ndarray]) -> list[str]:
    return [f"豫B{number:05d}" for number in fleet["plate"]]


def vehicles(world: World) -> pa.Table:
    """The register, the same each day; only sprinklers and suction trucks have a tank."""
    fleet = _fleet(world)
    tank = np.choose(fleet["type"], [9.6, np.nan, np.nan, 6.0])
    return pa.table(
        {
            "clbh": pa.array(fleet["number"]),
            "cph": pa.array(_plates(fleet)),
            "cllx": pick(TYPES, fleet["type"]),
            "ssgs": pick(COMPANIES, fleet["company"]),
            "sgrl": pa.array(tank, from_pandas=True),
            "zt": pick(("报废", "在用"), fleet["active"].astype(int)),
            "xq": pick(DISTRICTS, fleet["district"]),
        }
    )


def positions(world: World) -> pa.Table:
    """Slow work along streets from early morning, every 10 (county) to 30 s (demo)."""
    rng, fleet = world.rng("sanitation.position"), _fleet(world)
    busy = fleet["active"] & (rng.random(fleet["type"].size) < np.array(AT_WORK)[fleet["district"]])
    trucks = np.flatnonzero(busy)
    lon, lat, _ = world.points(world.count(60, 240), world.stable_rng("sanitation.stops"), SHARES)
    manner = Fleet((8, 24), 0.12, (30, 52), (60, 900), 5 * 3600, 9 * 3600, max(10, round(31 - world.scale)))
    track = drive(rng, trucks.size, np.stack([lon, lat], axis=1), manner)
    truck, n = trucks[track.vehicle], track.second.size
    x, y = to_gcj02(track.lon, track.lat)
    state = np.where(track.stopped, 0, np.where(track.speed > 26, 2, 1))
    emptied = np.clip(100 - (track.second % 10_800) / 108, 0, 100) + rng.normal(0, 1.5, n)
    water = np.where(np.isin(fleet["type"][truck], (0, 3)), np.clip(np.round(emptied, 1), 0, 100), np.nan)
    return pa.table(
        {
            "clbh": pick(fleet["number"], truck),
            "sj": pa.array(clock(world, track.second)),
            "jd": pa.array(np.round(x, 6)),
            "wd": pa.array(np.round(y, 6)),
            "sd": pa.array(np.round(track.speed, 1)),
            "fx": pa.array(np.round(track.direction).astype(np.int64) % 360),
            "acc": pa.array((~track.long_stop).astype(np.int64)),
            "zyzt": pick(("0", "1", "2"), state),
            "swbfb": pa.array(water, from_pandas=True),
        }
    )


def _roads(world: World) -> dict[str, np.ndarray]:
    rng, n = world.stable_rng("sanitation.road"), world.count(120, 420)
    grade = rng.choice(3, n, p=[0.22, 0.38, 0.40])
    length = rng.lognormal(np.log(1800), 0.5, n).clip(300, 9000)
    return {
        "number": np.array([f"LD{i + 1:04d}" for i in range(n)]),
        "grade": grade,
        "length_m": np.round(length),
        "area_m2": np.round(length * np.array([36.0, 24.0, 14.0])[grade]),
        "district": spread(n, SHARES, rng),
    }


def tasks(world: World) -> pa.Table:
    """One sweeping task a road and day: planned and driven metres."""
    rng, road = world.rng("sanitation.route_task"), _roads(world)
    n = road["grade"].size
    planned = road["length_m"] * np.array([4, 3, 2])[road["grade"]]
    kept = np.array(DONE)[road["district"]]
    done = planned * np.where(rng.random(n) < 0.02, 0.0, np.clip(rng.normal(kept, 0.05, n), 0.3, 1.06))
    return pa.table(
        {
            "rwbh": pa.array([f"RW{world.day:%Y%m%d}{item[2:]}" for item in road["number"]]),
            "ldbh": pa.array(road["number"]),
            "rq": pa.repeat(world.day.isoformat(), n),
            "jhlc": pa.array(np.round(planned, 1)),
            "wclc": pa.array(np.round(done, 1)),
            "xq": pick(DISTRICTS, road["district"]),
        }
    )


def roads(world: World) -> pa.Table:
    """The register of roads with the areas cleaned this month."""
    road = _roads(world)
    n = road["grade"].size
    rng = world.stable_rng(f"sanitation.road|{world.day:%Y-%m}")
    cleaned = np.clip(rng.normal(np.array(CLEANED)[road["district"]], 0.03, n), 0.5, 1.0)
    mechanised = np.clip(rng.normal(0.92 - 0.1 * road["grade"], 0.05, n), 0.2, 1.0)
    return pa.table(
        {
            "路段编号": pa.array(road["number"]),
            "路段名称": pa.array(
                [f"{CLASSES[g][0]}级路{item[2:]}" for g, item in zip(road["grade"], road["number"], strict=True)]
            ),
            "道路等级": pick(CLASSES, road["grade"]),
            "道路面积": pa.array(road["area_m2"]),
            "保洁面积": pa.array(np.round(road["area_m2"] * cleaned)),
            "机扫面积": pa.array(np.round(road["area_m2"] * cleaned * mechanised)),
            "辖区": pick(DISTRICTS, road["district"]),
        }
    )


def _tonnage(world: World) -> tuple[NDArray[np.float64], str]:
    """Tonnes of the day by district and kind of waste, shape (4, 4), and where they are from."""
    rng = world.rng("sanitation.tonnage")
    weekday = 1.12 if world.day.weekday() == 0 else 0.98
    swing = weekday * rng.normal(1, 0.03, (4, 1))
    rows = records.rows(world, "DSNY_Monthly_Tonnage_Data.csv")
    if rows is None:
        return np.array(DAILY_T)[:, None] * np.array(WASTE_SHARES)[None, :] * swing, GENERATED
    found = np.zeros((4, 4))
    for place, (borough, district) in enumerate(MODELS):
        own = [r for r in rows if (r["BOROUGH"], r["COMMUNITYDISTRICT"]) == (borough, district)]
        month = [r for r in own if r["MONTH"].endswith(f"/ {world.day:%m}")]
        best = max(month, key=lambda r: r["MONTH"])  # the newest year that has this month
        found[place] = [sum(float(best[name] or 0) for name in names) for names in DSNY_COLUMNS]
    days = calendar.monthrange(world.day.year, world.day.month)[1]
    return found / days * swing, real("DSNY Monthly Tonnage")


DSNY_COLUMNS = (
    ("REFUSETONSCOLLECTED",),
    ("RESORGANICSTONS", "SCHOOLORGANICTONS"),
    ("PAPERTONSCOLLECTED", "MGPTONSCOLLECTED"),
    ("LEAVESORGANICTONS", "XMASTREETONS"),
)


def tickets(world: World) -> pa.Table:
    """Weighbridge tickets in kg; per district and kind they add up to the day's tonnage."""
    rng, fleet = world.rng("sanitation.weigh"), _fleet(world)
    tonnes, origin = _tonnage(world)
    load_t = 4.0 if world.scale < 10 else 1.3  # the county weighs small collectors too: about 400 tickets a day
    counts = np.maximum(np.round(tonnes / load_t), (tonnes > 0.05).astype(float)).astype(int)
    cell = np.repeat(np.arange(16), counts.ravel())
    district, kind = cell // 4, cell % 4
    share = rng.uniform(0.7, 1.3, cell.size)
    share /= np.bincount(cell, share, 16)[cell]
    net = np.round(tonnes.ravel()[cell] * share * 1000 / 10) * 10
    tare = np.round(rng.normal(8600, 700, cell.size) / 10) * 10
    order = rng.permutation(cell.size)
    at = clock(world, np.sort(rng.integers(5 * 3600, 21 * 3600, cell.size)))
    truck = rng.integers(0, fleet["type"].size, cell.size)
    return pa.table(
        {
            "ZDBH": pick(("ZZ01", "ZZ02", "ZZ03", "ZZ04"), district[order]),
            "BDH": pa.array([f"BD{world.day:%Y%m%d}{i + 1:05d}" for i in range(cell.size)]),
            "CPH": pick(_plates(fleet), truck),
            "MZ": pa.array((net + tare)[order]),
            "PZ": pa.array(tare[order]),
            "JZ": pa.array(net[order]),
            "LJLX": pick(WASTE, kind[order]),
            "GBSJ": pa.array(at),
            "XQ": pick(DISTRICTS, district[order]),
            "RKSJ": pa.array(stored(world, at, rng.integers(5, 120, cell.size))),
            "data_origin": pa.repeat(origin, cell.size),
        }
    )


POSITION_FAULTS: tuple[Fault, ...] = (
    Late("clbh", days=1, share=0.05, minutes=45),
    Late("clbh", days=2, share=0.02, minutes=30),
    Spoil("zero_position", 0.0012, {"jd": put(0.0), "wd": put(0.0)}),
    Spoil("future_clock", 0.0003, {"sj": put(FUTURE)}),
    Spoil("saturated", 0.0003, {"sd": put(6553.5)}),
    Spoil("negative", 0.0004, {"sd": negative}),
    Spoil("blank", 0.002, {"swbfb": put(None)}, bad=False),
    Frozen("clbh", ("jd", "wd", "sd", "fx"), run=80),
    Duplicates(0.004),
    OutOfOrder(0.01),
)
WEIGH_FAULTS: tuple[Fault, ...] = (
    Late("ZDBH", days=1, share=0.25, minutes=90, number="BDH"),
    Spoil("unit_x1000", 0.01, {"MZ": times(1000), "PZ": times(1000), "JZ": times(1000)}),
    Spoil("negative", 0.005, {"PZ": negative}),
    Spoil("sum_mismatch", 0.01, {"JZ": plus(500.0)}, bad=False),
    Duplicates(0.02),  # the ticket printed again under the same number
)

DATASETS = {
    "san_vehicle": Dataset("sanitation.vehicle", vehicles),
    "san_position": Dataset("sanitation.position", positions, time="sj", faults=POSITION_FAULTS),
    "san_route_task": Dataset(
        "sanitation.route_task",
        tasks,
        faults=(Spoil("unit_x1000", 0.01, {"wclc": times(1000)}, at_least=300), Duplicates(0.02)),
    ),
    "san_road": Dataset("sanitation.road", roads),
    "san_weigh": Dataset("sanitation.weigh", tickets, time="GBSJ", faults=WEIGH_FAULTS),
    "san_community": Dataset("sanitation.community", sanitation_places.communities),
    "san_bin_alarm": Dataset("sanitation.bin_alarm", sanitation_places.bin_alarms, "bjsj", (Duplicates(0.03),)),
    "san_toilet": Dataset("sanitation.toilet", sanitation_places.toilets),
}

ENDPOINTS = [
    Endpoint("/hw/api/vehicle/list", "san_vehicle", MANNER, day=None),
    Endpoint("/hw/api/gps/list", "san_position", MANNER, day="rq"),
    Endpoint("/hw/api/task/list", "san_route_task", MANNER, day="rq"),
    Endpoint("/hw/api/community/list", "san_community", MANNER, day=None),
    Endpoint("/hw/api/bin/alarm", "san_bin_alarm", MANNER, day="rq"),
    Endpoint("/hw/api/toilet/day", "san_toilet", MANNER, day="rq"),
]
EXCHANGE = {"san_weigh": "T_WEIGH_TICKET"}
DROPS = {
    "san_road": Drop(
        "道路清扫台账_{day}.csv",
        encoding="gb18030",
        bom=True,
        full_width=("道路面积", "保洁面积", "机扫面积"),
    )
}
