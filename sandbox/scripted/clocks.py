"""Clocks that are wrong, times that are late, times that are half."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.content import put
from sandbox.scripted.kit import Change, Scripted, Which, cells, devices, every, share, shifted

DUST, TIME, DEVICE = "dust.sample", "dataTime", "mn"


def _set_to(which: Which, column: str, moment: str) -> Change:
    return cells(which, **{column: put(np.datetime64(moment, "us").item())})


def _as_text(column: str, style: str) -> Change:
    """Every time in another style: no time of day, or a zone that the spec does not expect."""

    def change(table: pa.Table, _rng: np.random.Generator) -> pa.Table:
        texts = pc.strftime(table[column].cast(pa.timestamp("s")), style)
        return table.set_column(table.column_names.index(column), column, texts)

    return change


def _held_back(which: Which) -> Change:
    """The rows that are struck come after all others."""

    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        rows = pa.array(which(table, rng))
        return pa.concat_tables([table.filter(pc.invert(rows)), table.filter(rows)])

    return change


FAULTS = {
    "clock_ahead_10min": Scripted("设备时钟快十分钟", DUST, shifted(devices(DEVICE, 2), TIME, minutes=10)),
    "clock_ahead_8h": Scripted("设备时钟快八小时", DUST, shifted(devices(DEVICE, 2), TIME, hours=8)),
    "clock_behind_8h": Scripted("设备时钟慢八小时", DUST, shifted(devices(DEVICE, 2), TIME, hours=-8)),
    "clock_1970": Scripted("时钟回到1970年", DUST, _set_to(share(0.01), TIME, "1970-01-01T08:00:00")),
    "clock_2000": Scripted("时钟回到2000年", DUST, _set_to(share(0.01), TIME, "2000-01-01T00:00:00")),
    "clock_2040": Scripted("时钟跑到2040年", DUST, _set_to(share(0.01), TIME, "2040-01-01T08:00:00")),
    "late_1h": Scripted("一小时后补传", DUST, _held_back(devices(DEVICE, 1, (1, 2), TIME))),
    "late_1d": Scripted("隔日补传", DUST, shifted(devices(DEVICE, 1, (10, 12), TIME), TIME, days=-1)),
    "late_35d": Scripted("跨月补传（三十五天前）", DUST, shifted(devices(DEVICE, 1, (10, 12), TIME), TIME, days=-35)),
    "timezone_missing": Scripted("按UTC写时间且不带时区", DUST, shifted(every, TIME, hours=-8)),
    "date_only": Scripted("时间只到日期", "muck.violation", _as_text("vioTime", "%Y-%m-%d")),
}
