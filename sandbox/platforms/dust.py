"""扬尘管控 dust: REST with sha256 signatures and cursors; minute records in HJ 212 codes, TSP in mg/m3.

With records, two sites carry the hourly values of two Beijing stations of 2016, gaps and frozen runs kept:
each minute is its hour's value with a small tremor. All other sites are made with the like statistics.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sandbox import records
from sandbox.content import FUTURE, Duplicates, Fault, Frozen, Late, OutOfOrder, Spoil, negative, put, times
from sandbox.dataset import GENERATED, Dataset, real
from sandbox.geo import Floats
from sandbox.manners import Cursor, Endpoint, Manner, Signature
from sandbox.series import after, clock, days_since, past, pick, with_open_days
from sandbox.world import World, to_gcj02

STATIONS = ("beijing_air_dongsi_2016.csv", "beijing_air_changping_2016.csv")
BUILDERS = ("豫东建工一公司", "豫东建工二公司", "开封城建工程公司", "中原基础工程公司", "雍丘建设公司")
NAMES = (
    "安置房项目",
    "商业综合体",
    "学校新建工程",
    "道路改造工程",
    "医院扩建工程",
    "污水管网工程",
    "住宅小区",
)
FACTORS = ("a34002", "a34004", "LA")
ROSE = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
WINDS = {name: 22.5 * i for i, name in enumerate(ROSE)}
SHARES = (0.36, 0.28, 0.16, 0.20)  # of the building sites, by district
HANDLED_IN_TIME = (0.95, 0.88, 0.72, 0.80)  # of alarms within the hour, by the site's district
FROZEN_EVERY_H, FROZEN_H = 1100, 40  # a frozen run as in the real series

MANNER = Manner(
    auth=Signature(algorithm="sha256"),
    paging=Cursor(cursor="cursor", size="limit"),
    ok='{"code":"0","data":[$records],"next":$next,"total":$total}',
    error='{"code":"$code","message":"$message","data":[],"next":null,"total":0}',
)


def _count(world: World) -> int:
    return world.count(13, 84)


def _numbers(world: World) -> list[str]:
    return [f"QX0410221{i + 1:05d}" for i in range(_count(world))]


def _district(world: World) -> NDArray[np.int64]:
    return _places(world)[2].astype(np.int64) - 1


def _places(world: World) -> tuple[Floats, Floats, NDArray[np.str_]]:
    return world.points(_count(world), world.stable_rng("dust.place"), SHARES)


def _active(world: World) -> NDArray[np.bool_]:
    active = world.stable_rng("dust.active").random(_count(world)) < 0.93
    active[:2] = True  # the two that carry real series
    return active


def sites(world: World) -> pa.Table:
    """The register of building sites, the same each day."""
    rng, n = world.stable_rng("dust.site"), _count(world)
    lon, lat, _ = _places(world)
    x, y = to_gcj02(lon, lat)
    kind = rng.integers(0, len(NAMES), n)
    return pa.table(
        {
            "mn": pa.array(_numbers(world)),
            "siteName": pa.array([f"{NAMES[k]}{i + 1}标段" for i, k in enumerate(kind)]),
            "projectCode": pa.array([f"4102212026{i + 1:04d}" for i in range(n)]),
            "builder": pick(BUILDERS, rng.integers(0, len(BUILDERS), n)),
            "lng": pa.array(np.round(x, 6)),
            "lat": pa.array(np.round(y, 6)),
            "status": pick(("2", "1"), _active(world).astype(int)),
        }
    )


Hours = dict[str, Floats]


def _made_hours(world: World, site: int) -> Hours:
    """24 hourly values of one site: the county's air that day, the site's own dust, gaps of 2 %."""
    air, rng = world.rng("dust.air"), world.rng(f"dust.site|{site}")
    own = world.stable_rng(f"dust.own|{site}")
    winter = np.cos(2 * np.pi * (world.day.timetuple().tm_yday - 15) / 365.25)
    pm25 = np.exp(np.log(46 + 22 * winter) + air.normal(0, 0.45) + np.cumsum(air.normal(0, 0.12, 24)))
    hour = np.arange(24)
    working = ((hour >= 7) & (hour < 19)).astype(float)
    ratio = np.exp(rng.normal(np.log(1.62), 0.29, 24))  # PM2.5 above PM10 in about one hour of twenty
    pm10 = pm25 * ratio + working * own.gamma(2.0, 11.0)
    gone = rng.random(24) < 0.021
    pm25, pm10 = np.where(gone, np.nan, pm25), np.where(gone, np.nan, pm10)
    total = days_since(world) * 24 + hour + int(own.integers(FROZEN_EVERY_H))
    stuck = total % FROZEN_EVERY_H < FROZEN_H
    run = world.stable_rng(f"dust.frozen|{site}|{int(total[-1] // FROZEN_EVERY_H)}").uniform(30, 110)
    warm = 14.5 - 13.5 * winter
    return {
        "pm25": np.round(np.where(stuck, run, pm25)),
        "pm10": np.round(np.where(stuck, 1.4 * run, pm10)),
        "temp": warm + air.normal(0, 2) + 4.5 * np.sin((hour - 9) / 24 * 2 * np.pi),
        "rh": np.clip(62 + air.normal(0, 8) - 14 * np.sin((hour - 9) / 24 * 2 * np.pi), 12, 98),
        "kpa": np.full(24, 101.2 + 1.1 * winter + air.normal(0, 0.3)),
        "wind": np.abs(air.normal(1.9, 0.9, 24)),
        "from": np.mod(air.uniform(0, 360) + np.cumsum(air.normal(0, 25, 24)), 360),
    }


def _real_hours(world: World, site: int) -> Hours | None:
    """The same month, day and hours of 2016 at a real station; None without records."""
    rows = records.rows(world, STATIONS[site]) if site < len(STATIONS) else None
    if rows is None:
        return None
    day = [row for row in rows if (int(row["month"]), int(row["day"])) == (world.day.month, world.day.day)]
    day.sort(key=lambda row: int(row["hour"]))
    value = {
        name: np.array([_number(row[name]) for row in day])
        for name in ("PM2.5", "PM10", "TEMP", "PRES", "DEWP", "WSPM")
    }
    temp, dew = value["TEMP"], value["DEWP"]
    # Magnus formula: relative humidity from temperature and dew point.
    rh = 100 * np.exp(17.625 * dew / (243.04 + dew) - 17.625 * temp / (243.04 + temp))
    wind = np.array([WINDS.get(row["wd"], np.nan) for row in day])
    return {
        "pm25": value["PM2.5"],
        "pm10": value["PM10"],
        "temp": temp,
        "rh": np.clip(rh, 0, 100),
        "kpa": value["PRES"] / 10,
        "wind": value["WSPM"],
        "from": wind,
    }


def _number(text: str) -> float:
    return float("nan") if text in {"", "NA"} else float(text)


def samples(world: World) -> pa.Table:
    """One record a minute and active site; some devices are off for the day or flag their values."""
    active, parts = _active(world), []
    for site in np.flatnonzero(active):
        measured = _real_hours(world, int(site))
        off = world.rng(f"dust.off|{site}").random() < 0.05 and measured is None
        if not off:
            origin = GENERATED if measured is None else real("Beijing Multi-Site Air Quality")
            parts.append(_minutes(world, int(site), measured or _made_hours(world, int(site)), origin))
    return pa.concat_tables(parts) if parts else _minutes(world, 0, _made_hours(world, 0), GENERATED).slice(0, 0)


def _minutes(world: World, site: int, hours: Hours, origin: str) -> pa.Table:
    rng, own = world.rng(f"dust.minute|{site}"), world.stable_rng(f"dust.own|{site}")
    minute = np.arange(1440)
    hour = minute // 60
    frozen = _frozen(hours)[hour]

    def value(name: str, tremor: float, digits: int = 1) -> pa.Array:
        moved = hours[name][hour] * np.where(frozen, 1.0, 1 + tremor * rng.uniform(-1, 1, 1440))
        return pa.array(np.round(moved, digits), from_pandas=True)

    pm10 = hours["pm10"][hour] * np.where(frozen, 1.0, 1 + 0.01 * rng.uniform(-1, 1, 1440))
    noise = 56 + own.normal(0, 3) + 9 * np.exp(-(((hour - 13) / 5.5) ** 2)) + rng.normal(0, 1.6, 1440)
    flag = np.where(rng.random(1440) < 0.004, 1, 0) + np.where(rng.random(1440) < 0.003, 2, 0)
    return pa.table(
        {
            "mn": pa.repeat(_numbers(world)[site], 1440),
            "cn": pa.repeat("2051", 1440),
            "dataTime": pa.array(clock(world, minute * 60)),
            "a34004": value("pm25", 0.01),
            "a34002": pa.array(np.round(pm10, 1), from_pandas=True),
            "a34001": pa.array(np.round(0.0349 + 1.2819 * pm10 / 1000, 4), from_pandas=True),
            "LA": pa.array(np.round(noise, 1).astype(str)),
            "a01001": value("temp", 0.002),
            "a01002": value("rh", 0.002),
            "a01006": value("kpa", 0.0001, 2),
            "a01007": value("wind", 0.1),
            "a01008": value("from", 0.02, 0),
            "flag": pick(("N", "D", "C", "D"), flag),
            "data_origin": pa.repeat(origin, 1440),
        }
    )


def _frozen(hours: Hours) -> NDArray[np.bool_]:
    """Hours that stand in a run of equal values: no tremor may hide it."""
    same = (np.diff(hours["pm25"]) == 0) & (np.diff(hours["pm10"]) == 0)
    return np.asarray(np.append(same, False) | np.insert(same, 0, False))


def _alarms(born: World, seen: World) -> pa.Table:
    rng, active = born.rng("dust.alarm"), np.flatnonzero(_active(born))
    n = int(rng.poisson(born.count(18, 90)))
    site = active[rng.integers(0, active.size, n)]
    in_time = rng.random(n) < np.array(HANDLED_IN_TIME)[_district(born)[site]]
    handled = np.where(in_time, rng.uniform(0.08, 0.95, n), rng.uniform(1.05, 9.0, n))
    handled = np.where(rng.random(n) < 0.03, np.nan, handled)
    raised = clock(born, np.sort(rng.integers(0, 86_400, n)))
    return pa.table(
        {
            "alarmId": pa.array([f"YC{born.day:%Y%m%d}{i + 1:04d}" for i in range(n)], pa.string()),
            "mn": pick(_numbers(born), site),
            "factor": pick(FACTORS, rng.choice(3, n, p=[0.6, 0.25, 0.15])),
            "level": pa.array(rng.choice([1, 2, 3], n, p=[0.15, 0.35, 0.5])),
            "raisedAt": pa.array(raised),
            "handledAt": pa.array(past(seen, after(raised, handled))),
            "clearedAt": pa.array(past(seen, after(raised, handled + rng.uniform(0.2, 3.0, n)))),
        }
    )


def alarms(world: World) -> pa.Table:
    """Alarms raised on the day, and yesterday's that were handled or cleared on it."""
    return with_open_days(world, 1, _alarms, ("handledAt", "clearedAt"))


