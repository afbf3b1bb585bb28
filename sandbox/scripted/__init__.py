"""The catalogue of what goes wrong with records, one fault at a time: `--fault "dust.sample=scripted:clock_ahead_8h"`.

A feed with a scripted fault brings nothing else that is wrong; `scripted:none` is a feed without any fault. Each fault
changes what it says and leaves every other record as the clean delivery has it, byte for byte.
"""

from __future__ import annotations

from sandbox.scripted import clocks, columns, counters, entities, places, repeats, values
from sandbox.scripted.kit import Scripted

FAULTS: dict[str, Scripted] = {
    name: fault
    for module in (clocks, repeats, values, counters, places, entities, columns)
    for name, fault in module.FAULTS.items()
}

__all__ = ["FAULTS", "Scripted"]
