"""Values that no instrument measured: stuck, above the scale, below zero, in another unit, made up."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.content import put, times
from sandbox.scripted.kit import Change, Rows, Scripted, Which, cells, devices, every, set_cells, share

DUST, TIME, DEVICE = "dust.sample", "dataTime", "mn"


def _frozen(which: Which, *columns: str) -> Change:
    """The first reading of the rows that are struck stands in all of them."""

    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        rows: Rows = which(table, rng)
        first = int(np.flatnonzero(rows)[0])
        for column in columns:
            table = set_cells(table, column, rows, pa.scalar(table[column][first].as_py(), table[column].type))
        return table

    return change


def _made_up(which: Which, column: str) -> Change:
    """Random numbers between 40 and 60 where forwarding code did not like what was measured."""

    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        rows = which(table, rng)
        made = pa.array(np.round(rng.uniform(40, 60, table.num_rows), 1)).cast(table[column].type)
        return set_cells(table, column, rows, made)

    return change


def _as_words(table: pa.Table, _rng: np.random.Generator) -> pa.Table:
    """A column whose numbers have become texts with their unit."""
    texts = pc.binary_join_element_wise(table["a34002"].cast(pa.string()), "ug/m3", " ")
    return table.set_column(table.column_names.index("a34002"), "a34002", texts)


FAULTS = {
    "frozen": Scripted("数值冻结", DUST, _frozen(devices(DEVICE, 1, (0, 10), TIME), "a34004", "a34002", "a34001", "LA",
                       "a01001", "a01002", "a01006", "a01007", "a01008")),
    "spike": Scripted("单点突变", DUST, cells(share(0.002), a34002=put(2600.0))),
    "negative": Scripted("负值", DUST, cells(share(0.01), a34004=put(-5.0))),
    "zero_fill": Scripted("缺测填零", DUST, cells(devices(DEVICE, 1, (8, 16), TIME), a34004=put(0.0), a34002=put(0.0),
                          a34001=put(0.0))),
    "saturated_32767": Scripted("满量程32767", DUST, cells(share(0.01), a34002=put(32767.0))),
    "saturated_65535": Scripted("满量程65535", "muck.position", cells(share(0.002), spd=put(65535))),
    "saturated_9999": Scripted("占位值9999", DUST, cells(share(0.01), a34004=put(9999.0))),
    "unit_x1000": Scripted("单位放大千倍", DUST, cells(devices(DEVICE, 1), a34002=times(1000.0))),
    "unit_div1000": Scripted("单位缩小千倍", DUST, cells(devices(DEVICE, 1), a34002=times(0.001))),
    "unit_kpa_mpa": Scripted("千帕当兆帕", "heat.station", cells(devices("zbh", 1), gsyl=times(1000.0))),
    "unit_gj_mwh": Scripted("兆瓦时当吉焦", "heat.station", cells(devices("zbh", 1), ljrl=times(1 / 3.6))),
    "unit_therm_m3": Scripted("撒姆当立方米", "water.meter", cells(every, **{"累计读数(m³)": times(2.83)})),
    "made_up_40_60": Scripted("转发程序填随机数", DUST, _made_up(devices(DEVICE, 1, (6, 20), TIME), "a34002")),
    "marked_value_used": Scripted("带故障标记的数值", DUST, cells(devices(DEVICE, 1, (6, 12), TIME), flag=put("D"))),
    "type_change": Scripted("数值变成带单位的文本", DUST, _as_words),
    "type_change_text_number": Scripted("数字改用文本书写", DUST,
        lambda table, _: table.set_column(
            table.column_names.index("a34002"), "a34002", table["a34002"].cast(pa.string()))),
    "vendor_rate_disagrees": Scripted("厂商自算率不符", "lighting.lamp_state",
        lambda table, _: table if "BrightRate" not in table.column_names else table.set_column(
            table.column_names.index("BrightRate"), "BrightRate",
            pa.array(np.full(table.num_rows, 100.0)).cast(table["BrightRate"].type))),
}  # fmt: skip
