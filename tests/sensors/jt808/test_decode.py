from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt808 import encode
from sensors.jt808.decode import decode_line
from sensors.jt808.position import batch, iso
from tests.sensors.jt808.frames import NOON, ONE, PHONE, messages, streams


def decoded(msg_id: int, body: bytes, **header: int | None) -> dict[str, object]:
    return decode_line(encode.frame(msg_id, PHONE, 7, body, **header).hex())  # type: ignore[arg-type]


def test_a_position() -> None:
    found = decoded(0x0200, ONE)
    assert found["ok"] is True
    assert (found["msg_id"], found["version"], found["terminal_phone"], found["serial"]) == (
        "0x0200",
        "2011/2013",
        PHONE,
        7,
    )
    assert (found["alarm"], found["status"], found["load"]) == ("0x00000000", "0x00000303", "11")
    assert (found["lat_deg"], found["lon_deg"], found["altitude_m"]) == (34.549, 114.786, 57)
    assert (found["speed_kmh"], found["direction_deg"], found["time"]) == (42.5, 90, "2026-11-20T12:00:00+08:00")
    assert (found["additional"], found["flags"]) == ([], [])


def test_a_header_of_2019() -> None:
    found = decoded(0x0200, ONE, version=1)
    assert (found["version"], found["protocol_version"]) == ("2019", 1)
    assert found["terminal_phone"] == PHONE.zfill(20)


def test_additional_items_have_names_and_values_and_vendor_items_stay_raw() -> None:
    extra = {0x01: b"\0\0\x10\x11", 0x06: b"\x80\x05", 0x11: b"\x01\0\0\0\x07", 0xE1: b"abc"}
    found = decoded(0x0200, encode.position(NOON, 34.5, 114.7, extra=extra))
    assert found["additional"] == [
        {"id": "0x01", "len": 4, "hex": "00001011", "name": "mileage_0.1km", "value": 4113},
        {"id": "0x06", "len": 2, "hex": "8005", "name": "cabin_temp_c", "value": -5},
        {"id": "0x11", "len": 5, "hex": "0100000007", "name": "overspeed"},
        {"id": "0xE1", "len": 3, "hex": "616263"},
    ]
    assert found["additional_parts"] == {"overspeed": {"place_type": 1, "place_id": 7}}


def test_both_ways_to_write_a_temperature_below_zero() -> None:
    for raw in (b"\x80\x05", b"\xff\xfb"):
        found = decoded(0x0200, encode.position(NOON, 34.5, 114.7, extra={0x06: raw}))
        assert found["additional"][0]["value"] == -5  # type: ignore[index]


@pytest.mark.parametrize(
    ("tail", "key", "value"), [(b"\x33", "trailing_hex", "33"), (b"\x33\x03\x01", "flags", ["bad_items"])]
)
def test_items_that_do_not_fill_the_body(tail: bytes, key: str, value: object) -> None:
    found = decoded(0x0200, ONE + tail)
    assert found[key] == value
    assert "bad_items" in found["flags"]  # type: ignore[operator]


def test_south_and_west_come_from_the_status() -> None:
    found = decoded(0x0200, encode.position(NOON, -34.5, -114.7))
    assert (found["lat_deg"], found["lon_deg"]) == (-34.5, -114.7)


def test_a_batch_is_a_list() -> None:
    found = decoded(0x0704, encode.batch([ONE, ONE]))
    assert (found["batch_count"], found["batch_type"], found["batch_count_ok"]) == (2, 1, True)
    assert [one["time"] for one in found["batch"]] == ["2026-11-20T12:00:00+08:00"] * 2  # type: ignore[attr-defined]


def test_a_batch_that_lies_about_its_number_says_so() -> None:
    body = encode.batch([ONE, ONE])
    assert decoded(0x0704, b"\0\3" + body[2:])["batch_count_ok"] is False
    assert batch(body[:-1])[2:] == ([ONE], False)


def test_an_encrypted_body_is_not_read() -> None:
    found = decoded(0x0200, ONE, encryption=1)
    assert (found["ok"], found["encrypt"], found["body_hex"]) == (True, 1, ONE.hex())
    assert "lat_deg" not in found


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("", "no_flag"),
        ("7", "not_hex"),
        ("7e02zz7e", "not_hex"),
        ("7e", "truncated"),
        ("0200", "no_flag"),
        ("7e0200", "truncated"),
        ("7e02007e02007e", "flag_inside"),
        ("7e7e", "too_short"),
        ("7e" * 9000, "oversized"),
        (encode.frame(0x0200, PHONE, 1, ONE[:20]).hex(), "short_position"),
        (encode.frame(0x0704, PHONE, 1, b"\0\1\1\0\1\0").hex(), "bad_batch"),
        (encode.frame(0x0704, PHONE, 1, b"").hex(), "bad_batch"),
    ],
)
def test_broken_lines_are_refused_with_a_reason(line: str, code: str) -> None:
    found = decode_line(line)
    assert found["ok"] is False
    assert found["error"]["code"] == code
    assert found["error"]["message"]
    assert 0 <= found["error"]["offset"] <= len(line)


@pytest.mark.parametrize(
    ("digits", "time"),
    [
        ("240229000000", "2024-02-29T00:00:00+08:00"),
        ("230229000000", None),
        ("000000000000", None),
        ("261301000000", None),
        ("261120240000", None),
        ("2611200a0000", None),
    ],
)
def test_times(digits: str, time: str | None) -> None:
    assert iso(bytes.fromhex(digits)) == time


@given(messages())
def test_every_frame_of_ours_is_told_as_json(frames: list[bytes]) -> None:
    for frame in frames:
        found = decode_line(frame.hex())
        assert json.loads(json.dumps(found, allow_nan=False)) == found
        assert found["ok"] or found["error"]["code"] in ("short_position", "bad_batch")


@given(st.one_of(st.text(max_size=80), streams().map(bytes.hex), st.binary(max_size=80).map(bytes.hex)))
def test_never_raises(line: str) -> None:
    assert decode_line(line)["ok"] in (True, False)
