"""Positions as NDJSON from columns: each record is a row of a byte matrix.

A template is copied into all rows at once and its slots are filled from tables of digits, so a record costs a few
copies and no Python object; numbers are padded with blanks in front, which JSON allows outside of strings. Rows of one
template have the same additional items (id and length).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from sensors.jt808 import items
from sensors.jt808 import position as p
from sensors.jt808.columns import Bytes, Ints, Positions

Cells = npt.NDArray[Any]


def _table(texts: list[str]) -> Cells:
    width = len(texts[0])
    return np.frombuffer("".join(texts).encode("ascii"), f"V{width}")


HEX = _table([f"{n:02x}" for n in range(256)])
HEX_UPPER = _table([f"{n:02X}" for n in range(256)])
_FIVE = _table([f"{n:5d}" for n in range(1 << 16)])
_HIGH = _table([f"{n:5d}" if n else "     " for n in range(1 << 16)])
_LOW = _table([f"{n:5d}" for n in range(100_000)] + [f"{n:05d}" for n in range(100_000)])
_LOW_TENTH = _table(
    [f"{n // 10:4d}.{n % 10}" for n in range(100_000)] + [f"{n // 10:04d}.{n % 10}" for n in range(100_000)]
)
_TENTH = _table([f"{n // 10:4d}.{n % 10}" for n in range(1 << 16)])
_THREE = _table([f"{n:3d}" for n in range(256)])
_ZEROED = _table([f"{n:03d}" for n in range(1000)])
_DEGREE = _table([f"{n:4d}" for n in range(181)] + [f"{'-' + str(n):>4}" for n in range(181)])
_BOOL = _table(["false", " true"])
_LOAD = _table(list(p.LOADS))
_FLAGS = _table([f'"{",".join(p.words(bits))}"'.ljust(84) for bits in range(128)])

COORDINATE = 11
TIME = b'"20..-..-..T..:..:..+08:00"'
SLOTS = (  # key, width
    ("terminal_phone", 22),
    ("msg_id", 8),
    ("version", 11),
    ("serial", 5),
    ("item", 5),
    ("blind", 5),
    ("time", len(TIME)),
    ("lat", COORDINATE),
    ("lon", COORDINATE),
    ("altitude_m", 5),
    ("speed_kmh", 6),
    ("direction_deg", 5),
    ("alarm", 10),
    ("status", 10),
    ("acc", 5),
    ("positioned", 5),
    ("load", 4),
    ("lat_raw", 10),
    ("lon_raw", 10),
    ("time_bcd", 14),
)
FLAT = {  # of additional items: key, width, tenths
    "odo_km": (0x01, 11, True),
    "fuel_l": (0x02, 6, True),
    "recorder_speed_kmh": (0x03, 6, True),
    "signal_strength": (0x30, 3, False),
    "satellites": (0x31, 3, False),
}
Layout = tuple[tuple[int, int, int], ...]


class Template:
    """The text of a record with places to fill in: (name, offset, width)."""

    def __init__(self, head: bytes, layout: Layout, flags_width: int) -> None:
        self.text = bytearray(head)
        self.slots: list[tuple[str, int, int]] = []
        for key, width in SLOTS:
            self._field(key, key, width)
        first = {kind: i for i, (kind, _, size) in reversed(list(enumerate(layout))) if items.SIZES.get(kind) == size}
        for key, (kind, width, _) in FLAT.items():
            if kind in first:
                self._field(key, f"{key}@{first[kind]}", width)
            else:
                self.text += b',"%b":null' % key.encode()
        self._field("flags", "flags", flags_width)
        self.text += b',"additional":['
        for i, (kind, _, size) in enumerate(layout):
            self._item(i, kind, size)
        self.text += b"]}"

    def _slot(self, name: str, width: int) -> None:
        self.slots.append((name, len(self.text), width))
        self.text += b" " * width

    def _field(self, key: str, name: str, width: int) -> None:
        self.text += b',"%b":' % key.encode()
        self._slot(name, width)

    def _item(self, index: int, kind: int, size: int) -> None:
        self.text += b'%b{"id":"0x%02X","len":%d,"hex":"' % (b"," if index else b"", kind, size)
        if size:
            self._slot(f"hex@{index}", 2 * size)
        self.text += b'"'
        if name := items.NAMES.get(kind):
            self.text += b',"name":"%b"' % name.encode()
        if items.SIZES.get(kind) == size:
            self.text += b',"value":'
            self._slot(f"value@{index}", _VALUE_WIDTH[size])
        self.text += b"}"


_VALUE_WIDTH = {1: 3, 2: 6, 4: 10}


def render(
    head: bytes,
    layout: Layout,
    found: Positions,
    fields: dict[str, Cells],
    extra: Bytes,
) -> list[bytes]:
    """Records of positions with the same items.

    `head` opens the object, without a comma at its end. `fields` has the cells of phone, msg_id, version, serial, item
    and blind; `extra` is (n, bytes of the items).
    """
    n = found.alarm.size
    if not n:
        return []
    widest = max(len(",".join(p.words(bits))) for bits in np.unique(found.flags).tolist()) + 2
    template = Template(head, layout, widest)
    width = len(template.text)
    out = np.empty(n, np.dtype((np.void, width)))
    out[:] = np.void(bytes(template.text))
    cells: dict[str, Callable[[], Cells]] = {
        "altitude_m": lambda: _FIVE[found.altitude],
        "speed_kmh": lambda: _TENTH[found.speed],
        "direction_deg": lambda: _FIVE[found.direction],
        "alarm": lambda: _wide(found.alarm),
        "status": lambda: _wide(found.status),
        "acc": lambda: _BOOL[found.status & p.ACC],
        "positioned": lambda: _BOOL[(found.status & p.POSITIONED) >> 1],
        "load": lambda: _quoted(_LOAD[found.status >> 8 & 3], 2),
        "lat_raw": lambda: _wide(found.lat),
        "lon_raw": lambda: _wide(found.lon),
        "time_bcd": lambda: _quoted(np.ascontiguousarray(HEX[found.bcd]).view("V12")[:, 0], 12),
        "flags": lambda: _FLAGS[found.flags].astype(f"V{widest}"),
        "time": lambda: _time(found),
        "lat": lambda: _degrees(found.lat, found.status & p.SOUTH, found.flags),
        "lon": lambda: _degrees(found.lon, found.status & p.WEST, found.flags),
    }
    spots = np.dtype(
        {
            "names": [name for name, _, _ in template.slots],
            "formats": [f"V{size}" for _, _, size in template.slots],
            "offsets": [offset for _, offset, _ in template.slots],
            "itemsize": width,
        }
    )
    sheet = out.view(spots)
    for name, _, size in template.slots:
        key, _, index = name.partition("@")
        if index:
            sheet[name] = _of_item(key, layout[int(index)], extra, size)
        else:
            sheet[name] = fields[name] if name in fields else cells[name]()
    text = out.tobytes()
    return [text[i : i + width] for i in range(0, n * width, width)]


def _of_item(key: str, item: tuple[int, int, int], extra: Bytes, width: int) -> Cells:
    kind, offset, size = item
    raw = extra[:, offset : offset + size]
    if key == "hex":
        digits: Cells = np.ascontiguousarray(HEX[raw]).view(f"V{2 * size}")[:, 0]
        return digits
    number = np.zeros(raw.shape[0], np.int64)
    for column in range(size):
        number = number << 8 | raw[:, column]
    if key in FLAT and FLAT[key][2]:
        return _TENTH[number] if width == 6 else _wide(number, _LOW_TENTH)
    if size == 4:
        return _wide(number)
    if kind == items.TEMPERATURE:
        number = np.where(number & 0x8000, np.maximum(number - 0x10000, -(number & 0x7FFF)), number)
        return _pick(_SIGNED, number + 0x8000)
    return _pick(_THREE, number) if size == 1 else _widened(_FIVE[number], 6)


def _pick(table: Cells, numbers: Ints) -> Cells:
    cells: Cells = table[numbers]
    return cells


_SIGNED = _table([f"{n:6d}" for n in range(-0x8000, 0x8000)])


def five(values: Ints) -> Cells:
    """Numbers below 65536 as five characters."""
    return _FIVE[values]


def truth(values: Ints) -> Cells:
    """0 and 1 as false and true, five characters."""
    return _BOOL[values]


def message(values: Ints) -> Cells:
    """Message ids as eight characters, `"0x0200"`."""
    out = np.empty(values.size, np.dtype([("open", "V3"), ("high", "V2"), ("low", "V2"), ("close", "V1")]))
    out["open"], out["close"] = np.void(b'"0x'), np.void(b'"')
    out["high"], out["low"] = HEX_UPPER[values >> 8], HEX_UPPER[values & 0xFF]
    return out.view("V8")


def _wide(values: Ints, low: Cells = _LOW) -> Cells:
    """Numbers below 2**32 in ten characters, or eleven with a tenth."""
    high, rest = values // 100_000, values % 100_000
    cell = low.dtype.itemsize
    out = np.empty(values.size, np.dtype([("high", "V5"), ("low", f"V{cell}")]))
    out["high"] = _HIGH[high]
    out["low"] = low[rest + 100_000 * (high > 0)]
    return out.view(f"V{5 + cell}")


def _widened(cells: Cells, width: int) -> Cells:
    """Cells with blanks in front."""
    lead = width - cells.dtype.itemsize
    out = np.empty(cells.size, np.dtype([("lead", f"V{lead}"), ("cell", cells.dtype)]))
    out["lead"], out["cell"] = np.void(b" " * lead), cells
    return out.view(f"V{width}")


def _quoted(cells: Cells, width: int) -> Cells:
    out = np.empty(cells.size, np.dtype([("open", "V1"), ("cell", f"V{width}"), ("close", "V1")]))
    out["open"] = out["close"] = np.void(b'"')
    out["cell"] = cells
    return out.view(f"V{width + 2}")


def _degrees(raw: Ints, negative: Ints, flags: npt.NDArray[np.uint8]) -> Cells:
    unusable = (flags & p.UNUSABLE) > 0
    whole = np.where(unusable, 0, raw)
    degree, micro = whole // 1_000_000, whole % 1_000_000
    kind = np.dtype([("degree", "V4"), ("dot", "V1"), ("milli", "V3"), ("micro", "V3")])
    out = np.empty(raw.size, kind)
    out["degree"] = _DEGREE[degree + 181 * (negative > 0)]
    out["dot"] = np.void(b".")
    out["milli"], out["micro"] = _ZEROED[micro // 1000], _ZEROED[micro % 1000]
    text = out.view(f"V{COORDINATE}")
    if unusable.any():
        text[unusable] = np.void(b"null".rjust(COORDINATE))
    return text


def _time(found: Positions) -> Cells:
    pairs = HEX[found.bcd]
    offsets = [3, 6, 9, 12, 15, 18]
    names = [f"f{i}" for i in range(6)]
    out = np.empty(found.alarm.size, f"V{len(TIME)}")
    out[:] = np.void(TIME)
    fields = out.view(np.dtype({"names": names, "formats": ["V2"] * 6, "offsets": offsets, "itemsize": len(TIME)}))
    for i, name in enumerate(names):
        fields[name] = pairs[:, i]
    if (bad := (found.flags & p.BAD_TIME) > 0).any():
        out[bad] = np.void(b"null".rjust(len(TIME)))
    return out
