"""`decode_line`: the vectors, and any line at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt809.decode import decode_line
from tests.sensors.jt809.frames import AT, CENTER, KEYS, PASSWORD, PLATE, USER, UTC, YELLOW, location, sender, wrapped

SHARED = Path(os.environ.get("CITYHUB_SHARED") or Path(__file__).parents[4] / "shared")


def vectors() -> list[dict[str, Any]]:
    file = SHARED / "vectors" / "jt809.json"
    if not file.is_file():
        pytest.skip("CITYHUB_SHARED/vectors is absent")
    return json.loads(file.read_text(encoding="utf-8"))["vectors"]


def test_valid_vectors_decode_to_the_stored_fields() -> None:
    for vector in vectors():
        if vector["frame_valid"]:
            found = decode_line(vector["raw_hex"])
            assert found["ok"], (vector["id"], found)
            assert {key: found.get(key) for key in vector["expected"]} == vector["expected"], vector["id"]


def test_broken_vectors_are_refused_with_a_reason() -> None:
    broken = [vector for vector in vectors() if not vector["frame_valid"]]
    assert broken
    for vector in broken:
        found = decode_line(vector["raw_hex"])
        assert not found["ok"]
        assert found["error"]["message"]


@pytest.mark.parametrize("edition", ["2011", "2019"])
def test_a_login(edition: str) -> None:
    found = decode_line(sender(edition).login(USER, PASSWORD, "10.1.2.3", 8090).hex())
    assert found["edition"] == edition
    assert found.get("header_time_utc") == (UTC if edition == "2019" else None)
    assert found["login"] == {
        "user_id": USER, "password": PASSWORD, "down_link_ip": "10.1.2.3", "down_link_port": 8090,
    }  # fmt: skip


def test_a_position() -> None:
    found = decode_line(sender().position(PLATE, YELLOW, location(15)).hex(" ").upper())
    assert found["ok"]
    told = {
        "msg_id": "0x1200",
        "version": "1.0.0",
        "center_id": CENTER,
        "edition": "2011",
        "vehicle_no": PLATE,
        "vehicle_color": YELLOW,
        "data_type": "0x1202",
        "data_length": 36,
        "lat_deg": 34.538334,
        "lon_deg": 114.804436,
        "speed_kmh": 42.0,
        "time": AT.isoformat() + "+08:00",
        "alarm": "0x00000000",
        "status": "0x00000003",
        "flags": [],
    }
    assert {key: found[key] for key in told} == told


def test_a_batch_of_2019() -> None:
    found = decode_line(sender("2019").positions(PLATE, YELLOW, [wrapped(1), wrapped(2)]).hex())
    assert (found["edition"], found["data_type"], found["batch_count"]) == ("2019", "0x1203", 2)
    assert [each["time"][14:16] for each in found["batch"]] == ["01", "02"]


@pytest.mark.parametrize("edition", ["2011", "2019"])
def test_a_registration(edition: str) -> None:
    found = decode_line(sender(edition).register(PLATE, YELLOW, model="ZT9", sim="13800000001").hex())
    assert found["edition"] == edition
    assert (found["register"]["model"], found["register"]["sim"]) == ("ZT9", "13800000001")


def test_an_encrypted_body_is_left_as_it_is() -> None:
    found = decode_line(sender(cipher=KEYS).position(PLATE, YELLOW, location()).hex())
    assert found["ok"]
    assert found["encrypt_flag"] == 1
    assert "vehicle_no" not in found
    assert "encrypted" in found["notes"][0]


def test_data_that_makes_no_sense_is_kept_raw_with_a_note() -> None:
    found = decode_line(sender().position(PLATE, YELLOW, b"?").hex())
    assert (found["ok"], found["data_hex"]) == (True, "3f")
    assert found["notes"]


@pytest.mark.parametrize(
    ("line", "offset"), [("5b0", 3), ("5bzz5d", 2), ("ï»¿5b5d", 0), ("5b\0", 2), ("\ud800", 0)]
)  # fmt: skip
def test_a_line_that_is_no_hexadecimal(line: str, offset: int) -> None:
    assert decode_line(line)["error"] | {"message": ""} == {"code": "not_hex", "message": "", "offset": offset}


@given(st.text(max_size=60) | st.text("0123456789abcdefABCDEF ", max_size=200))
def test_no_line_raises(line: str) -> None:
    found = decode_line(line)
    json.dumps(found)
    assert found["ok"] is False
