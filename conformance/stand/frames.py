"""Records of pushed feeds as what their devices send, made by the protocols' own encoders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import Hj212Source, Jt808Source, MqttSource
from conformance.records import Record
from conformance.result import NotApplicable
from sensors.envelope import encode, encode_frames

PEER = "127.0.0.1:9"
_VALUES = ("Rtd", "Avg", "Min", "Max", "Cou", "Flag")


def lines(spec: FeedSpec, rows: list[Record], received_at: str) -> Iterator[bytes]:
    """The spool's lines for some records, in their order."""
    source = spec.source
    if isinstance(source, MqttSource):
        for row in rows:
            yield _message(source, row, received_at)
        return
    make = _of_monitors if isinstance(source, Hj212Source) else _of_terminals
    make = make if isinstance(source, Hj212Source | Jt808Source) else _of_platforms
    for frame in make(rows):
        yield encode_frames(source.kind, PEER, received_at, 1, frame)


def _message(source: MqttSource, row: Record, received_at: str) -> bytes:
    topic = source.topic.split("/", 2)[2] if source.topic.startswith("$share/") else source.topic
    topic = str(row.get("_topic") or topic.replace("+", "sample").replace("#", "sample"))
    own = {name: value for name, value in row.items() if not name.startswith("_")}
    if source.payload == "json":
        payload = json.dumps(own, ensure_ascii=False).encode()
    elif source.payload == "cbor":
        import cbor2

        payload = cbor2.dumps(own)
    else:
        raise NotApplicable("there is no encoder of Sparkplug B payloads, so that no sample can be sent")
    return encode(topic, payload, received_at, qos=1, retain=False, dup=False, form=source.payload)


def _of_monitors(rows: list[Record]) -> Iterator[bytes]:
    """HJ 212: one frame for what a device says at one time."""
    from sensors.hj212.encode import message

    groups: dict[tuple[str, ...], list[Record]] = {}
    for row in rows:
        head = tuple(str(row.get(name) or "") for name in ("mn", "cn", "data_time", "qn", "st"))
        groups.setdefault(head, []).append(row)
    for (mn, cn, data_time, qn, st), found in groups.items():
        moment = _digits(data_time)
        header = {"QN": qn or moment + "000", "ST": st or "39", "CN": cn, "PW": "123456", "MN": mn, "Flag": "4"}
        yield message(header, {"DataTime": moment}, {str(row["factor"]): _values(row) for row in found})


def _values(row: Record) -> dict[str, str]:
    return {name: str(row[name]) for name in _VALUES if row.get(name) not in {None, ""}}


def _digits(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%Y%m%d%H%M%S}"
    except ValueError:
        return text


def _of_terminals(rows: list[Record]) -> Iterator[bytes]:
    """JT/T 808: one position a frame."""
    from sensors.jt808 import encode as jt808

    for serial, row in enumerate(rows):
        odometer = row.get("odo_km")
        extra = {} if odometer is None else {0x01: round(float(odometer) * 10).to_bytes(4, "big")}
        body = jt808.position(
            _time(row), *_place(row), **_movement(row), load=str(row.get("load") or "00"), extra=extra
        )
        yield jt808.frame(0x0200, str(row["terminal_phone"]).lstrip("0"), serial, body)


def _of_platforms(rows: list[Record]) -> Iterator[bytes]:
    """JT/T 809: one position a frame, in the edition of 2011."""
    from sensors.jt809.encode import Sender, location_2011

    senders: dict[int, Sender] = {}
    for row in rows:
        center = int(row["center_id"])
        sender = senders.setdefault(center, Sender(center))
        how: dict[str, Any] = {**_movement(row), "odometer_km": round(float(row.get("odo_km") or 0))}
        how["speed_kmh"] = round(how["speed_kmh"])
        status = how.pop("status", 3) | int(str(row.get("load") or "00"), 2) << 8
        yield sender.position(
            str(row["vehicle_no"]),
            int(row["vehicle_color"]),
            location_2011(_time(row), *_place(row), status=status, **how),
        )


def _time(row: Record) -> datetime:
    return datetime.fromisoformat(str(row["time"]))


def _place(row: Record) -> tuple[float, float]:
    """Latitude and longitude; the raw ones, which are what the frame holds, where the record has them."""
    if row.get("lat_raw") is not None and row.get("lon_raw") is not None:
        return int(row["lat_raw"]) / 1e6, int(row["lon_raw"]) / 1e6
    return float(row.get("lat") or 0), float(row.get("lon") or 0)


def _movement(row: Record) -> dict[str, Any]:
    return {
        "speed_kmh": float(row.get("speed_kmh") or 0),
        "direction_deg": int(row.get("direction_deg") or 0),
        "altitude_m": int(row.get("altitude_m") or 0),
        "alarm": int(row.get("alarm") or 0),
        "status": int(row.get("status") or 3) & 3,
    }
