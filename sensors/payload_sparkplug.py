"""Sparkplug B 3.0: one record a metric.

`spBv1.0/<group>/<message>/<node>[/<device>]` says who speaks. A record has `group`, `node`, `device`, `message`
(NBIRTH, DDATA …), `seq`, `name`, `datatype`, `value`, `timestamp` (the metric's, else the payload's), `is_null`,
`is_historical`.
Births give names and types to aliases, which data use instead; they are remembered from delivery to delivery. A message
without metrics (a device's death) is one record without `name`.
"""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from cityhub.clock import SHANGHAI
from sensors.payload import Memory, Plain, Refused
from sensors.sparkplug_schema import DATATYPES, Payload

MESSAGES = {"NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH"}
COMMANDS = {"NCMD", "DCMD"}
_VALUES = frozenset(
    "int_value long_value float_value double_value boolean_value string_value bytes_value dataset_value "
    "template_value".split()
)
_BITS = {"Int8": 8, "Int16": 16, "Int32": 32, "Int64": 64}
_ARRAYS = {
    "Int8Array": "b", "Int16Array": "h", "Int32Array": "i", "Int64Array": "q", "UInt8Array": "B", "UInt16Array": "H",
    "UInt32Array": "I", "UInt64Array": "Q", "FloatArray": "f", "DoubleArray": "d", "DateTimeArray": "q",
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def records(payload: bytes, topic: str, memory: Memory) -> list[dict[str, Any]]:
    """The records of one payload. `Refused`: `not_sparkplug` (topic or bytes), `command` (what a host told a device),
    `unknown_alias` (no birth of this node was seen yet), `bad_value` (bytes that are not what their type says).
    """
    namespace, group, message, node, device = _who(topic)
    if namespace != "spBv1.0" or message not in MESSAGES | COMMANDS:
        raise Refused("not_sparkplug")
    if message in COMMANDS:
        raise Refused("command")
    try:
        read = Payload.FromString(payload)
    except DecodeError:
        raise Refused("not_sparkplug") from None
    if not (read.metrics or read.HasField("timestamp") or read.HasField("seq")):
        raise Refused("not_sparkplug")
    own = {"group": group, "node": node, "device": device, "message": message}
    own["seq"] = read.seq if read.HasField("seq") else None
    if not read.metrics:
        return [{**own, "name": None, "timestamp": _time(read.timestamp)}]
    names = _Names(memory, f"{group}/{node}", device or "")
    made = []
    for metric in read.metrics:
        name, datatype = names.born(metric) if message.endswith("BIRTH") else names.known(metric)
        value = None if metric.is_null else _value(metric, datatype)
        made.append(
            {
                **own,
                "name": name,
                "datatype": datatype,
                "value": Plain()(value),
                "timestamp": _time(metric.timestamp if metric.HasField("timestamp") else read.timestamp),
                "is_null": metric.is_null or value is None,
                "is_historical": metric.is_historical,
            }
        )
    return made


def _who(topic: str) -> tuple[str, str, str, str, str | None]:
    words = topic.split("/")
    if len(words) not in {4, 5} or (len(words) == 5) != words[2].startswith("D"):
        raise Refused("not_sparkplug")
    return words[0], words[1], words[2], words[3], words[4] if len(words) == 5 else None


class _Names:
    """Names and types of one node's metrics. Aliases are the node's (its devices included), names each device's own."""

    def __init__(self, memory: Memory, node: str, device: str) -> None:
        self._memory, self._device = memory, device
        kept = memory.content.setdefault(node, {"alias": {}, "type": {}})
        self._alias, self._type = kept["alias"], kept["type"]

    def born(self, metric: Any) -> tuple[str, str]:
        """The name and type that a birth gives, remembered."""
        name, datatype = metric.name, _named(metric.datatype)
        if metric.HasField("alias"):
            self._keep(self._alias, str(metric.alias), [name, datatype])
        self._keep(self._type, f"{self._device}/{name}", datatype)
        return name, datatype

    def known(self, metric: Any) -> tuple[str, str]:
        """The name and type of a metric of data."""
        if metric.HasField("name") and metric.name:
            datatype = _named(metric.datatype) if metric.HasField("datatype") else None
            return metric.name, datatype or self._type.get(f"{self._device}/{metric.name}", "Unknown")
        found = self._alias.get(str(metric.alias)) if metric.HasField("alias") else None
        if found is None:
            raise Refused("unknown_alias")
        return found[0], found[1]

    def _keep(self, where: dict[str, Any], key: str, value: Any) -> None:
        if where.get(key) != value:
            where[key] = value
            self._memory.changed = True


def _named(number: int) -> str:
    return DATATYPES[number] if number < len(DATATYPES) else f"Unknown{number}"


def _time(milliseconds: int) -> str | None:
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return moment.astimezone(SHANGHAI).isoformat(timespec="milliseconds") if milliseconds else None


def _value(metric: Any, datatype: str) -> Any:  # one line per kind of value reads best
    there = next((field.name for field, _ in metric.ListFields() if field.name in _VALUES), None)
    value: Any = getattr(metric, there) if there else None
    if there == "dataset_value":
        types = [_named(number) for number in value.types]
        rows = [[_value(item, kind) for item, kind in zip(row.elements, types, strict=False)] for row in value.rows]
        return [dict(zip(value.columns, row, strict=False)) for row in rows]
    if there == "template_value":
        return {item.name: _value(item, _named(item.datatype)) for item in value.metrics}
    if there == "bytes_value":
        return _array(value, datatype)
    if isinstance(value, int) and datatype in _BITS:
        return _signed(value, _BITS[datatype])
    if isinstance(value, int) and datatype == "DateTime":
        return _time(value)
    return _short(value) if there == "float_value" else value


def _short(value: float) -> float:
    """The shortest number that is this single-precision value: 12.1, not 12.100000381469727."""
    near = float(f"{value:.7g}")
    return near if math.isfinite(value) and struct.pack("<f", near) == struct.pack("<f", value) else value


def _signed(value: int, bits: int) -> int:
    """Two's complement, whether sent in its own width or in that of the field."""
    for width in (bits, 32 if bits < 64 else 64):
        if 1 << (width - 1) <= value < 1 << width:
            return value - (1 << width)
    return value


def _array(data: bytes, datatype: str) -> Any:
    if datatype == "StringArray":
        return [item.decode("utf-8", "replace") for item in data.split(b"\0")[:-1]]
    if datatype == "BooleanArray":
        if len(data) < 4:
            raise Refused("bad_value")
        (count,) = struct.unpack_from("<I", data)
        if count > 8 * (len(data) - 4):
            raise Refused("bad_value")
        return [bool(data[4 + index // 8] & 0x80 >> index % 8) for index in range(count)]
    if datatype not in _ARRAYS:
        return data.hex()
    code = _ARRAYS[datatype]
    if len(data) % struct.calcsize("<" + code):
        raise Refused("bad_value")
    values = [item[0] for item in struct.iter_unpack("<" + code, data)]
    return [_time(item) for item in values] if datatype == "DateTimeArray" else values
