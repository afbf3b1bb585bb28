"""Coordinates, vectorised: WGS-84 to GCJ-02 to BD-09, distances, point in polygon.

The forward GCJ-02 formula is the published approximation (errors below 1 m inside China); BD-09 adds its own
twist on top. Arrays of float64 degrees in, the same shape out.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_A, _EE = 6378245.0, 0.00669342162296594323  # Krasovsky 1940: half axis in m, squared eccentricity
METRES_PER_DEGREE = 111_320.0


def _wave(x: Floats) -> Floats:
    return np.asarray(20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi))


def to_gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """GCJ-02 of WGS-84 degrees; about 530 m to the east in Qi County."""
    x, y = lon - 105.0, lat - 35.0
    root, common = np.sqrt(np.abs(x)), _wave(x)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common * 2.0 / 3.0
    north += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    north += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common * 2.0 / 3.0
    east += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    east += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = lat / 180.0 * np.pi
    magic = 1.0 - _EE * np.sin(phi) ** 2
    north = north * 180.0 / ((_A * (1.0 - _EE)) / (magic * np.sqrt(magic)) * np.pi)
    east = east * 180.0 / (_A / np.sqrt(magic) * np.cos(phi) * np.pi)
    return lon + east, lat + north


def to_bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """BD-09 of WGS-84 degrees (through GCJ-02)."""
    x, y = to_gcj02(lon, lat)
    turn = np.pi * 3000.0 / 180.0
    radius = np.hypot(x, y) + 0.00002 * np.sin(y * turn)
    angle = np.arctan2(y, x) + 0.000003 * np.cos(x * turn)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def inside(lon: Floats, lat: Floats, ring: Floats) -> NDArray[np.bool_]:
    """Which points are inside a closed ring of shape (n, 2); ray casting, vectorised over the points."""
    hit = np.zeros(lon.shape, dtype=bool)
    for (x1, y1), (x2, y2) in pairwise(ring):
        if y1 == y2:
            continue
        crosses = (y1 > lat) != (y2 > lat)
        hit ^= crosses & (lon < (x2 - x1) * (lat - y1) / (y2 - y1) + x1)
    return hit
