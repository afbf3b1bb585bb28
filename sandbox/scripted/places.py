"""Positions in another system, exchanged, at the zero of the map, unscaled, or in degrees and minutes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from sandbox.content import plus, put
from sandbox.geo import Floats, to_bd09, to_gcj02
from sandbox.scripted.kit import Change, Scripted, Which, cells, devices, set_cells, share

MUCK, LAMP = "muck.position", "lighting.lamp"
Move = Callable[[Floats, Floats], tuple[Floats, Floats]]


def _moved(which: Which, move: Move) -> Change:
    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        rows = which(table, rng)
        x, y = move(table["lng"].to_numpy(), table["lat"].to_numpy())
        table = set_cells(table, "lng", rows, pa.array(np.round(x, 6)))
        return set_cells(table, "lat", rows, pa.array(np.round(y, 6)))

    return change


def _swapped(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    return lat, lon


def _unscaled(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    return lon * 1e6, lat * 1e6


def _texts(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """114°47′20″ in a share of the rows: the whole column becomes text, as such sources deliver it."""
    rows = share(0.01)(table, rng)
    for column in ("lng", "lat"):
        numbers = table[column].to_numpy()
        texts = [_degrees(value) if struck else repr(float(value)) for value, struck in zip(numbers, rows, strict=True)]
        table = table.set_column(table.column_names.index(column), column, pa.array(texts))
    return table


def _degrees(value: float) -> str:
    minutes = (value - int(value)) * 60
    return f"{int(value)}°{int(minutes)}′{(minutes - int(minutes)) * 60:.1f}″"


FAULTS = {
    "coord_gcj02_twice": Scripted("坐标被再次加偏（GCJ-02）", MUCK, _moved(devices("simNo", 3), to_gcj02)),
    "coord_gcj02_all": Scripted("坐标系悄然改变（GCJ-02）", MUCK, _moved(share(1.0), to_gcj02)),
    "coord_bd09_all": Scripted("坐标系悄然改变（BD-09）", MUCK, _moved(share(1.0), to_bd09)),
    "swapped_lat_lon": Scripted("经纬度互换", MUCK, _moved(share(0.01), _swapped)),
    "null_island": Scripted("零经零纬", MUCK, cells(share(0.01), lng=put(0.0), lat=put(0.0))),
    "not_scaled_1e6": Scripted("坐标未除以百万", MUCK, _moved(share(0.01), _unscaled)),
    "degrees_minutes": Scripted("度分秒文本", MUCK, _texts),
    "teleport": Scripted("定位漂移", MUCK, cells(share(0.002), lng=plus(0.021))),
}
