"""Additional items of a position (JT/T 808-2013 table 26, 2019 table 27): id, length, value.

Items of the standard have a name, and a value where they are one number of the standard's length; all others, the
vendors' among them, stay raw. Values are as sent: 0.1 km, 0.1 L, 0.1 km/h.
"""

from __future__ import annotations

from typing import Any

NAMES = {
    0x01: "mileage_0.1km",
    0x02: "fuel_0.1L",
    0x03: "recorder_speed_0.1kmh",
    0x04: "manual_alarm_event_id",
    0x05: "tyre_pressure",
    0x06: "cabin_temp_c",
    0x11: "overspeed",
    0x12: "area_inout",
    0x13: "route_time",
    0x14: "video_alarm",
    0x15: "video_loss_alarm",
    0x16: "video_block_alarm",
    0x17: "storage_fault_alarm",
    0x18: "abnormal_driving_alarm",
    0x25: "ext_vehicle_signal",
    0x2A: "io_status",
    0x2B: "analog",
    0x30: "signal_strength",
    0x31: "gnss_satellites",
    0x64: "ADAS_subiao",  # Jiangsu's supplement, common nationwide
    0x65: "DSM_subiao",
    0x66: "TPMS_subiao",
    0x67: "BSD_subiao",
}
SIZES = {
    0x01: 4,
    0x02: 2,
    0x03: 2,
    0x04: 2,
    0x06: 2,
    0x14: 4,
    0x15: 4,
    0x16: 4,
    0x17: 2,
    0x25: 4,
    0x2A: 2,
    0x2B: 4,
    0x30: 1,
    0x31: 1,
}
TEMPERATURE = 0x06


def read(raw: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Items as {id, len, hex[, name][, value][, error]}, and a last byte that can be no item."""
    found: list[dict[str, Any]] = []
    at = 0
    while at + 2 <= len(raw):
        kind, size = raw[at], raw[at + 1]
        value = raw[at + 2 : at + 2 + size]
        item: dict[str, Any] = {"id": f"0x{kind:02X}", "len": size, "hex": value.hex()}
        if len(value) < size:
            found.append({**item, "error": "truncated"})
            return found, b""
        if name := NAMES.get(kind):
            item["name"] = name
        if SIZES.get(kind) == size:
            item["value"] = _number(kind, value)
        found.append(item)
        at += 2 + size
    return found, raw[at:]


def layout(raw: bytes) -> tuple[tuple[int, int, int], ...] | None:
    """(id, offset of the value, its length) of each item; None when the items do not fill `raw` exactly."""
    found, at = [], 0
    while at + 2 <= len(raw):
        found.append((raw[at], at + 2, raw[at + 1]))
        at += 2 + raw[at + 1]
    return tuple(found) if at == len(raw) else None


def write(items: dict[int, bytes]) -> bytes:
    """Items as sent. A value has at most 255 bytes."""
    return b"".join(bytes((kind, len(value))) + value for kind, value in items.items())


def parts(raw: bytes) -> dict[str, dict[str, int]]:
    """What the composed items of the standard say, by name (2013 tables 28 to 30)."""
    found: dict[str, dict[str, int]] = {}
    for kind, at, size in layout(raw) or ():
        value = raw[at : at + size]
        if kind == 0x11 and size in (1, 5):
            found["overspeed"] = {"place_type": value[0]}
            if size == 5:
                found["overspeed"]["place_id"] = int.from_bytes(value[1:], "big")
        elif kind == 0x12 and size == 6:
            place = int.from_bytes(value[1:5], "big")
            found["area_inout"] = {"place_type": value[0], "place_id": place, "leaving": value[5]}
        elif kind == 0x13 and size == 7:
            road, seconds = int.from_bytes(value[:4], "big"), int.from_bytes(value[4:6], "big")
            found["route_time"] = {"road_id": road, "seconds": seconds, "too_long": value[6]}
    return found


def _number(kind: int, value: bytes) -> int:
    number = int.from_bytes(value, "big")
    if kind == TEMPERATURE and number & 0x8000:
        # "the highest bit is 1 for below zero", range ±32767: terminals differ, the smaller reading is meant
        return max(number - 0x10000, -(number & 0x7FFF))
    return number
