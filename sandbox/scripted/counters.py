"""Meters that count: reset to zero, over the end of their digits, backwards."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.content import plus, put
from sandbox.scripted.kit import Change, Scripted, Which, cells, devices, set_cells

HEAT = "heat.station"


def _changed(which: Which, column: str) -> Change:
    """The meter of the struck rows is changed: it counts from zero on."""

    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        rows = which(table, rng)
        old = table[column].filter(pa.array(rows))
        made = pc.round(pc.subtract(table[column], pc.min(old)), 2)
        return set_cells(table, column, rows, made) if rows.any() else table

    return change


FAULTS = {
    "counter_reset": Scripted("换表清零", HEAT, _changed(devices("zbh", 1, (12, 24), "cjsj"), "ljrl")),
    "counter_rollover": Scripted("计数溢出回零", "water.meter",
        cells(devices("表号", 3), **{"累计读数(m³)": put(3.25)})),
    "counter_backwards": Scripted("计数倒走", HEAT, cells(devices("zbh", 1, (12, 13), "cjsj"), ljrl=plus(-40.0))),
}  # fmt: skip
