"""`cityhub decode jt809`: one frame in hexadecimal in, one JSON object out, for good and bad frames alike."""

from __future__ import annotations

from typing import Any

from sensors.jt808 import items
from sensors.jt809 import position as positions
from sensors.jt809.frame import TIME, Frame, Refused, read
from sensors.jt809.messages import HISTORY, LOGIN, POSITION, REGISTER, content, edition, login, registration, vehicle
from sensors.jt809.messages import Vehicle as Block
from sensors.jt809.position import Position


def decode_line(line: str) -> dict[str, Any]:
    """`{"ok": true, …}` or `{"ok": false, "error": {"code", "message", "offset"}}`; never raises.

    Spaces between bytes are allowed. An encrypted body stays as it is: this command holds no keys.
    """
    try:
        raw = bytes.fromhex(line.strip().lstrip("\ufeff"))
    except (ValueError, UnicodeError):
        wrong = next((place for place, sign in enumerate(line) if sign not in _HEX), len(line))
        return _refusal(Refused("not_hex", "a line holds one frame in hexadecimal, two digits a byte", wrong))
    try:
        return {"ok": True, **fields(read(raw))}
    except Refused as why:
        return _refusal(why)


_HEX = frozenset("0123456789abcdefABCDEF \t\r\n")


def _refusal(why: Refused) -> dict[str, Any]:
    return {"ok": False, "error": {"code": why.code, "message": why.message, "offset": why.offset}}


def fields(frame: Frame) -> dict[str, Any]:
    """All that a frame says. `notes` lists what is doubtful in it."""
    of = edition(frame)
    body = content(frame, of)
    found: dict[str, Any] = {
        "crc": f"{frame.crc:04x}",
        "crc_calc": f"{frame.crc:04x}",
        "crc_valid": True,
        "length_declared": frame.length,
        "length_actual": frame.length,
        "length_valid": True,
        "serial": frame.serial,
        "msg_id": f"0x{frame.msg_id:04X}",
        "center_id": frame.center_id,
        "version": ".".join(str(part) for part in frame.version),
        "encrypt_flag": frame.encrypted,
        "encrypt_key": frame.key,
        "escaped_bytes": frame.escaped,
        "edition": of,
        "body_hex": body.hex(),
    }
    notes = []
    if of == "2019":
        found["header_time_utc"] = TIME.unpack_from(frame.body)[0]
    elif _begins_with_time(frame.body):
        notes.append("the body begins like the time of a 2019 header")
    if frame.encrypted:
        notes.append("encrypted: needs M1, IA1 and IC1 of the link")
    else:
        block = vehicle(frame.msg_id, body)
        if frame.msg_id == LOGIN and len(body) in (46, 50):
            told = login(body, of)
            found["login"] = {
                "user_id": told.user,
                "password": told.password.rstrip(b"\0").decode("gbk", "replace"),
                "down_link_ip": told.ip,
                "down_link_port": told.port,
            }
        if block is not None:
            found |= _of_vehicle(block, notes)
    return found | ({"notes": notes} if notes else {})


def _begins_with_time(body: bytes) -> bool:
    """8 bytes of UTC between 2010 and 2100."""
    return len(body) >= TIME.size and 1_262_304_000 <= TIME.unpack_from(body)[0] < 4_102_444_800


def _of_vehicle(block: Block, notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "vehicle_no": block.plate,
        "vehicle_color": block.color,
        "data_type": f"0x{block.data_type:04X}",
        "data_length": block.length,
    }
    if not block.whole:
        notes.append(f"declares {block.length} bytes of data, has {len(block.data)}")
        return found
    try:
        if block.data_type == POSITION:
            return found | described(positions.real_time(block.data))
        if block.data_type == HISTORY:
            batch = positions.history(block.data)
            return found | {"batch_count": len(batch), "batch": [described(each) for each in batch]}
    except Refused as why:
        notes.append(why.message)
    if block.data_type == REGISTER and (register := registration(block.data)):
        return found | {"register": register}
    return found | {"data_hex": block.data.hex()}


def described(position: Position) -> dict[str, Any]:
    """The fields of one position, named as those of JT/T 808."""
    additional, _ = items.read(position.extra)
    found: dict[str, Any] = {
        "layout": position.layout,
        "alarm": f"0x{position.alarm:08X}",
        "status": f"0x{position.status:08X}",
        "acc_on": bool(position.status & 1),
        "positioned": bool(position.status & positions.POSITIONED),
        "load": position.load,
        "lat_deg": position.lat_deg,
        "lon_deg": position.lon_deg,
        "altitude_m": position.altitude_m,
        "speed_kmh": position.speed_kmh,
        "recorder_speed_kmh": position.recorder_speed_kmh,
        "odometer_km": position.odometer_km,
        "direction_deg": position.direction_deg,
        "time": position.time,
        "time_raw": position.time_raw,
        "additional": additional,
        "flags": position.flags,
    }
    if position.trailing:
        found["trailing_hex"] = position.trailing.hex()
    if position.platforms:
        found["platforms"] = [{"id": name, "alarm": f"0x{alarm:08X}"} for name, alarm in position.platforms]
    return found
