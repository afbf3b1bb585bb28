from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given

from sensors.jt808 import encode, landing
from sensors.jt808.framing import FLAG
from tests.sensors.jt808.frames import NOON, ONE, PHONE, streams

AT, PEER = "2026-11-20T12:00:01.000000+08:00", "10.0.0.1:5000"
MANY = 2 * landing.FEW + 2


def landed(blob: bytes) -> list[dict[str, Any]]:
    found = list(landing.records(blob, AT, PEER))
    assert not any(b"\n" in record for record in found)
    return [json.loads(record) for record in found]


def position(body: bytes = ONE, serial: int = 7, **header: Any) -> bytes:
    return encode.frame(0x0200, PHONE, serial, body, **header)


@given(streams())
def test_many_at_once_say_what_one_by_one_say(stream: bytes) -> None:
    blob, own = stream + FLAG, {"_received_at": AT, "_peer": PEER}
    few = [json.loads(record) for record in landing._few(blob, own)]
    assert [json.loads(record) for record in landing._many(blob, own)] == few
    with patch.object(landing, "FEW", 0):  # no form of rows is too rare for columns
        assert [json.loads(record) for record in landing._many(blob, own)] == few


@pytest.mark.parametrize("times", [1, MANY])
def test_a_record(times: int) -> None:
    extra = {0x01: b"\0\0\x10\x11", 0x30: b"\x10", 0xE1: b"abc"}
    frame = position(encode.position(NOON, 34.549, 114.786, speed_kmh=42.5, direction_deg=90, load="11", extra=extra))
    found = landed(frame * times)
    assert len(found) == times
    assert found[-1] == {
        "_received_at": AT,
        "_peer": PEER,
        "terminal_phone": PHONE,
        "msg_id": "0x0200",
        "version": "2011/2013",
        "serial": 7,
        "item": 0,
        "blind": False,
        "time": "2026-11-20T12:00:00+08:00",
        "lat": 34.549,
        "lon": 114.786,
        "altitude_m": 0,
        "speed_kmh": 42.5,
        "direction_deg": 90,
        "alarm": 0,
        "status": 0x303,
        "acc": True,
        "positioned": True,
        "load": "11",
        "lat_raw": 34549000,
        "lon_raw": 114786000,
        "time_bcd": "261120120000",
        "odo_km": 411.3,
        "fuel_l": None,
        "recorder_speed_kmh": None,
        "signal_strength": 16,
        "satellites": None,
        "flags": "",
        "additional": [
            {"id": "0x01", "len": 4, "hex": "00001011", "name": "mileage_0.1km", "value": 4113},
            {"id": "0x30", "len": 1, "hex": "10", "name": "signal_strength", "value": 16},
            {"id": "0xE1", "len": 3, "hex": "616263"},
        ],
    }


def _changed(**fields: Any) -> bytes:
    from sensors.jt808.position import read, write

    one = read(ONE)
    assert one is not None
    return write(one._replace(**fields))


@pytest.mark.parametrize("times", [1, MANY])
@pytest.mark.parametrize(
    ("body", "flag", "usable"),
    [
        (_changed(time=bytes(6)), "bad_time", False),
        (_changed(time=bytes.fromhex("261131120000")), "bad_time", False),
        (_changed(lat=0, lon=0), "zero_position", False),
        (_changed(status=0x23), "encrypted", False),
        (_changed(lat=90_000_001), "out_of_range", False),
        (_changed(lon=180_000_001), "out_of_range", False),
        (_changed(status=0x01), "not_positioned", True),
        (ONE + b"\x01", "bad_items", True),
    ],
)
def test_what_is_wrong_is_flagged_and_not_used_as_a_position(body: bytes, flag: str, usable: bool, times: int) -> None:
    record = landed(position(body) * times)[-1]
    assert flag in record["flags"].split(",")
    assert (record["lat"] is not None, record["lon"] is not None) == (usable, usable)
    assert (record["lat_raw"], record["time_bcd"]) == (int.from_bytes(body[8:12], "big"), body[22:28].hex())
    assert (record["time"] is None) == (flag == "bad_time")


@pytest.mark.parametrize("times", [1, MANY])
def test_a_batch_gives_a_record_a_position(times: int) -> None:
    frame = encode.frame(0x0704, PHONE, 7, encode.batch([ONE, ONE, ONE]), version=1)
    found = landed(frame * times)
    assert [record["item"] for record in found] == [0, 1, 2] * times
    assert {(record["blind"], record["msg_id"], record["version"]) for record in found} == {(True, "0x0704", "2019")}


@pytest.mark.parametrize("times", [1, MANY])
def test_a_terminal_keeps_its_number_with_a_header_of_2019(times: int) -> None:
    long = "1" + PHONE.zfill(19)
    found = landed((position(version=1) + position() + encode.frame(0x0200, long, 1, ONE, version=1)) * times)
    assert [record["terminal_phone"] for record in found] == [PHONE, PHONE, long] * times


@pytest.mark.parametrize("times", [1, MANY])
def test_a_message_in_parts_is_joined(times: int) -> None:
    body = encode.batch([ONE] * 40)
    parts = encode.split(0x0704, PHONE, 65530, body, size=300)
    found = landed(b"".join(parts) + position() * times)
    assert len(found) == 40 + times
    assert not any("_problem" in record for record in found)


@pytest.mark.parametrize("times", [1, MANY])
def test_refused_frames_are_told_with_their_bytes(times: int) -> None:
    bad = position()[:-2] + b"\x00" + FLAG
    parts = encode.split(0x0704, PHONE, 1, encode.batch([ONE] * 40), size=300)[1:]
    blob = position() * times + bad + b"".join(parts) + position(encryption=1) + position(ONE[:9])
    found = [record for record in landed(blob + FLAG + b"\x02\x00") if "_problem" in record]
    words = ["bad_checksum", *["missing_parts"] * len(parts), "encrypted_body", "short_position", "truncated"]
    assert [record["_problem"] for record in found] == words
    assert found[0] == {"_problem": "bad_checksum", "_frame": bad.hex(), "_peer": PEER, "_received_at": AT}
    assert found[-1]["_frame"] == "7e0200"


def test_other_messages_keep_their_body() -> None:
    found = landed(encode.frame(0x0900, PHONE, 9, b"\xf0hello"))
    assert found[0]["msg_id"] == "0x0900"
    assert bytes.fromhex(found[0]["body_hex"]) == b"\xf0hello"


def test_nothing_gives_nothing() -> None:
    assert landed(b"") == landed(FLAG) == landed(FLAG * 100) == []
