"""Devices that nobody registered, that got another number, or that two vendors report; rows that a source deletes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sandbox.scripted.kit import Change, Scripted, Which, added, cells, devices, set_cells, share, without

DUST, DEVICE = "dust.sample", "mn"


def _named(which: Which, column: str, name: str) -> Change:
    return cells(which, **{column: lambda _: pa.scalar(name)})


def _other_vendor(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """A second vendor's readings of the same device at the same times."""
    noise = pa.array(np.round(rng.normal(12, 3, table.num_rows), 1)).cast(table["a34002"].type)
    return set_cells(table, "a34002", np.ones(table.num_rows, dtype=bool), pc.add(table["a34002"], noise))


FAULTS = {
    "entity_unknown": Scripted("未登记的设备", DUST, _named(devices(DEVICE, 1), DEVICE, "QX041022199999")),
    "entity_renamed": Scripted("设备改号", DUST, _named(devices(DEVICE, 1), DEVICE, "QX041022188888")),
    "two_vendors_one_entity": Scripted("两家上报同一设备", DUST, added(devices(DEVICE, 1), _other_vendor)),
    "two_devices_one_number": Scripted("两台设备同号", "muck.position",
        _named(devices("simNo", 2), "simNo", "013941022001")),
    "deletion_at_source": Scripted("源端删除记录", "lighting.lamp", without(share(0.03))),
    "soft_delete_flag_ignored": Scripted("软删除标记", "lighting.lamp",
        cells(share(0.03), assetStatus=lambda _: pa.scalar("Deleted"))),
}  # fmt: skip
