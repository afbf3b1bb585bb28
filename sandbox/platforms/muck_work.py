"""Where muck trucks load and unload, on which roads they may drive, and with which permits; all generated.

A few pairs of site and ground have no permit, and a few routes were approved along other streets than trucks take.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.geo import Floats
from sandbox.series import Ints, pick
from sandbox.world import World, to_gcj02

SHARES = (0.35, 0.30, 0.15, 0.20)  # of sites, by district
LOADING = 2 / 3  # of the places; at the others muck is disposed of
NO_PERMIT, OTHER_STREETS = 0.03, 0.04


def _count(world: World) -> int:
    """How many places there are: a building site and a disposal ground at least."""
    return max(2, world.count(24, 90))


def places(world: World) -> tuple[Floats, Floats, list[str]]:
    """All stops of the trucks, building sites first: lon, lat (WGS-84), district code."""
    lon, lat, district = world.points(_count(world), world.stable_rng("muck.stops"), SHARES)
    return lon, lat, district.tolist()


def site_count(world: World) -> int:
    """How many of the places are building sites."""
    return round(LOADING * _count(world))


def _numbers(world: World) -> list[str]:
    n, sites = _count(world), site_count(world)
    return [f"GD{i + 1:03d}" if i < sites else f"XN{i - sites + 1:02d}" for i in range(n)]


def ground(world: World, number: Ints) -> pa.Array:
    """The numbers of disposal grounds, counted from 0."""
    return pick(_numbers(world), number + site_count(world))


def sites(world: World) -> pa.Table:
    """The register of building sites and disposal grounds, the same each day."""
    lon, lat, district = places(world)
    numbers, n_sites = _numbers(world), site_count(world)
    x, y = to_gcj02(lon, lat)
    return pa.table(
        {
            "siteNo": pa.array(numbers),
            "siteName": pa.array([f"{item}号{'工地' if i < n_sites else '消纳场'}" for i, item in enumerate(numbers)]),
            "siteType": pa.array(["1" if i < n_sites else "2" for i in range(len(numbers))]),
            "lng": pa.array(np.round(x, 6)),
            "lat": pa.array(np.round(y, 6)),
            "areaCode": pa.array(district),
        }
    )


def _pairs(world: World) -> tuple[Ints, Ints]:
    """Every building site with every disposal ground, as places."""
    n, n_sites = _count(world), site_count(world)
    return np.repeat(np.arange(n_sites), n - n_sites), np.tile(np.arange(n_sites, n), n_sites)


def routes(world: World) -> pa.Table:
    """Corner points of the route of each pair: along one street, then across."""
    lon, lat, _ = places(world)
    start, end = _pairs(world)
    across = world.stable_rng("muck.route").random(start.size) < OTHER_STREETS
    corner_x, corner_y = np.where(across, lon[start], lon[end]), np.where(across, lat[end], lat[start])
    x, y = to_gcj02(
        np.stack([lon[start], corner_x, lon[end]], axis=1).ravel(),
        np.stack([lat[start], corner_y, lat[end]], axis=1).ravel(),
    )
    return pa.table(
        {
            "routeNo": pa.array([f"LX{i + 1:05d}" for i in np.repeat(np.arange(start.size), 3)]),
            "seq": pa.array(np.tile([1, 2, 3], start.size)),
            "lng": pa.array(np.round(x, 6)),
            "lat": pa.array(np.round(y, 6)),
        }
    )


def permits(world: World) -> pa.Table:
    """A permit for most pairs, from some day of the winter before until the next year."""
    start, end = _pairs(world)
    rng, year = world.stable_rng("muck.permit"), world.day.year
    kept = np.flatnonzero(rng.random(start.size) >= NO_PERMIT)
    issued = np.datetime64(f"{year - 1}-10-01") + rng.integers(0, 90, kept.size)
    return pa.table(
        {
            "permitNo": pa.array([f"XK{year}{i + 1:05d}" for i in kept]),
            "siteNo": pick(_numbers(world), start[kept]),
            "tipNo": pick(_numbers(world), end[kept]),
            "routeNo": pa.array([f"LX{i + 1:05d}" for i in kept]),
            "validFrom": pa.array([f"{day} 00:00:00" for day in issued]),
            "validTo": pa.array([f"{year + 1}-01-01 00:00:00"] * kept.size),
        }
    )
