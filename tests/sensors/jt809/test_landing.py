"""Stored frames become flat records; what is refused says why and keeps its bytes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sensors.jt809.encode import location_2019
from sensors.jt809.frame import build
from sensors.jt809.landing import records
from tests.sensors.jt809.frames import KEYS, PLATE, UTC, YELLOW, body_808, location, sender, wrapped

AT, PEER = "2026-11-20T08:15:31.000+08:00", "10.0.0.9:5000"


def landed(*frames: bytes) -> list[dict[str, Any]]:
    lines = list(records(b"".join(frames), AT, PEER))
    assert not any(b"\n" in line for line in lines)
    found = [json.loads(line) for line in lines]
    assert all((each["_received_at"], each["_peer"]) == (AT, PEER) for each in found)
    return found


def test_a_position_is_one_flat_record() -> None:
    (found,) = landed(sender("2019").position(PLATE, YELLOW, wrapped(extra=bytes.fromhex("0104000005dc30011f"))))
    told = {
        "vehicle_no": PLATE, "vehicle_color": YELLOW, "data_type": "0x1202", "edition": "2019", "layout": "808",
        "header_time_utc": UTC, "time": "2026-11-20T08:00:30+08:00", "lat": 34.538334, "lon": 114.804436,
        "speed_kmh": 42.5, "odo_km": 150.0, "direction_deg": 180, "altitude_m": 70, "load": "00", "acc": True,
        "positioned": True, "flags": "", "item": 0, "blind": False,
    }  # fmt: skip
    assert {key: found[key] for key in told} == told
    assert [item["id"] for item in found["additional"]] == ["0x01", "0x30"]


def test_a_batch_is_one_record_a_position() -> None:
    found = landed(sender().positions(PLATE, YELLOW, [location(minute) for minute in (1, 2, 3)]))
    assert [(each["item"], each["blind"], each["time"][14:16]) for each in found] == [
        (0, True, "01"), (1, True, "02"), (2, True, "03"),
    ]  # fmt: skip


def test_what_is_no_place_at_a_time_is_flagged_and_not_used() -> None:
    bad_time = location_2019(body_808()[:22] + b"\xaa" * 6)
    zero, hidden, undated = landed(
        sender().position(PLATE, YELLOW, bytes(36)),
        sender().position(PLATE, YELLOW, location(encrypted=True)),
        sender("2019").position(PLATE, YELLOW, bad_time),
    )
    assert (zero["lat"], zero["lon"], zero["time"]) == (None, None, None)
    assert zero["flags"] == "not_positioned,zero_position,bad_time"
    assert (hidden["lat"], hidden["lat_raw"], hidden["flags"]) == (None, 34_538_334, "encrypted")
    assert (undated["time"], undated["time_raw"], undated["lon"]) == (None, "aaaaaaaaaaaa", None)


def test_other_messages_are_kept_raw() -> None:
    register, other = landed(sender().register(PLATE, YELLOW), sender().frame(0x1300, b"abc"))
    assert (register["data_type"], len(register["data_hex"])) == ("0x1201", 122)
    assert (other["msg_id"], other["data_hex"]) == ("0x1300", "616263")


def test_what_is_refused_says_why_and_keeps_its_bytes() -> None:
    good = sender().position(PLATE, YELLOW, location())
    bad = good[:-3] + bytes((good[-3] ^ 1,)) + good[-2:]
    short = sender().position(PLATE, YELLOW, b"?")
    locked = sender(cipher=KEYS).position(PLATE, YELLOW, location())
    found = landed(bad, b"noise", good[:20], short, locked, good, good[:9])
    assert [(each.get("_problem"), each.get("_frame")) for each in found] == [
        ("bad_checksum", bad.hex()),
        ("garbage", b"noise".hex()),
        ("truncated", good[:20].hex()),
        ("bad_position", short.hex()),
        ("encrypted_body", locked.hex()),
        (None, None),
        ("truncated", good[:9].hex()),
    ]


@given(st.lists(st.binary(max_size=40) | st.binary(max_size=90).map(lambda body: build(0x1200, body)), max_size=8))
def test_any_blob_gives_records_that_can_be_read(parts: list[bytes]) -> None:
    found = landed(*parts)
    assert len(found) >= (1 if any(parts) else 0)
