"""Meters that count: reset to zero, over the end of their digits, backwards."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from sandbox.content import plus, put
from sandbox.scripted.kit import Scripted, cells, devices

HEAT = "heat.station"


def _rolled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Five digits: what is above the end begins again at zero."""
    first = pc.min(column)
    return pc.round(pc.subtract(column, first), 2)


FAULTS = {
    "counter_reset": Scripted("换表清零", HEAT, cells(devices("zbh", 1, (12, 24), "cjsj"), ljrl=_rolled)),
    "counter_rollover": Scripted("计数溢出回零", "water.meter",
        cells(devices("表号", 3), **{"累计读数(m³)": put(3.25)})),
    "counter_backwards": Scripted("计数倒走", HEAT, cells(devices("zbh", 1, (12, 13), "cjsj"), ljrl=plus(-40.0))),
}  # fmt: skip
