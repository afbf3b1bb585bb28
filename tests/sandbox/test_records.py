"""Real public records: values kept, place and year moved, and each row says so."""

from __future__ import annotations

import csv
import statistics

import pytest

from sandbox.dataset import build
from sandbox.platforms import load
from sandbox.platforms.dust import samples
from tests.sandbox.cities import DAY, shared_records, world


def test_without_records_nothing_claims_to_be_real() -> None:
    city = world()
    for platform, name in (("dust", "dust_sample"), ("lighting", "lamp"), ("sanitation", "san_weigh")):
        assert set(build(city, name, load(platform).DATASETS[name])["data_origin"].to_pylist()) == {"generated"}


def test_minutes_of_two_sites_follow_the_hours_of_two_stations() -> None:
    folder = shared_records()
    rows = [r for r in samples(world(scale=1.0, records=folder)).to_pylist() if r["data_origin"].startswith("real:")]
    assert len({r["mn"] for r in rows}) == 2
    first = [r for r in rows if r["mn"] == rows[0]["mn"]]
    with (folder / "beijing_air_dongsi_2016.csv").open(encoding="utf-8") as file:
        day = [r for r in csv.DictReader(file) if (int(r["month"]), int(r["day"])) == (DAY.month, DAY.day)]
    assert len(day) == 24
    for hour in day:
        minutes = [r["a34002"] for r in first if r["dataTime"].hour == int(hour["hour"])]
        assert len(minutes) == 60
        if hour["PM10"] == "NA":
            assert minutes == [None] * 60  # the gap is kept
        else:
            assert statistics.mean(minutes) == pytest.approx(float(hour["PM10"]), rel=0.01, abs=0.1)


def test_lamps_are_the_real_inventory_moved_into_the_county() -> None:
    folder = shared_records()
    rows = build(world(scale=1.0, records=folder), "lamp", load("lighting").DATASETS["lamp"]).to_pylist()
    with (folder / "dc_streetlights_downtown.csv").open(encoding="utf-8-sig") as file:
        known = {r["FACILITYID"]: r for r in csv.DictReader(file)}
    real = [r for r in rows if r["data_origin"].startswith("real:")]
    assert len(real) > 700 and len({r["lampId"] for r in rows}) == len(rows)
    for row in real:
        assert row["lampType"] == known[row["lampId"]]["LIGHTTYPE_DESC"]
        assert 114.74 < row["lng"] < 114.89 and 34.5 < row["lat"] < 34.625


def test_tickets_add_up_to_the_real_tonnage_of_the_district() -> None:
    from sandbox.platforms.sanitation import MODELS, tickets

    folder = shared_records()
    rows = tickets(world(records=folder)).to_pylist()
    with (folder / "DSNY_Monthly_Tonnage_Data.csv").open(encoding="utf-8-sig") as file:
        own = [r for r in csv.DictReader(file) if (r["BOROUGH"], r["COMMUNITYDISTRICT"]) == MODELS[0]]
    newest = max((r for r in own if r["MONTH"].endswith("/ 11")), key=lambda r: r["MONTH"])
    tonnes = sum(r["JZ"] for r in rows if r["XQ"] == "01" and r["LJLX"] == "生活垃圾") / 1000
    assert tonnes == pytest.approx(float(newest["REFUSETONSCOLLECTED"]) / 30, rel=0.15)
    assert all(r["data_origin"].startswith("real:DSNY") for r in rows)
