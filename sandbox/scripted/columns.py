"""Columns that come, go, or change their name."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sandbox.scripted.kit import Change, Scripted

DUST = "dust.sample"


def _more(name: str) -> Change:
    return lambda table, _: table.append_column(name, pa.array(np.arange(table.num_rows).astype(str)))


def _renamed(old: str, new: str) -> Change:
    return lambda table, _: table.rename_columns([new if name == old else name for name in table.column_names])


def _dropped(name: str) -> Change:
    return lambda table, _: table.drop_columns([name])


FAULTS = {
    "schema_added_field": Scripted("多出一列", DUST, _more("firmwareVersion")),
    "schema_missing_field": Scripted("少了一列", DUST, _dropped("a01008")),
    "schema_renamed": Scripted("列改名", DUST, _renamed("a01007", "a01007_v2")),
    "schema_renamed_required": Scripted("必填列改名", DUST, _renamed("dataTime", "data_time")),
}
