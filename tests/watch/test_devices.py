"""What is seen in the readings themselves; each watch is quiet on a clean day, and when it is off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.load.kit import DAY, Hub, feed
from tests.warehouse.made import snapshots
from tests.watch.made import DEVICES, FIELDS, kinds, readings, spec, watched

BEFORE = DAY - timedelta(days=1)


def load(hub: Hub, of: Any, rows: list[dict[str, Any]], day: Any = DAY) -> None:
    hub.load(of, rows, day=day)


def test_a_clean_day_says_nothing_and_is_written_once(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    load(hub, of, readings(BEFORE), BEFORE)
    load(hub, of, readings())
    assert kinds(hub, of) == []
    before = snapshots(hub.con)
    assert kinds(hub, of) == []
    assert snapshots(hub.con) == before


def stuck(device: str, slot: int, usual: float) -> float:
    return 207.5 if device == "C" and 10 <= slot < 30 else usual


def test_a_device_that_repeats_its_reading_is_frozen_and_thaws(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    load(hub, of, readings(value=stuck))
    assert kinds(hub, of) == ["frozen:C"]
    found = watched(hub, of)["frozen"]
    assert (found.severity, found.observed) == ("warning", "kpa 207.5 20 times from 05:00 to 14:30")
    before = snapshots(hub.con)
    assert kinds(hub, of) == ["frozen:C"]
    assert snapshots(hub.con) == before, "a second run writes nothing"
    load(hub, of, readings())
    assert kinds(hub, of) == []
    assert hub.rows("SELECT kind, subject, state FROM finding") == [("frozen", "C", "closed")]


@pytest.mark.parametrize("off", [{"off": ["frozen"]}, {"frozen": []}, {"frozen_run": 21}])
def test_the_spec_switches_the_frozen_watch_off(hub: Hub, off: dict[str, Any]) -> None:
    of = spec(watch=off)
    hub.prepare(of)
    load(hub, of, readings(value=stuck))
    assert kinds(hub, of) == []


def test_a_value_that_is_the_same_on_all_devices_by_nature_is_not_frozen(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    load(hub, of, readings(value=lambda device, slot, usual: float(200 + slot // 24)))
    assert kinds(hub, of) == []
    named = spec(watch={"frozen": ["rated"]})
    assert [kind.partition(":")[0] for kind in kinds(hub, named)] == [], "nobody moves: nothing to compare with"


def test_nothing_but_zeros_is_a_finding_where_the_week_before_was_not_zero(hub: Hub) -> None:
    of = spec(watch={"frozen": ["kpa"]})
    hub.prepare(of)
    dry = {"G"}
    load(hub, of, readings(BEFORE, value=lambda device, slot, usual: 0 if device in dry else usual), BEFORE)
    load(hub, of, readings(value=lambda device, slot, usual: 0 if device in {"B", *dry} else usual))
    assert kinds(hub, of) == ["zero_run:B"]
    assert kinds(hub, spec(watch={"frozen": ["kpa"], "off": ["zero_run"]})) == []


def test_a_known_device_that_is_silent_all_day_is_named(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    load(hub, of, readings(BEFORE), BEFORE)
    load(hub, of, readings(devices=[name for name in DEVICES if name != "E"]))
    found = watched(hub, of)
    assert {kind: item.subject for kind, item in found.items()} == {"device_silent": "E"}
    assert "last heard 2026-11-19 23:30" in found["device_silent"].detail
    assert kinds(hub, spec(watch={"off": ["silent"]})) == []


def test_most_devices_silent_is_critical_and_one_finding(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    many = [f"D{i:02d}" for i in range(30)]
    load(hub, of, readings(BEFORE, many), BEFORE)
    load(hub, of, readings(devices=many[:10]))
    found = watched(hub, of)["device_silent"]
    assert (found.severity, found.row_count, found.subject) == ("critical", 20, None)


def test_gaps_are_judged_by_the_interval_of_the_spec_or_by_the_week_before(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    for ago in (3, 2, 1):
        load(hub, of, readings(DAY - timedelta(days=ago)), DAY - timedelta(days=ago))
    few = [row for row in readings() if row["id"] != "F" or row["ts"] < f"{DAY} 08:00"]
    load(hub, of, few)
    found = watched(hub, of)["device_gaps"]
    assert (found.subject, found.observed) == ("F", "16 readings, usual are 48")
    assert "device_gaps" not in watched(hub, spec(watch={"off": ["gaps"]}))
    told = watched(hub, spec(arrives={"min_rows": 0, "device_interval_s": 1800}))["device_gaps"]
    assert (told.subject, told.observed) == ("F", "33 of 49 missing, 990 min from 07:30")


@pytest.mark.parametrize("hours", [8, -8])
def test_a_clock_that_is_eight_hours_off_is_seen_by_both_ends_of_the_day(hub: Hub, hours: int) -> None:
    of = spec()
    hub.prepare(of)
    load(hub, of, readings(shift_h={"H": hours}))
    found = watched(hub, of)
    assert found["clock_off"].subject == "H"
    assert f"{hours:+d} h" in found["clock_off"].detail
    assert "clock_off" not in watched(hub, spec(watch={"off": ["clock"]}))


def test_a_clock_that_is_off_is_seen_in_the_hours_of_a_feed_that_sends_by_night(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    rows = readings(hours=range(6)) + readings(hours=range(20, 24))
    turned = [
        {**row, "ts": f"{DAY} {(int(row['ts'][11:13]) + 8) % 24:02d}{row['ts'][13:]}"} if row["id"] == "H" else row
        for row in rows
    ]
    load(hub, of, turned)
    found = watched(hub, of)["clock_off"]
    assert (found.subject, "+8 h" in found.detail) == ("H", True)


def test_readings_of_the_year_2000_are_an_old_clock(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    old = [{**row, "ts": row["ts"].replace("2026-11-20", "2000-01-01")} for row in readings(devices=["A"])]
    load(hub, of, readings(devices=DEVICES[1:]) + old)
    found = watched(hub, of)["old_clock"]
    assert (found.subject, "2000-01-01" in found.detail) == ("A", True)


def test_a_device_in_two_places_is_seen_also_when_it_has_no_place_between_them(hub: Hub) -> None:
    located = FIELDS | {name: {"from": name, "type": "double"} for name in ("lon", "lat")}
    of = feed(
        located, identity={"key": ["id", "ts"], "day_from": "ts"},
        location={"lon": "lon", "lat": "lat", "system": "wgs84"},
    )  # fmt: skip
    hub.prepare(of)
    places: dict[str, Any] = {"A": [114.7, None, 114.8, 114.8], "B": [114.7, 114.703, None, 114.703]}
    rows = [
        {"id": name, "ts": f"{DAY} 08:00:{second:02d}", "lon": lon, "lat": None if lon is None else 34.5}
        for name, each in places.items()
        for second, lon in zip((0, 10, 20, 30), each, strict=True)
    ]
    load(hub, of, rows)
    found = watched(hub, of)["teleport"]
    assert (found.observed, found.row_count) == ("1 devices", 1), "9 km in 20 s, and 270 m in 10 s"
    assert "A: 1 times, first at 08:00" in found.detail


def test_a_vendors_rate_that_is_not_ours_is_named_by_unit(hub: Hub) -> None:
    ours = "SELECT unit_code, 100.0 * count(*) FILTER (kpa > 0) / count(*) AS rate FROM {batch} GROUP BY unit_code"
    of = spec(watch={"rate": "rated", "rate_sql": ours, "frozen": []})
    hub.prepare(of)
    load(hub, of, readings(value=lambda device, slot, usual: 0 if device in "AB" else usual))
    found = watched(hub, of)["rate_disagrees"]
    assert (found.subject, found.row_count) == ("rated", 1)
    assert "no unit: 300, ours 75" in found.detail
    assert kinds(hub, spec(watch={"frozen": [], "off": ["rate"], "rate": "rated", "rate_sql": ours})) == []
    near = spec(watch={"frozen": [], "rate": "rated", "rate_sql": ours, "rate_tolerance": 230})
    assert kinds(hub, near) == []


def test_a_watch_that_cannot_run_is_a_finding_and_stops_nothing(hub: Hub) -> None:
    of = spec(watch={"rate": "rated", "rate_sql": "SELECT nothing FROM {batch}"})
    hub.prepare(of)
    load(hub, of, readings(BEFORE), BEFORE)
    load(hub, of, readings(value=lambda device, slot, usual: usual / 100 if device == "D" else usual))
    assert kinds(hub, of) == ["unit_shift:kpa", "watch_failed:rate"], "those after it look too"
