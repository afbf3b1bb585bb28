"""渣土管理 muck trucks: REST with hmac-sha256 signatures and cursors; GCJ-02 positions, speed in 0.1 km/h.

All generated. Terminals report 10 hours a day; 808 platforms resend, so duplicates and late rows are usual.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyarrow as pa

from sandbox.content import FUTURE, Duplicates, Fault, Frozen, Late, OutOfOrder, Spoil, negative, plus, put
from sandbox.dataset import Dataset
from sandbox.manners import Cursor, Endpoint, Manner, Signature
from sandbox.platforms import muck_work
from sandbox.platforms.muck_work import SHARES
from sandbox.series import Ints, clock, pick
from sandbox.tracks import Fleet, Tracks, drive
from sandbox.world import World, spread, to_gcj02

COMPANIES = (
    "豫东渣土运输一公司",
    "豫东渣土运输二公司",
    "惠济河土方工程公司",
    "金城建筑垃圾清运公司",
    "雍丘运输服务公司",
)
VIOLATIONS = (
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
)  # dump outside, no permit, spillage, speeding, off route, dirty wheels
POINTS = (12.0, 6.0, 3.0, 3.0, 2.0, 1.0)
AT_WORK = (0.97, 0.94, 0.90, 0.92)  # share of registered trucks on the road, by district
LOADS = ("00", "11", "01")  # empty, full, half

MANNER = Manner(
    auth=Signature(algorithm="hmac-sha256", key_header="X-App-Key", time_header="X-Timestamp", sign_header="X-Sign"),
    paging=Cursor(cursor="cursor", size="limit"),
    ok='{"success":true,"code":"200","msg":"","data":[$records],"nextCursor":$next,"count":$total}',
    error='{"success":false,"code":"$code","msg":"$message","data":null,"nextCursor":null,"count":0}',
)


def _trucks(world: World) -> int:
    return world.count(36, 300)


def _phones(world: World) -> list[str]:
    return [f"0139{41022000 + i:08d}" for i in range(_trucks(world))]


def _plates(world: World) -> list[str]:
    rng, letters = world.stable_rng("muck.plate"), np.array(list("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"))
    return ["豫B" + "".join(letters[rng.integers(0, letters.size, 5)]) for _ in range(_trucks(world))]


def _registry(world: World) -> dict[str, np.ndarray]:
    rng, n = world.stable_rng("muck.vehicle"), _trucks(world)
    return {
        "company": rng.integers(0, len(COMPANIES), n),
        "clean": rng.random(n) < 0.42,
        "registered": rng.random(n) < 0.94,
        "district": spread(n, SHARES, rng),
        "odo": rng.uniform(8_000, 190_000, n),
    }


def vehicles(world: World) -> pa.Table:
    """The register, the same each day."""
    known, n = _registry(world), _trucks(world)
    return pa.table(
        {
            "vehNo": pa.array([f"ZT{i + 1:04d}" for i in range(n)]),
            "plateNo": pa.array(_plates(world)),
            "simNo": pa.array(_phones(world)),
            "corpName": pick(COMPANIES, known["company"]),
            "energyType": pick(("2", "1"), known["clean"].astype(int)),
            "regStatus": pick(("0", "1"), known["registered"].astype(int)),
            "areaCode": pick(("01", "02", "03", "04"), known["district"]),
        }
    )


@lru_cache(maxsize=1)
def _work(world: World) -> tuple[Tracks, Ints]:
    """What the trucks did on the day: their tracks, and the truck of each report."""
    rng, known = world.rng("muck.position"), _registry(world)
    busy = known["registered"] & (rng.random(_trucks(world)) < np.array(AT_WORK)[known["district"]])
    trucks = np.flatnonzero(busy)
    lon, lat, _ = muck_work.places(world)
    spacing = max(10, round(31 - world.scale))
    fleet = Fleet((26, 58), 0.10, (62, 88), (120, 1500), 6 * 3600 + 1800, 10 * 3600, spacing)
    fleet = replace(fleet, loading=muck_work.site_count(world))
    track = drive(rng, trucks.size, np.stack([lon, lat], axis=1), fleet)
    return track, trucks[track.vehicle]


def positions(world: World) -> pa.Table:
    """Trucks at work, from building sites to disposal grounds and back: every 10 (county) to 30 s (demo)."""
    track, truck = _work(world)
    rng, known, n = world.rng("muck.report"), _registry(world), track.second.size
    x, y = to_gcj02(track.lon, track.lat)
    acc = ~track.long_stop
    overspeed = track.speed > 60
    return pa.table(
        {
            "simNo": pick(_phones(world), truck),
            "gpsTime": pa.array(clock(world, track.second)),
            "lng": pa.array(np.round(x, 6)),
            "lat": pa.array(np.round(y, 6)),
            "spd": pa.array(np.round(track.speed * 10).astype(np.int64)),
            "dir": pa.array(np.round(track.direction).astype(np.int64) % 360),
            "alt": pa.array(np.round(58 + rng.normal(0, 3, n)).astype(np.int64)),
            "alarm": pa.array(np.where(overspeed, 2, np.where(rng.random(n) < 0.0005, 1, 0)).astype(np.int64)),
            "status": pa.array((acc.astype(np.int64)) | 2),
            "loadState": pick(LOADS, np.where(rng.random(n) < 0.01, 2, track.leg % 2)),
            "mileage": pa.array(np.round(known["odo"][truck] + track.moved_km, 1)),
            "acc": pa.array(acc.astype(np.int64)),
        }
    )


def tickets(world: World) -> pa.Table:
    """One ticket for each load that went off at a disposal ground; a few drivers go by without."""
    track, truck = _work(world)
    rng = world.rng("muck.disposal")
    came = np.flatnonzero((track.leg[:-1] % 2 == 1) & (track.leg[1:] == track.leg[:-1] + 1))
    came = came[(track.vehicle[came] == track.vehicle[came + 1]) & (rng.random(came.size) < 0.98)]
    came = came[np.argsort(track.second[came], kind="stable")]
    return pa.table(
        {
            "ticketNo": pa.array([f"XN{world.day:%Y%m%d}{i + 1:05d}" for i in range(came.size)], pa.string()),
            "tipNo": muck_work.ground(world, track.goal[came] - muck_work.site_count(world)),
            "plateNo": pick(_plates(world), truck[came]),
            "entryTime": pa.array(clock(world, track.second[came])),
        }
    )


def violations(world: World) -> pa.Table:
    """What the city management and the police recorded on the day."""
    rng, known = world.rng("muck.violation"), _registry(world)
    n = int(rng.poisson(world.count(14, 60)))
    kind, truck = rng.choice(6, n, p=[0.06, 0.10, 0.22, 0.30, 0.22, 0.10]), rng.integers(0, _trucks(world), n)
    lon, lat, _ = world.points(n, rng, SHARES)
    x, y = to_gcj02(lon, lat)
    number = [f"WF{world.day:%Y%m%d}{i + 1:04d}" for i in range(n)]
    return pa.table(
        {
            "id": pa.array(number, pa.string()),
            "vioType": pick(VIOLATIONS, kind),
            "plateNo": pick(_plates(world), truck),
            "corpName": pick(COMPANIES, known["company"][truck]),
            "vioTime": pa.array(clock(world, np.sort(rng.integers(0, 86_400, n)))),
            "points": pa.array(np.array(POINTS)[kind]),
            "evidence": pa.array([f"/evidence/{item}.jpg" for item in number], pa.string()),
            "source": pick(("CG", "GA"), (rng.random(n) < 0.4).astype(int)),
            "lng": pa.array(np.round(x, 6)),
            "lat": pa.array(np.round(y, 6)),
        }
    )


POSITION_FAULTS: tuple[Fault, ...] = (
    Late("simNo", days=1, share=0.05, minutes=50),
    Late("simNo", days=2, share=0.02, minutes=30),
    Spoil("zero_position", 0.001, {"lng": put(0.0), "lat": put(0.0)}),
    Spoil("future_clock", 0.0004, {"gpsTime": put(FUTURE)}),
    Spoil("saturated", 0.0004, {"spd": put(65535)}),
    Spoil("negative", 0.0004, {"spd": negative}),
    Spoil("jump", 0.0006, {"lng": plus(0.021), "spd": put(1350)}, bad=False),
    Spoil("blank", 0.001, {"alt": put(None)}, bad=False),
    Frozen("simNo", ("lng", "lat", "spd", "dir"), run=60),
    Duplicates(0.006),
    OutOfOrder(0.02),
)

DATASETS = {
    "mk_vehicle": Dataset("muck.vehicle", vehicles),
    "mk_position": Dataset("muck.position", positions, time="gpsTime", faults=POSITION_FAULTS),
    "mk_violation": Dataset("muck.violation", violations, time="vioTime", faults=(Duplicates(0.05),)),
    "mk_site": Dataset("muck.site", muck_work.sites),
    "mk_route": Dataset("muck.route", muck_work.routes),
    "mk_permit": Dataset("muck.permit", muck_work.permits),
    "mk_disposal": Dataset("muck.disposal", tickets, time="entryTime", faults=(Duplicates(0.02),)),
}

ENDPOINTS = [
    Endpoint("/openapi/v1/vehicles", "mk_vehicle", MANNER, day=None),
    Endpoint("/openapi/v1/positions", "mk_position", MANNER, day="day"),
    Endpoint("/openapi/v1/violations", "mk_violation", MANNER, day="day"),
    Endpoint("/openapi/v1/sites", "mk_site", MANNER, day=None),
    Endpoint("/openapi/v1/routes", "mk_route", MANNER, day=None),
    Endpoint("/openapi/v1/permits", "mk_permit", MANNER, day=None),
    Endpoint("/openapi/v1/tickets", "mk_disposal", MANNER, day="day"),
]
