"""智慧热力 heat: substations in the exchange database, room temperatures by REST (Basic, offset)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.content import Duplicates, Fault, Frozen, Late, Spoil, put, times
from sandbox.dataset import Dataset
from sandbox.geo import Floats
from sandbox.manners import Basic, Endpoint, Manner, Offset
from sandbox.platforms import heat_service
from sandbox.series import DAY_S, Ints, clock, days_since, grid, pick, stored
from sandbox.world import World

DISTRICTS = ("01", "02", "03", "04")
SHARES = [0.42, 0.26, 0.12, 0.2]
COLDEST = 20.0  # days after New Year
MEAN, SWING, TURN = 0.00145, 0.00135, 2 * np.pi / 365.25
CHANGED = 97.0  # days that a heat meter stays


def _stations(world: World) -> int:
    return world.count(40, 150)


def _district(world: World) -> Ints:
    return world.stable_rng("heat.district").choice(4, _stations(world), p=SHARES)


def _area(world: World) -> Floats:
    return np.round(world.stable_rng("heat.area").uniform(20_000, 120_000, _stations(world)), -2)


def stations(world: World) -> pa.Table:
    """The register of substations."""
    n, area = _stations(world), _area(world)
    return pa.table(
        {
            "zbh": pa.array([f"RLZ{i + 1:03d}" for i in range(n)]),
            "zmc": pa.array([f"{i + 1}号热力站" for i in range(n)]),
            "grmj": pa.array(area),
            "yhs": pa.array((area / 95).astype(np.int64)),
            "ssqy": pick(DISTRICTS, _district(world)),
        }
    )


def _rate(day: Floats) -> Floats:
    """Heat taken, GJ/m² a day: 0.0001 in summer, 0.0028 in January. `day` counts from 2020."""
    return np.asarray(MEAN + SWING * np.cos(TURN * (day - COLDEST)))


def _taken(day: Floats) -> Floats:
    """The integral of `_rate`."""
    return np.asarray(MEAN * day + SWING / TURN * np.sin(TURN * (day - COLDEST)))


def _counter(world: World, station: Ints, day: Floats) -> Floats:
    """GJ/m² on the meter: counted since its last change, which comes every `CHANGED` days at ten o'clock."""
    phase = station * (CHANGED / _stations(world)) + 10 / 24
    last = np.floor((day - phase) / CHANGED) * CHANGED + phase
    changed = np.unique(station[np.floor(last) == days_since(world)]).size
    if changed:
        world.truth.feed("heat.station").odd["counter_reset"] = int(changed)
    return _taken(day) - _taken(last)


def states(world: World) -> pa.Table:
    """Primary side of each substation, each five minutes (demo) to ten seconds (county); `ljrl` counts GJ."""
    n, per_day = _stations(world), world.count(288, 8640)
    station, second = grid(n, per_day)
    rng, area = world.rng("heat.station"), _area(world)[station]
    day = days_since(world) + second / DAY_S
    rate = _rate(day)
    hour = second / 3600
    outside = 4 * np.cos((hour - 15) / 24 * 2 * np.pi)
    supply = 45 + 16_000 * rate - 0.6 * outside + rng.normal(0, 0.4, station.size)
    drop = 8 + 8_000 * rate + rng.normal(0, 0.3, station.size)
    at = clock(world, second)
    return pa.table(
        {
            "zbh": pick([f"RLZ{i + 1:03d}" for i in range(n)], station),
            "cjsj": pa.array(at),
            "gswd": pa.array(np.round(supply, 1)),
            "hswd": pa.array(np.round(supply - drop, 1)),
            "gsyl": pa.array(np.round(0.75 + rng.normal(0, 0.01, station.size), 3)),
            "hsyl": pa.array(np.round(0.48 + rng.normal(0, 0.01, station.size), 3)),
            "ssll": pa.array(np.round(rate * area / 24 / (drop * 0.004187) + rng.normal(0, 0.2, station.size), 2)),
            "ljrl": pa.array(np.round(_counter(world, station, day) * area, 2)),
            "fmkd": pa.array(np.clip(np.round(20 + 20_000 * rate + rng.normal(0, 1, station.size), 1), 0, 100)),
            "rksj": pa.array(stored(world, at, rng.integers(2, 20, station.size))),
        }
    )


def room_temperatures(world: World) -> pa.Table:
    """One reading an hour from sampled homes; colder at the ends of the network."""
    n = world.count(350, 8500)
    home, second = grid(n, 24)
    stable, rng = world.stable_rng("heat.room_temp"), world.rng("heat.room_temp")
    station = stable.integers(0, _stations(world), n)
    district = _district(world)[station]
    usual = stable.normal(20.6, 1.1, n) - np.array([0.0, 0.3, 0.8, 0.5])[district]
    degrees = usual[home] + 0.5 * np.cos((second / 3600 - 15) / 24 * 2 * np.pi) + rng.normal(0, 0.35, home.size)
    numbers = [f"RL{d + 1:02d}{i + 1:06d}" for i, d in enumerate(district)]
    return pa.table(
        {
            "yhbh": pick(numbers, home),
            "cjsj": pa.array(clock(world, second + rng.integers(0, 600, home.size))),
            "sw": pa.array(np.round(degrees, 1)),
            "zbh": pick([f"RLZ{i + 1:03d}" for i in range(_stations(world))], station[home]),
            "ssqy": pick(DISTRICTS, district[home]),
        }
    )


STATE_FAULTS: tuple[Fault, ...] = (
    Spoil("kpa_for_mpa", 0.001, {"gsyl": times(1000)}),
    Spoil("saturated", 0.0005, {"gswd": put(3276.7)}),
    Frozen("zbh", ("gswd", "hswd", "ssll"), 100),
    Duplicates(0.002),
)
ROOM_FAULTS: tuple[Fault, ...] = (
    Spoil("sensor_open", 0.002, {"sw": put(-127.0)}),
    Spoil("blank", 0.01, {"sw": put(None)}, bad=False),
    Frozen("yhbh", ("sw",), 24),
    Late("yhbh", 1, 0.03, minutes=180),
    Duplicates(0.003),
)

DATASETS = {
    "station_info": Dataset("heat.station_info", stations),
    "station": Dataset("heat.station", states, "cjsj", STATE_FAULTS),
    "room_temp": Dataset("heat.room_temp", room_temperatures, "cjsj", ROOM_FAULTS),
    "outage": Dataset("heat.outage", heat_service.outages, "kssj"),
    "complaint": Dataset("heat.complaint", heat_service.complaints, "slsj"),
}
EXCHANGE = {"station_info": "rl_rlz", "station": "rl_sssj", "outage": "v_rltr", "complaint": "v_rlts"}
LIVING = {"outage": ("tzbh", "gxsj"), "complaint": ("tsbh", "gxsj")}
ENDPOINTS = [
    Endpoint(
        "/heating/api/roomTemp",
        "room_temp",
        Manner(
            auth=Basic(),
            paging=Offset(offset="start", size="limit"),
            ok='{"success":true,"total":$total,"rows":[$records]}',
            error='{"success":false,"code":$code,"msg":"$message"}',
        ),
        day="date",
    )
]
