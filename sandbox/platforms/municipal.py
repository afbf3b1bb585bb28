"""智慧市政 municipal works: assets and events by an XML API with page numbers, water levels over MQTT.

Vendor's names are pinyin initials; coordinates CGCS2000 (read as WGS-84); water depth in mm.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.content import Duplicates, Fault, Frozen, Late, OutOfOrder, Spoil, negative, put
from sandbox.dataset import Dataset
from sandbox.manners import Endpoint, Login, Manner, Page
from sandbox.platforms import municipal_works
from sandbox.series import after, clock, grid, past, pick, with_open_days
from sandbox.world import World

CLASSES = ("道路", "桥梁", "井盖", "泵站", "管线")
STATES = ("完好", "破损", "丢失", "废弃", "移除")
OWNERS = ("县住房和城乡建设局", "县水利局", "县供电公司", "县通信公司", "县自来水公司")
MAINTAINERS = ("市政养护一队", "市政养护二队", "市政养护三队")
EVENTS = ("井盖异常", "路面破损", "桥梁病害", "泵站故障", "管线渗漏")
LIMIT_H = (4.0, 72.0, 168.0, 8.0, 24.0)
OPEN_DAYS = 7

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
MANNER = Manner(
    auth=Login(path="/login", body='{"token":"$token","expiresIn":$seconds}', seconds=1800),
    paging=Page(number="page", size="rows"),
    ok=HEAD + "<response><total>$total</total><rows>$records</rows></response>",
    error=HEAD + "<response><code>$code</code><message>$message</message></response>",
    format="xml",
)


def _asset_count(world: World) -> int:
    return world.count(2000, 60_000)


def assets(world: World) -> pa.Table:
    """The register of parts, the same each day."""
    rng, n = world.stable_rng("municipal.asset"), _asset_count(world)
    lon, lat, district = world.points(n, rng)
    kind = rng.choice(5, n, p=[0.10, 0.01, 0.62, 0.01, 0.26])
    serial = np.arange(1, n + 1)
    return pa.table(
        {
            "BJBH": pa.array([f"BJ{i:06d}" for i in serial]),
            "BJLX": pick(CLASSES, kind),
            "BJDM": pa.array([f"41022101{k + 1:02d}{i:06d}" for k, i in zip(kind, serial, strict=True)]),
            "QSDW": pick(OWNERS, rng.integers(0, 5, n)),
            "YHDW": pick(MAINTAINERS, rng.integers(0, 3, n)),
            "ZBX": pa.array(lon),
            "ZBY": pa.array(lat),
            "BJZT": pick(STATES, rng.choice(5, n, p=[0.962, 0.026, 0.004, 0.005, 0.003])),
            "SZQY": pa.array(district),
        }
    )


def _events(born: World, seen: World) -> pa.Table:
    rng, n = born.rng("municipal.event"), born.count(300, 2000)
    kind = rng.choice(5, n, p=[0.38, 0.36, 0.03, 0.05, 0.18])
    district = rng.choice(4, n, p=[0.4, 0.25, 0.15, 0.2])
    limit = np.array(LIMIT_H)[kind]
    # Crews differ: the share handled in time falls from the first district to the last.
    slow = np.array([0.42, 0.55, 0.62, 0.75])[district]
    hours = limit * rng.lognormal(np.log(slow), 0.55, n)
    found = clock(born, np.sort(rng.integers(6 * 3600, 22 * 3600, n)))
    return pa.table(
        {
            "SJBH": pa.array([f"SJ{born.day:%Y%m%d}{i:05d}" for i in range(1, n + 1)]),
            "BJBH": pa.array([f"BJ{i:06d}" for i in rng.integers(1, _asset_count(born) + 1, n)]),
            "SJLB": pick(EVENTS, kind),
            "FXSJ": pa.array(found),
            "YZCD": pa.array(rng.choice(4, n, p=[0.1, 0.3, 0.4, 0.2]) + 1, pa.int64()),
            "CZSJ": pa.array(past(seen, after(found, hours))),
            "CZSX": pa.array(after(found, limit)),
            "SZQY": pick(("01", "02", "03", "04"), district),
        }
    )


def events(world: World) -> pa.Table:
    """Events found on the day, and earlier ones handled on it."""
    return with_open_days(world, OPEN_DAYS, _events, ["CZSJ"])


def water_levels(world: World) -> pa.Table:
    """Depth of standing water at low points; some days rain a few hours, the other days hold only noise."""
    points = world.count(20, 60)
    site, second = grid(points, 288)
    rng, stable = world.rng("municipal.waterlevel"), world.stable_rng("municipal.waterlevel")
    low = stable.uniform(0.3, 1.0, points)
    district = stable.choice(4, points, p=[0.4, 0.25, 0.15, 0.2])
    depth = rng.integers(0, 15, site.size).astype(float)
    if rng.random() < 0.35:
        start, hours = rng.integers(0, 18), rng.uniform(1, 5)
        since = second / 3600 - start
        rain = np.clip(since / hours, 0, 1) * np.exp(-np.clip(since - hours, 0, None) / 2)
        depth += np.round(rng.uniform(120, 420) * low[site] * np.where(since > 0, rain, 0))
    return pa.table(
        {
            "cdbh": pa.array([f"SW{i + 1:03d}" for i in site]),
            "sj": pa.array(clock(world, second)),
            "sw_mm": pa.array(depth),
            "qy": pick(("01", "02", "03", "04"), district[site]),
        }
    )


ASSET_FAULTS: tuple[Fault, ...] = (
    Spoil("bad_code", 0.002, {"BJDM": put("4102210103")}),
    Spoil("null_island", 0.002, {"ZBX": put(0.0), "ZBY": put(0.0)}),
    Spoil("unknown_state", 0.001, {"BJZT": put("待定")}),
    Duplicates(0.003),
)
EVENT_FAULTS: tuple[Fault, ...] = (
    Spoil("no_time", 0.006, {"FXSJ": put(None)}),
    Spoil("no_severity", 0.01, {"YZCD": put(None)}, bad=False),
    Duplicates(0.01),
)
LEVEL_FAULTS: tuple[Fault, ...] = (
    Spoil("negative", 0.001, {"sw_mm": negative}),
    Spoil("saturated", 0.001, {"sw_mm": put(65535.0)}),
    Frozen("cdbh", ("sw_mm",), 72),
    Late("cdbh", 1, 0.1, minutes=90),
    Duplicates(0.005),
    OutOfOrder(0.05),
)

DATASETS = {
    "asset": Dataset("municipal.asset", assets, None, ASSET_FAULTS),
    "event": Dataset("municipal.event", events, "FXSJ", EVENT_FAULTS),
    "waterlevel": Dataset("municipal.waterlevel", water_levels, "sj", LEVEL_FAULTS),
    "bridge": Dataset("municipal.bridge", municipal_works.bridges),
    "pump": Dataset("municipal.pump", municipal_works.pumps),
}
ENDPOINTS = [
    Endpoint("/szss/bj", "asset", MANNER, day=None),
    Endpoint("/szss/sj", "event", MANNER, day="rq"),
    Endpoint("/szss/ql", "bridge", MANNER, day=None),
    Endpoint("/szss/bz", "pump", MANNER, day="rq"),
]
MQTT = {"waterlevel": "qixian/municipal/waterlevel/{cdbh}"}
