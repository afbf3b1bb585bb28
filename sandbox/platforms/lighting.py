"""智慧路灯 lighting: REST with offset paging; a failure is `hasError: true` in HTTP 200; BD-09 positions.

With records, the lamps are a real inventory (DC Open Data) moved onto Qi County; states and faults are made. Each
state carries the platform's own 亮灯率 of the area, which leaves out the lamps that cannot be reached, as vendors do.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox import records
from sandbox.content import FUTURE, Duplicates, Fault, Frozen, Late, OutOfOrder, Spoil, negative, put, times
from sandbox.dataset import GENERATED, Dataset, real
from sandbox.manners import Endpoint, Login, Manner, Offset
from sandbox.platforms import lighting_cabinets
from sandbox.series import after, clock, past, pick, with_open_days
from sandbox.world import World, to_bd09

TYPES = (
    "HPS-High Pressure Sodium",
    "LED-Light Emitting Diode",
    "MH-Metal Halide",
    "MV-Mercury Vapor",
    "INC-Incandescent",
)
FAULTS = ("灯不亮", "白天亮灯", "灯杆倾斜", "电缆故障", "控制器离线", "灯罩破损")
CONTRACTORS = ("照明养护一队", "照明养护二队", "杞县亮化工程公司")
DISTRICTS = ("01", "02", "03", "04")
BURNS = (0.998, 0.992, 0.985, 0.989)  # share of lamps that light when they should, by district
ONLINE = (0.988, 0.972, 0.945, 0.958)
REPAIR_H = (14.0, 20.0, 34.0, 26.0)  # median
OPEN_DAYS = 10
PER_CABINET = 40
SLOT_S = 900
NOON = 48  # the slot of the noon check, which finds lamps that burn by day
LONGEST_DAY = 172  # of the year
NO_DAY = date(2000, 1, 1)  # the inventory is the same each day, and is kept

MANNER = Manner(
    auth=Login(
        path="/api/user/login",
        body='{"hasError":false,"result":{"accessToken":"$token","expire":$seconds},"message":""}',
        header="X-Access-Token",
        prefix="",
        seconds=1800,
        user_field="userName",
        password_field="passWord",
    ),
    paging=Offset(offset="offset", size="limit"),
    ok='{"hasError":false,"result":[$records],"message":"","totalCount":$total}',
    error='{"hasError":true,"result":null,"message":"$code $message","totalCount":0}',
    error_status=200,
)


def _size(world: World) -> int:
    return world.count(840, 11_000)


@lru_cache(maxsize=2)
def _inventory(n: int, city: World) -> dict[str, NDArray[Any]]:
    rng = city.stable_rng("lighting.lamp")
    lon, lat, _ = city.points(n, rng)
    known = {
        "number": np.array([f"LD{i + 1:06d}" for i in range(n)], dtype="U16"),
        "type": rng.choice(5, n, p=[0.45, 0.45, 0.06, 0.03, 0.01]),
        "power": rng.choice([100, 150, 250, 400], n, p=[0.30, 0.25, 0.30, 0.15]).astype(float),
        "lon": lon,
        "lat": lat,
        "street": np.array([f"路段{i:03d}" for i in rng.integers(1, 78, n)], dtype="U40"),
        "installed": np.array(["2010-01-01"], dtype="datetime64[D]") + rng.integers(0, 5400, n),
        "origin": np.full(n, GENERATED, dtype="U80"),
    }
    rows = records.rows(city, "dc_streetlights_downtown.csv")
    if rows:
        _take_real(known, rows, n)
    known["removed"] = rng.random(n) < 0.015
    known["district"] = city.districts(known["lon"], known["lat"])
    # Neighbours hang on one cabinet: lamps in the order of their district and longitude.
    order = np.lexsort((known["lon"], known["district"]))
    known["cabinet"] = np.empty(n, dtype=np.int64)
    known["cabinet"][order] = np.arange(n) // PER_CABINET
    return known


def _take_real(known: dict[str, NDArray[Any]], rows: list[dict[str, str]], n: int) -> None:
    """Put the real lamps first; their box downtown is stretched over the county's built-up area."""
    step = max(1, len(rows) // n)
    chosen = rows[::step][:n]
    m = len(chosen)
    x, y = (np.array([float(row[name]) for row in chosen]) for name in ("XCOORD", "YCOORD"))
    known["lon"][:m] = np.round(114.740 + (x - x.min()) / np.ptp(x) * 0.130, 6)
    known["lat"][:m] = np.round(34.510 + (y - y.min()) / np.ptp(y) * 0.100, 6)
    known["number"][:m] = [row["FACILITYID"] for row in chosen]
    known["type"][:m] = [TYPES.index(row["LIGHTTYPE_DESC"]) for row in chosen]
    known["power"][:m] = [float(row["WATTAGE1"] or 0) or 250.0 for row in chosen]
    known["street"][:m] = [row["STREETNAME"] for row in chosen]
    known["installed"][:m] = [_date(row, str(at)) for row, at in zip(chosen, known["installed"], strict=False)]
    known["origin"][:m] = real("DC Open Data street lights")


def _date(row: dict[str, str], otherwise: str) -> np.datetime64:
    text = (row["INOPERATION"] or row["LEDINOPERATION"]).split(" ")[0]
    if not text:
        return np.datetime64(otherwise)
    month, day, year = (int(part) for part in text.split("/"))
    return np.datetime64(f"{year:04d}-{month:02d}-{day:02d}")


def _lamps(world: World) -> dict[str, NDArray[Any]]:
    return _inventory(_size(world), World(world.seed, NO_DAY, records=world.records))


def lamps(world: World) -> pa.Table:
    """The inventory, the same each day."""
    lamp = _lamps(world)
    x, y = to_bd09(lamp["lon"], lamp["lat"])
    return pa.table(
        {
            "lampId": pa.array(lamp["number"]),
            "poleNo": pa.array(np.char.add("P", lamp["number"])),
            "cabinetNo": pick(_cabinets(lamp), lamp["cabinet"]),
            "roadNo": pa.array(lamp["street"]),
            "lampType": pick(TYPES, lamp["type"]),
            "ratedPower": pa.array(lamp["power"]),
            "lng": pa.array(np.round(x, 6)),
            "lat": pa.array(np.round(y, 6)),
            "assetStatus": pick(("Active", "Removed"), lamp["removed"].astype(int)),
            "installDate": pa.array(lamp["installed"].astype(str)),
            "data_origin": pa.array(lamp["origin"]),
        }
    )


def _cabinets(lamp: dict[str, NDArray[Any]]) -> list[str]:
    return [f"KZ{i + 1:04d}" for i in range(int(lamp["cabinet"].max()) + 1)]


def night(world: World) -> tuple[float, float]:
    """Hours of sunrise and sunset in Qi County, within some ten minutes."""
    swing = 1.15 * np.cos(2 * np.pi * (world.day.timetuple().tm_yday - LONGEST_DAY) / 365.25)
    return 6.2 - swing, 18.2 + swing


def states(world: World) -> pa.Table:
    """Every quarter of an hour of the two half nights, one slot beyond each end, and at noon."""
    rng, lamp = world.rng("lighting.lamp_state"), _lamps(world)
    n, place = lamp["number"].size, lamp["district"].astype(int) - 1
    rise, fall = night(world)
    slot = np.array([s for s in range(96) if s / 4 < rise + 0.25 or s / 4 > fall - 0.25 or s == NOON])
    works = rng.random(n) < np.array(BURNS)[place]
    burns_by_day = rng.random(n) < 0.004
    reached = rng.random(n) < np.array(ONLINE)[place]
    silent = ~reached & (rng.random(n) < 0.6)
    heard = np.flatnonzero(~silent & ~lamp["removed"])
    who, when = np.repeat(heard, slot.size), np.tile(slot, heard.size)
    hour = when / 4
    scheduled = (hour < rise) | (hour >= fall)
    online = reached[who]
    on = (scheduled & works[who]) | (~scheduled & burns_by_day[who])
    led = lamp["type"][who] == 1
    dim = np.where(on, np.where(led & ((hour >= 23) | (hour < 5)), 50.0, 100.0), 0.0)
    power = lamp["power"][who] * dim / 100 * rng.normal(1, 0.03, who.size)
    volts = rng.normal(224, 3.2, who.size)
    late_s = rng.integers(0, 120, n)[who]
    blank = ~online
    counted = scheduled & online
    lit, asked = (np.bincount(place[who][rows], minlength=4) for rows in (counted & on, counted))
    bright = np.round(100 * lit / np.maximum(asked, 1), 2)
    return pa.table(
        {
            "lampId": pick(lamp["number"], who),
            "collectTime": pa.array(clock(world, when * SLOT_S + late_s)),
            "onOff": pa.array(on.astype(np.int64), mask=blank),
            "dimming": pa.array(dim, mask=blank),
            "power": pa.array(np.round(power, 1), mask=blank),
            "voltage": pa.array(np.round(volts, 1), mask=blank),
            "current": pa.array(np.round(power / volts / 0.93, 3), mask=blank),
            "online": pa.array(online.astype(np.int64)),
            "planOn": pa.array(scheduled.astype(np.int64)),
            "areaCode": pick(DISTRICTS, place[who]),
            "cabinetNo": pick(_cabinets(lamp), lamp["cabinet"][who]),
            "BrightRate": pa.array(bright[place[who]]),
        }
    )


def _faults(born: World, seen: World) -> pa.Table:
    rng, lamp = born.rng("lighting.lamp_fault"), _lamps(born)
    place = lamp["district"].astype(int) - 1
    n = int(rng.poisson(born.count(26, 180)))
    weight = (1 - np.array(BURNS))[place] * ~lamp["removed"]
    who = rng.choice(lamp["number"].size, n, p=weight / weight.sum())
    kind = rng.choice(6, n, p=[0.5, 0.08, 0.04, 0.13, 0.2, 0.05])
    reported = clock(born, np.sort(rng.integers(0, 86_400, n)))
    hours = rng.lognormal(np.log(np.array(REPAIR_H)[place[who]]), 0.6)
    hours = np.where(rng.random(n) < 0.03, np.nan, hours)
    return pa.table(
        {
            "faultId": pa.array([f"GZ{born.day:%Y%m%d}{i + 1:04d}" for i in range(n)], pa.string()),
            "lampId": pick(lamp["number"], who),
            "faultType": pick(FAULTS, kind),
            "reportTime": pa.array(reported),
            "repairTime": pa.array(past(seen, after(reported, hours))),
            "contractor": pick(CONTRACTORS, place[who] % 3),
            "limitHours": pa.array(np.where(kind == 3, 72.0, np.where(kind == 2, 48.0, 24.0))),
            "areaCode": pick(DISTRICTS, place[who]),
        }
    )


def faults(world: World) -> pa.Table:
    """Faults reported on the day, and older ones repaired on it."""
    return with_open_days(world, OPEN_DAYS, _faults, ("repairTime",))


def energy(world: World) -> pa.Table:
    """The cabinets' counters."""
    return lighting_cabinets.energy(world, _lamps(world), night(world))


def switching(world: World) -> pa.Table:
    """When the cabinets switched in the night that ended today."""
    return lighting_cabinets.switching(world, _lamps(world), night(world))


STATE_FAULTS: tuple[Fault, ...] = (
    Late("cabinetNo", days=1, share=0.04, minutes=90, hours=(0, 6)),
    Late("cabinetNo", days=2, share=0.02, minutes=45, hours=(0, 6)),
    Spoil("future_clock", 0.0003, {"collectTime": put(FUTURE)}),
    Spoil("saturated", 0.0004, {"voltage": put(65535.0)}),
    Spoil("negative", 0.0004, {"power": negative}),
    Spoil("unit_x1000", 0.0005, {"current": times(1000)}, at_least=0.2),
    Spoil("blank", 0.001, {"dimming": put(None)}, bad=False),
    Frozen("lampId", ("voltage", "current", "power"), run=30),
    Duplicates(0.003),
    OutOfOrder(0.01),
)

DATASETS = {
    "lamp": Dataset("lighting.lamp", lamps),
    "lamp_state": Dataset("lighting.lamp_state", states, time="collectTime", faults=STATE_FAULTS),
    "lamp_fault": Dataset("lighting.lamp_fault", faults, time="reportTime", faults=(Duplicates(0.02),)),
    "energy": Dataset("lighting.energy", energy, time="readTime", faults=(Duplicates(0.01),)),
    "switching": Dataset("lighting.switching", switching),
}

ENDPOINTS = [
    Endpoint("/api/lamp/queryAll", "lamp", MANNER, day=None),
    Endpoint("/api/lamp/history", "lamp_state", MANNER, day="startTime"),
    Endpoint("/api/fault/query", "lamp_fault", MANNER, day="startTime"),
    Endpoint("/api/cabinet/energy", "energy", MANNER, day="startTime"),
    Endpoint("/api/cabinet/switching", "switching", MANNER, day="startTime"),
]
