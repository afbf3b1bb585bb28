"""Plausible vehicle tracks: from stop to stop along streets, with dwells, gaps and an unsteady clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sandbox.geo import METRES_PER_DEGREE, Floats

Ints = NDArray[np.int64]
LONG_STOP_S = 600  # the driver switches off


@dataclass(frozen=True)
class Fleet:
    """How a fleet drives: speeds of a leg, stops, first start, hours of work and seconds between reports."""

    speed_kmh: tuple[float, float]
    fast_share: float
    fast_kmh: tuple[float, float]
    dwell_s: tuple[float, float]
    start_s: int
    work_s: int
    spacing_s: int
    gap_share: float = 0.3
    loading: int = 0  # the first so many stops are where loads go on, at the others they go off; 0: any stop is both


@dataclass(frozen=True)
class Tracks:
    """One row a report, by vehicle and time; WGS-84 degrees, km/h, degrees from north, km since the start."""

    vehicle: Ints
    second: Ints
    lon: Floats
    lat: Floats
    speed: Floats
    direction: Floats
    moved_km: Floats
    leg: Ints
    goal: Ints  # the stop to which the leg leads
    stopped: NDArray[np.bool_]
    long_stop: NDArray[np.bool_]


def drive(rng: np.random.Generator, n: int, stops: Floats, fleet: Fleet) -> Tracks:
    """Tracks of `n` vehicles between `stops` (m, 2); streets run east-west and north-south."""
    parts = [_one(rng, number, stops, fleet) for number in range(n)]
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    size, moving = joined["second"].size, ~joined["stopped"]
    noise_m = rng.normal(0, 4, (2, size)) / METRES_PER_DEGREE
    joined["lon"] += noise_m[0]
    joined["lat"] += noise_m[1]
    joined["speed"] = np.where(moving, joined["speed"] * rng.normal(1, 0.12, size), 0.0).clip(0)
    joined["direction"] = np.where(moving, (joined["direction"] + rng.normal(0, 4, size)) % 360, joined["direction"])
    return Tracks(**joined)


def _one(rng: np.random.Generator, number: int, stops: Floats, fleet: Fleet) -> dict[str, NDArray[np.generic]]:
    legs = fleet.work_s // 240 + 4
    chosen = rng.integers(0, len(stops), legs + 1)
    if fleet.loading:  # odd legs carry a load: they begin where loads go on
        off = fleet.loading + chosen % (len(stops) - fleet.loading)
        chosen = np.where(np.arange(legs + 1) % 2 == 1, chosen % fleet.loading, off)
    places = stops[chosen]
    east = np.diff(places[:, 0]) * METRES_PER_DEGREE * np.cos(np.radians(34.55)) / 1000
    north = np.diff(places[:, 1]) * METRES_PER_DEGREE / 1000
    fast = rng.random(legs) < fleet.fast_share
    speed = np.where(fast, rng.uniform(*fleet.fast_kmh, legs), rng.uniform(*fleet.speed_kmh, legs))
    dwell = rng.uniform(*fleet.dwell_s, legs)
    # Each leg is three segments: stand, drive along the street, drive across.
    seconds = np.stack([dwell, np.abs(east) / speed * 3600, np.abs(north) / speed * 3600], axis=1).ravel()
    knots = np.concatenate([[0.0], np.cumsum(seconds)])
    x = np.stack([places[:-1, 0], places[:-1, 0], places[1:, 0]], axis=1).ravel()
    y = np.stack([places[:-1, 1], places[:-1, 1], places[:-1, 1]], axis=1).ravel()
    km = np.cumsum(np.stack([np.zeros(legs), np.abs(east), np.abs(north)], axis=1).ravel())
    at = _reports(rng, fleet)
    segment = np.minimum(np.searchsorted(knots, at, side="right") - 1, seconds.size - 1)
    leg, kind = segment // 3, segment % 3
    heading = np.where(kind == 1, np.where(east[leg] >= 0, 90.0, 270.0), np.where(north[leg] >= 0, 0.0, 180.0))
    return {
        "vehicle": np.full(at.size, number, dtype=np.int64),
        "second": at + int(fleet.start_s + rng.integers(-1800, 1800)),
        "lon": np.interp(at, knots, np.append(x, places[-1, 0])),
        "lat": np.interp(at, knots, np.append(y, places[-1, 1])),
        "speed": speed[leg],
        "direction": heading,
        "moved_km": np.interp(at, knots, np.concatenate([[0.0], km])),
        "leg": leg,
        "goal": chosen[1:][leg],
        "stopped": kind == 0,
        "long_stop": (kind == 0) & (dwell[leg] > LONG_STOP_S),
    }


def _reports(rng: np.random.Generator, fleet: Fleet) -> Ints:
    steps = fleet.spacing_s + rng.integers(
        -(fleet.spacing_s // 10) - 1, fleet.spacing_s // 10 + 2, 2 * fleet.work_s // fleet.spacing_s
    )
    at = np.cumsum(steps)
    at = at[at < fleet.work_s]
    if rng.random() < fleet.gap_share:  # a dead zone
        start = rng.integers(0, fleet.work_s)
        at = at[(at < start) | (at > start + rng.integers(300, 1500))]
    return at