SAMPLE_FAULTS: tuple[Fault, ...] = (
    Late("mn", days=1, share=0.05, minutes=120),
    Late("mn", days=2, share=0.02, minutes=60),
    Spoil("unit_x1000", 0.001, {"a34002": times(1000)}, at_least=5),
    Spoil("negative", 0.001, {"a34004": negative}),
    Spoil("saturated", 0.0006, {"a34002": put(32767.0)}),
    Spoil("future_clock", 0.0003, {"dataTime": put(FUTURE)}),
    Spoil("blank", 0.003, {"LA": put("NA")}, bad=False),
    Frozen("mn", ("a34004", "a34002", "a34001"), run=180),
    Duplicates(0.004),
    OutOfOrder(0.01),
)

DATASETS = {
    "dust_site": Dataset("dust.site", sites),
    "dust_sample": Dataset(
        "dust.sample", samples, time="dataTime", faults=SAMPLE_FAULTS, stamps={"dataTime": "compact"}
    ),
    "dust_alarm": Dataset("dust.alarm", alarms, time="raisedAt", faults=(Duplicates(0.02),)),
}

ENDPOINTS = [
    Endpoint("/api/v2/site", "dust_site", MANNER, day=None),
    Endpoint("/api/v2/data", "dust_sample", MANNER, day="beginTime"),
    Endpoint("/api/v2/alarm", "dust_alarm", MANNER, day="beginTime"),
]
