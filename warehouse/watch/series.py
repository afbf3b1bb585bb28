"""Which tables are series of readings: devices that say values at times."""

from __future__ import annotations

from dataclasses import dataclass

from cityhub.spec.feed import FeedSpec
from warehouse.gaps import device_columns
from warehouse.names import identifier, identifiers
from warehouse.tables import column_types

MEASURED = {"double", "decimal"}


@dataclass(frozen=True)
class Series:
    """What of a feed's table is a series of devices' readings: quoted columns of device, time and watched values."""

    table: str
    device: str
    at: str
    columns: tuple[str, ...]


def series(spec: FeedSpec) -> Series | None:
    """The series in a feed, None where its rows are no readings of devices: the key must be devices and a time."""
    at = spec.identity.day_from
    devices = device_columns(spec)
    if not devices or at is None or at not in spec.identity.key or spec.fields[at].type != "timestamp":
        return None
    stored = column_types(spec)
    columns = spec.watch.frozen
    if columns is None:
        columns = [
            name
            for name, field in spec.fields.items()
            if field.type in MEASURED and name not in spec.identity.key and spec.location is None
        ]
    columns = [name for name in columns if name in stored] if "frozen" not in spec.watch.off else []
    return Series(identifier(spec.table), identifiers(devices), identifier(at), tuple(columns))


def measured(spec: FeedSpec) -> list[str]:
    """Columns that hold measured values: numbers, but no keys, places and counters."""
    beside = {*spec.identity.key, *spec.watch.counters}
    if spec.location is not None:
        beside |= {spec.location.lon, spec.location.lat}
    return [
        name
        for name, field in spec.fields.items()
        if field.type in MEASURED and name not in beside and field.personal != "drop"
    ]
