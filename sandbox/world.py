"""The city that is simulated: one seed, one service day, one scale, and nothing else decides a value.

Every stream of random numbers is seeded from sha256 of seed, name and day, so what one platform draws never
depends on what another drew before it: same seed and day, same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sandbox.geo import Floats, inside, to_bd09, to_gcj02
from sandbox.plan import Plan
from sandbox.truth import Truth

__all__ = ["COUNTY_SCALE", "DISTRICTS", "World", "parse_scale", "spread", "times", "to_bd09", "to_gcj02"]

COUNTY_SCALE = 25.0  # 25 x the demo's 200 k records a day = the county's 5 M
WEST, SOUTH, EAST, NORTH = 114.70, 34.48, 114.88, 34.62
CENTRE = (114.78, 34.55)
DISTRICTS = {"01": "jincheng", "02": "juji", "03": "wulihe", "04": "chengjiao"}
BOUNDARIES = Path(__file__).resolve().parent.parent / "warehouse" / "reference" / "units.geojson"


@dataclass(frozen=True)
class World:
    """What is simulated. `records` is the folder of real public records, or None: all is generated.

    `plan` holds the scripted transport faults (every transport asks it), `truth` what was put into records.
    """

    seed: int
    day: date
    scale: float = 1.0
    records: Path | None = None
    plan: Plan = field(default_factory=Plan, compare=False, repr=False)
    truth: Truth = field(default_factory=Truth, compare=False, repr=False)

    def rng(self, name: str) -> np.random.Generator:
        """Random numbers of this name and day."""
        return _generator(f"{self.seed}|{name}|{self.day.isoformat()}")

    def stable_rng(self, name: str) -> np.random.Generator:
        """Random numbers of this name, the same on each day (registries)."""
        return _generator(f"{self.seed}|{name}|")

    def on(self, day: date) -> World:
        """The same city on another day, with its own truth."""
        return replace(self, day=day, truth=Truth())

    def back(self, days: int) -> World:
        """The same city some days earlier."""
        return self.on(self.day - timedelta(days=days))

    def count(self, demo: int, county: int) -> int:
        """How many: `demo` at scale 1, `county` at scale 25, straight between and beyond; at least 1."""
        if self.scale <= 1:
            return max(1, round(demo * self.scale))
        return max(1, round(demo + (county - demo) * (self.scale - 1) / (COUNTY_SCALE - 1)))

    def points(
        self, n: int, rng: np.random.Generator, shares: Sequence[float] | None = None
    ) -> tuple[Floats, Floats, NDArray[np.str_]]:
        """`n` places in the four territories, denser near the centre: lon, lat (WGS-84) and district code.

        `shares` fixes how many lie in each district (in the order of their codes).
        """
        if shares is not None:
            wanted = np.array(list(DISTRICTS))[spread(n, shares, rng)]
            lon, lat, code = self.points(40 * n + 200, rng)
            places = np.empty(n, dtype=np.int64)
            for one in DISTRICTS:
                places[wanted == one] = np.flatnonzero(code == one)[: np.count_nonzero(wanted == one)]
            return lon[places], lat[places], wanted
        lon, lat, code = np.empty(0), np.empty(0), np.empty(0, dtype="U2")
        while len(lon) < n:
            near = rng.random(2 * n + 8) < 0.65
            x = np.where(near, rng.normal(CENTRE[0], 0.03, near.size), rng.uniform(WEST, EAST, near.size))
            y = np.where(near, rng.normal(CENTRE[1], 0.025, near.size), rng.uniform(SOUTH, NORTH, near.size))
            found = self.districts(x, y)
            keep = found != ""
            lon, lat = np.append(lon, x[keep]), np.append(lat, y[keep])
            code = np.append(code, found[keep])
        return np.round(lon[:n], 6), np.round(lat[:n], 6), code[:n]

    def districts(self, lon: Floats, lat: Floats) -> NDArray[np.str_]:
        """The vendors' district code ("01".."04") of WGS-84 places, "" outside all territories."""
        code = np.full(lon.shape, "", dtype="U2")
        for district, rings in _territories().items():
            hit = np.zeros(lon.shape, dtype=bool)
            for ring in rings:
                hit ^= inside(lon, lat, ring)
            code[hit & (code == "")] = district
        return code

    def start(self) -> np.datetime64:
        """Local midnight of the day, without zone, microseconds."""
        return np.datetime64(self.day.isoformat(), "us")


def spread(n: int, shares: Sequence[float], rng: np.random.Generator) -> NDArray[np.int64]:
    """`n` indices into `shares`, in mixed order, as many of each as its share says."""
    ends = np.round(np.cumsum(shares) / np.sum(shares) * n).astype(np.int64)
    return rng.permutation(np.repeat(np.arange(len(shares)), np.diff(ends, prepend=0)))


def times(day: date, seconds: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.datetime64]:
    """Local times of whole `seconds` after midnight, without zone (vendors send none)."""
    return np.asarray(np.datetime64(day.isoformat(), "us") + seconds.astype("int64").astype("timedelta64[s]"))


def local(day: date, seconds: float) -> datetime:
    """One local time of `seconds` after midnight, without zone."""
    return datetime.combine(day, datetime.min.time()) + timedelta(seconds=int(seconds))


def parse_scale(text: str) -> float:
    """`demo` = 1, `county` = 25, else a positive number; raises ValueError."""
    named = {"demo": 1.0, "county": COUNTY_SCALE}
    scale = named[text] if text in named else float(text)
    if not 0 < scale <= 1000:
        raise ValueError(f"scale {text!r}: give demo, county or a number above 0 and up to 1000")
    return scale


def _generator(name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")))


@cache
def _territories() -> dict[str, list[Floats]]:
    """District code → rings: the hub's unit boundaries where they exist, else four quadrants."""
    codes = {unit: district for district, unit in DISTRICTS.items()}
    found: dict[str, list[Floats]] = {}
    if BOUNDARIES.is_file():
        for feature in json.loads(BOUNDARIES.read_text(encoding="utf-8"))["features"]:
            properties, geometry = feature["properties"], feature["geometry"]
            named = [codes[str(value)] for value in properties.values() if str(value) in codes]
            polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
            if named:
                found[named[0]] = [np.array(ring, dtype=float)[:, :2] for polygon in polygons for ring in polygon]
    if set(found) == set(DISTRICTS):
        return found
    x, y = CENTRE
    boxes = {
        "01": (WEST, y, x, NORTH),
        "02": (x, y, EAST, NORTH),
        "03": (WEST, SOUTH, x, y),
        "04": (x, SOUTH, EAST, y),
    }
    return {
        code: [np.array([(w, s), (e, s), (e, n), (w, n), (w, s)], dtype=float)] for code, (w, s, e, n) in boxes.items()
    }
