"""GCJ-02 and BD-09 to WGS-84 in SQL against forward formulas written down here on their own."""

from __future__ import annotations

import math
import random

import duckdb
import pytest

from warehouse.coordinates import to_wgs84

METRE = 1 / 111_320


def gcj02(lon: float, lat: float) -> tuple[float, float]:
    """WGS-84 → GCJ-02, scalar, after the published description."""
    x, y = lon - 105, lat - 35
    waves = 20 * math.sin(6 * x * math.pi) + 20 * math.sin(2 * x * math.pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + waves * 2 / 3
    north += (20 * math.sin(y * math.pi) + 40 * math.sin(y / 3 * math.pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * math.pi) + 320 * math.sin(y * math.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + waves * 2 / 3
    east += (20 * math.sin(x * math.pi) + 40 * math.sin(x / 3 * math.pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * math.pi) + 300 * math.sin(x / 30 * math.pi)) * 2 / 3
    a, ee = 6378245.0, 0.00669342162296594323
    magic = 1 - ee * math.sin(math.radians(lat)) ** 2
    d_lat = north * 180 / ((a * (1 - ee)) / (magic * math.sqrt(magic)) * math.pi)
    d_lon = east * 180 / (a / math.sqrt(magic) * math.cos(math.radians(lat)) * math.pi)
    return lon + d_lon, lat + d_lat


def bd09(lon: float, lat: float) -> tuple[float, float]:
    """WGS-84 → BD-09."""
    lon, lat = gcj02(lon, lat)
    turn = math.pi * 3000 / 180
    z = math.hypot(lon, lat) + 0.00002 * math.sin(lat * turn)
    theta = math.atan2(lat, lon) + 0.000003 * math.cos(lon * turn)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


def inverse(system: str, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    con = duckdb.connect()
    con.execute("CREATE TABLE p (lon DOUBLE, lat DOUBLE)")
    con.executemany("INSERT INTO p VALUES (?, ?)", points)
    query = to_wgs84("p", system, "lon", "lat")
    found = con.execute(f"SELECT lon_wgs84, lat_wgs84, lon, lat FROM ({query})").fetchall()
    assert [row[2:] for row in found] == points  # as received, untouched
    con.close()
    return [row[:2] for row in found]


def somewhere(n: int) -> list[tuple[float, float]]:
    chance = random.Random(20261120)
    county = [(chance.uniform(114.70, 114.88), chance.uniform(34.48, 34.62)) for _ in range(n)]
    china = [(chance.uniform(75, 134), chance.uniform(18, 53)) for _ in range(n)]
    return [*county, *china, (105.0, 35.0), (114.78, 34.55)]


@pytest.mark.parametrize(("system", "forward", "metres"), [("gcj02", gcj02, 0.05), ("bd09", bd09, 0.6)])
def test_there_and_back(system: str, forward: object, metres: float) -> None:
    points = somewhere(300)
    assert callable(forward)
    back = inverse(system, [forward(lon, lat) for lon, lat in points])
    worst = max(max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a, b in zip(points, back, strict=True))
    assert worst < metres * METRE


def test_the_offset_is_the_known_one_of_some_hundred_metres() -> None:
    ((lon, lat),) = inverse("gcj02", [(114.78, 34.55)])
    assert 300 < math.hypot((114.78 - lon) * 91_700, (34.55 - lat) * 110_900) < 800


@pytest.mark.parametrize("system", ["wgs84", "cgcs2000"])
def test_systems_that_need_no_shift(system: str) -> None:
    assert inverse(system, [(114.78, 34.55)]) == [(114.78, 34.55)]


def test_no_position_gives_none() -> None:
    con = duckdb.connect()
    query = to_wgs84("(SELECT NULL::DOUBLE AS lon, NULL::DOUBLE AS lat)", "bd09", "lon", "lat")
    assert con.execute(f"SELECT lon_wgs84, lat_wgs84 FROM ({query})").fetchall() == [(None, None)]
    con.close()
