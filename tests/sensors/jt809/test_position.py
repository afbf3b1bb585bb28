"""Positions in their three layouts, alone and in batches."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.jt809.encode import history as batch
from sensors.jt809.encode import location_2011, location_2019, trapped
from sensors.jt809.frame import Refused
from sensors.jt809.position import history, real_time
from tests.sensors.jt809.frames import AT, body_808, location, wrapped


def test_the_36_bytes_of_2011() -> None:
    data = location_2011(
        datetime(2026, 7, 19, 15, 16, 17),  # noqa: DTZ001
        34.5, 114.8, speed_kmh=50, recorder_speed_kmh=51, odometer_km=150, direction_deg=45, altitude_m=46,
        status=0x303, alarm=257,
    )  # fmt: skip
    assert len(data) == 36
    assert data.hex() == "00130707ea0f101106d7b580020e6da00032003300000096002d002e0000030300000101"
    position = real_time(data)
    assert position.layout == "2011"
    assert position.time == "2026-07-19T15:16:17+08:00"
    assert (position.lat_deg, position.lon_deg) == (34.5, 114.8)
    assert (position.speed_kmh, position.recorder_speed_kmh, position.odometer_km) == (50, 51, 150)
    assert (position.direction_deg, position.altitude_m, position.alarm) == (45, 46, 257)
    assert position.load == "11"
    assert position.flags == []


def test_the_wrapped_body_of_808_of_2019() -> None:
    position = real_time(wrapped(extra=bytes.fromhex("0104000005dc03020190e10201ff")))
    assert position.layout == "808"
    assert position.time == "2026-11-20T08:00:30+08:00"
    assert (position.lat_deg, position.lon_deg) == (34.538334, 114.804436)
    assert (position.speed_kmh, position.recorder_speed_kmh, position.odometer_km) == (42.5, 40.0, 150.0)
    assert position.platforms == (("41022100001", 1), ("", 0), ("", 0))
    assert position.flags == []


def test_the_layout_of_2011_inside_the_message_of_2019() -> None:
    plain = real_time(location())
    found = real_time(trapped(location()))
    assert found.layout == "2011-in-2019"
    assert (found.time, found.lat_raw, found.lon_raw, found.speed_kmh) == (
        plain.time,
        plain.lat_raw,
        plain.lon_raw,
        plain.speed_kmh,
    )


def test_35_bytes_that_are_a_body_of_808_with_items_are_not_taken_for_2011() -> None:
    found = real_time(location_2019(body_808(extra=bytes.fromhex("30011f2a020001"))))
    assert (found.layout, found.lat_raw) == ("808", 34_538_334)


def test_items_that_are_not_whole_do_not_cost_the_position() -> None:
    found = real_time(wrapped(extra=b"\x01\x04\0\0\0\x09\xff"))
    assert (found.odometer_km, found.trailing) == (0.9, b"\xff")
    assert found.flags == ["bad_items"]


def test_the_platforms_may_be_missing() -> None:
    assert real_time(location_2019(body_808(), platforms=())).platforms == ()


@pytest.mark.parametrize("plugin", [location(encrypted=True), location(status=0x23)])
def test_coordinates_of_the_map_plugin_are_flagged(plugin: bytes) -> None:
    assert real_time(plugin).flags == ["encrypted"]


def test_a_zero_position_with_a_zero_date_is_flagged_not_refused() -> None:
    found = real_time(bytes(36))
    assert found.time is None
    assert {"zero_position", "bad_time", "not_positioned"} <= set(found.flags)


@pytest.mark.parametrize("bad", ["2611310a0000", "000000000000", "2602300a0000", "26112024000a", "2a1120080000"])
def test_a_bad_bcd_time_is_flagged(bad: str) -> None:
    found = real_time(location_2019(body_808()[:22] + bytes.fromhex(bad)))
    assert (found.time, found.time_raw) == (None, bad)
    assert found.flags == ["bad_time"]


def test_the_southern_and_western_half_have_minus_signs() -> None:
    found = real_time(location_2011(AT, -34.5, -114.8))
    assert (found.lat_deg, found.lon_deg) == (-34.5, -114.8)


@pytest.mark.parametrize("make", [location, wrapped, lambda minute: trapped(location(minute)),
                                  lambda minute: location_2019(body_808(minute), platforms=())])  # fmt: skip
@pytest.mark.parametrize("count", [0, 1, 2, 5, 100])
def test_a_batch_of_any_layout(make, count: int) -> None:
    found = history(batch([make(number % 60) for number in range(count)]))
    assert [int((position.time or "")[14:16]) for position in found] == [number % 60 for number in range(count)]


@pytest.mark.parametrize("data", [b"", b"\x01", b"\x02" + location(), b"\x01" + location() + b"x", b"\x03" + wrapped()])
def test_a_batch_that_does_not_add_up_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match=r"batch|positions"):
        history(data)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)).map(lambda time: time.replace(microsecond=0)),  # noqa: DTZ001
    st.integers(-90_000_000, 90_000_000),
    st.integers(-180_000_000, 180_000_000),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF).map(lambda status: status & ~0xC),
)
def test_round_trip_of_2011_alone_and_trapped(time: datetime, lat: int, lon: int, speed: int, status: int) -> None:
    data = location_2011(time, lat / 1e6, lon / 1e6, speed_kmh=speed, status=status, encrypted=True)
    for found in (real_time(data), *history(batch([data, data]))):
        assert found.layout == "2011"
        assert found.time == time.isoformat() + "+08:00"
        assert (found.lat_deg, found.lon_deg) == (lat / 1e6, lon / 1e6)
        assert found.speed_kmh == speed
        assert found.encrypted


@given(st.binary(max_size=120) | st.binary(max_size=80).map(lambda tail: b"\0\0\0\0\x1c" + tail))
def test_any_data_is_a_position_or_refused(data: bytes) -> None:
    for reading in (real_time, history):
        try:
            reading(data)
        except Refused as why:
            assert why.code in ("bad_position", "bad_batch")
