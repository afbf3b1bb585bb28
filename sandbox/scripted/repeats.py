"""Rows that come twice, in another order, in bursts, or not at all."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.scripted.kit import Scripted, added, cells, devices, share, without

DUST, TIME, DEVICE = "dust.sample", "dataTime", "mn"


def _shuffled(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    return table.take(pa.array(rng.permutation(table.num_rows)))


def _another(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.add(column, 7.5)


FAULTS = {
    "duplicate_exact": Scripted("完全重复", DUST, added(share(0.02))),
    "duplicate_changed_payload": Scripted("同键不同值", DUST, added(share(0.02), cells(share(1.0), a34002=_another))),
    "out_of_order": Scripted("乱序", DUST, _shuffled),
    "burst_replay": Scripted("整段重放", DUST, added(devices(DEVICE, 2))),
    "gap": Scripted("中断数小时", DUST, without(devices(DEVICE, 1, (9, 14), TIME))),
    "device_silent": Scripted("设备全天无数据", DUST, without(devices(DEVICE, 1))),
    "half_the_rows": Scripted("行数骤减", DUST, without(share(0.6))),
}
