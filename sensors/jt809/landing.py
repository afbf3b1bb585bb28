"""Stored frames to records for the load: one a position.

Names and forms are those of JT/T 808. Of a position that is no place at a time (zero, encrypted, out of range, bad
time) `lat` and `lon` are null, a bad time is null; what was sent stays in `lat_raw`, `lon_raw` (1e-6 degree) and
`time_raw`, and `flags` says why. `item` counts inside a batch, `blind` marks its positions. Other messages are kept
raw, one record a frame, with `data_hex` and no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from sensors.jt808 import items
from sensors.jt809 import position as positions
from sensors.jt809.frame import TIME, Refused, read
from sensors.jt809.messages import HISTORY, POSITION, Vehicle, content, edition, vehicle
from sensors.jt809.position import Position
from sensors.jt809.split import Piece, pieces

_encode = msgspec.json.Encoder().encode


def records(blob: bytes, received_at: str, peer: str) -> Iterator[bytes]:
    """JSON objects without line feed. What is no frame gives one with `_problem` and the bytes as `_frame` (hex)."""
    own = {"_received_at": received_at, "_peer": peer}
    for piece in pieces(blob):
        try:
            for record in _records(piece):
                yield _encode(own | record)
        except Refused as why:
            yield _encode(own | {"_problem": why.code, "_frame": piece.raw.hex()})


def _records(piece: Piece) -> Iterator[dict[str, Any]]:
    if piece.kind != "frame":
        raise Refused(piece.kind, "no frame")
    frame = read(piece.raw)
    if frame.encrypted:
        raise Refused("encrypted_body", "the link's keys are not known")
    of = edition(frame)
    head: dict[str, Any] = {
        "msg_id": f"0x{frame.msg_id:04X}",
        "edition": of,
        "center_id": frame.center_id,
        "serial": frame.serial,
        "header_time_utc": TIME.unpack_from(frame.body)[0] if of == "2019" else None,
    }
    body = content(frame, of)
    about = vehicle(frame.msg_id, body)
    if about is None:
        yield head | {"data_hex": body.hex()}
        return
    if not about.whole:
        raise Refused("bad_data_length", f"declares {about.length} bytes of data, has {len(about.data)}")
    head |= {
        "vehicle_no": about.plate,
        "vehicle_color": about.color,
        "data_type": f"0x{about.data_type:04X}",
    }
    found = _positions(about)
    if found is None:
        yield head | {"data_hex": about.data.hex()}
        return
    head["blind"] = about.data_type == HISTORY
    for item, position in enumerate(found):
        yield head | {"item": item} | flat(position)


def _positions(about: Vehicle) -> list[Position] | None:
    if about.data_type == POSITION:
        return [positions.real_time(about.data)]
    return positions.history(about.data) if about.data_type == HISTORY else None


def flat(position: Position) -> dict[str, Any]:
    """The columns of one position."""
    flags = position.flags
    usable = positions.UNUSABLE.isdisjoint(flags)
    return {
        "time": position.time,
        "lat": position.lat_deg if usable else None,
        "lon": position.lon_deg if usable else None,
        "speed_kmh": position.speed_kmh,
        "recorder_speed_kmh": position.recorder_speed_kmh,
        "odo_km": position.odometer_km,
        "direction_deg": position.direction_deg,
        "altitude_m": position.altitude_m,
        "alarm": position.alarm,
        "status": position.status,
        "acc": bool(position.status & positions.ACC),
        "positioned": bool(position.status & positions.POSITIONED),
        "load": position.load,
        "lat_raw": position.lat_raw,
        "lon_raw": position.lon_raw,
        "time_raw": position.time_raw,
        "layout": position.layout,
        "flags": ",".join(flags),
        "additional": items.read(position.extra)[0],
        "platforms": [{"id": name, "alarm": alarm} for name, alarm in position.platforms],
    }
