"""Municipal, landscaping, gas, heat, water, incineration, enforcement, assessment: what records promise."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ruamel.yaml import YAML

from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import read_spec
from sandbox import platforms
from sandbox.dataset import build
from sandbox.platforms import enforcement, gas, heat, incineration, load, water
from sandbox.series import past
from tests.sandbox.cities import DAY, shared_records, world

VENDORS = (
    "municipal",
    "landscaping",
    "gas",
    "heat",
    "water",
    "incineration",
    "enforcement",
    "assessment",
)
FEEDS = Path(__file__).parents[2] / "feeds"
EVERY = [(platform, name) for platform in VENDORS for name in load(platform).DATASETS]


def spec_of(platform: str, name: str) -> FeedSpec:
    return read_spec(FEEDS / f"{load(platform).DATASETS[name].feed}.yaml")


@pytest.mark.parametrize("platform", VENDORS)
def test_same_seed_same_rows_another_day_other_rows(platform: str) -> None:
    one, two = (platforms.datasets(platform, world()) for _ in range(2))
    assert all(one[name].equals(two[name]) for name in one)
    other = platforms.datasets(platform, world(day=DAY.replace(month=10)))
    assert any(not one[name].equals(other[name]) for name in one)


@pytest.mark.parametrize(("platform", "name"), EVERY)
def test_spec_names_columns_that_the_vendor_has(platform: str, name: str) -> None:
    table = build(world(), name, load(platform).DATASETS[name])
    wanted = {field.source for field in spec_of(platform, name).fields.values()}
    assert wanted <= set(table.column_names)


@pytest.mark.parametrize(("platform", "name"), EVERY)
def test_every_code_of_the_records_is_in_the_spec_or_counted_as_bad(platform: str, name: str) -> None:
    city = world(scale=1.0)
    table = build(city, name, load(platform).DATASETS[name])
    unknown = 0
    for field in spec_of(platform, name).fields.values():
        if field.codes:
            values = pc.drop_null(table[field.source]).to_pylist()
            unknown += sum(value not in field.codes and value not in field.missing for value in values)
    assert unknown <= sum(city.truth.feed(load(platform).DATASETS[name].feed).bad.values())


@pytest.mark.parametrize("path", sorted(FEEDS.glob("*.yaml")), ids=lambda path: path.stem)
def test_spec_points_editors_at_the_schema_and_says_who_answers(path: Path) -> None:
    first, rest = path.read_text(encoding="utf-8").split("\n", 1)
    assert first == "# yaml-language-server: $schema=./feed.schema.json"
    raw = YAML(typ="safe").load(rest)
    assert raw["feed"] == path.stem
    assert raw["owner"]["phone"].startswith("0371-000")  # no number of a real person
    assert raw["examples"]


def test_heat_counter_goes_on_from_day_to_day_and_resets_only_when_a_meter_is_changed() -> None:
    days = [heat.states(world(day=DAY + timedelta(days=back))) for back in range(-5, 1)]
    table = pa.concat_tables(days)
    for station in pc.unique(table["zbh"]).to_pylist():
        own = table.filter(pc.equal(table["zbh"], station)).sort_by("cjsj")
        steps = np.diff(own["ljrl"].to_numpy())
        backwards = np.flatnonzero(steps < -0.02)
        assert backwards.size <= 1
        assert all(own["ljrl"].to_numpy()[backwards + 1] < 5)


def test_electricity_delivered_and_own_use_add_up_to_what_was_made() -> None:
    table = incineration.counters(world())
    made, grid, own = (table[name].to_numpy() for name in ("fdl_kwh", "swl_kwh", "zyl_kwh"))
    hours = slice(2, None)
    day = [(values[hours] - values[:-2]) % incineration.ROLLOVER for values in (made, grid, own)]
    assert np.abs(day[0] - day[1] - day[2]).max() <= 2
    assert 200_000 < day[0].sum() < 290_000  # a 12 MW plant


def test_a_case_lives_the_same_life_whichever_day_one_looks_at_it() -> None:
    early, late = (enforcement.cases(world(day=DAY + timedelta(days=d))) for d in (0, 5))
    known = {row["ajbh"]: row for row in late.to_pylist()}
    stages = ("sbsj", "slsj", "lasj", "pqsj", "czsj", "hcsj", "jasj")
    end = np.datetime64(DAY + timedelta(days=1))
    for row in early.to_pylist():
        after = known[row["ajbh"]]
        assert after["gxsj"] >= row["gxsj"]
        assert (row["cbdw"], row["qhdm"], row["czqx"]) == (after["cbdw"], after["qhdm"], after["czqx"])
        for stage in stages:
            if row[stage] is not None:
                assert row[stage] == after[stage] and np.datetime64(row[stage]) < end
            elif after[stage] is not None:
                assert np.datetime64(after[stage]) >= end


def test_alarm_is_told_in_growing_messages_and_the_evening_goes_on_the_next_day() -> None:
    rows = gas.alarms(world(scale=1.0)).to_pylist()
    assert {row["xh"] for row in rows} == {1, 2, 3, 4}
    for row in rows:
        told = [row[name] is not None for name in ("bjsj", "qrsj", "dcsj", "jcsj")]
        assert told == [step < row["xh"] for step in range(4)]
    assert {row["gxsj"].date() for row in rows} == {DAY}


def test_what_has_not_come_yet_is_not_known() -> None:
    times = np.array(["2026-11-20T23:59:59", "2026-11-21T00:00:00"], dtype="datetime64[us]")
    assert np.isnat(past(world(), times)).tolist() == [False, True]


def test_faulty_rows_are_told_apart_in_the_truth() -> None:
    city = world(scale=1.0)
    table = build(city, "pressure", gas.DATASETS["pressure"])
    counts = city.truth.feed("gas.pressure")
    values = table["yl_mpa"].to_numpy()
    assert counts.bad["kpa_for_mpa"] == np.count_nonzero(values > 1.6)
    assert counts.bad["negative"] == np.count_nonzero(values < 0)
    assert counts.rows - len({*zip(*(table[c].to_pylist() for c in ("cdbh", "cjsj")), strict=True)}) == (
        counts.duplicates
    )


@pytest.mark.parametrize("day", [DAY, date(2027, 2, 28)])
def test_county_s_own_plant_is_always_among_the_real_flue_gas_means(day: date) -> None:
    rows = incineration.cems(world(day=day, records=shared_records())).to_pylist()
    own = [row for row in rows if row["ps_name"] == incineration.OWN_PLANT]
    assert {row["pollutant_code"]: row["strength"] for row in own} == {
        "001": "3.56",
        "002": "26.96",
        "003": "81.95",
        "004": "3.9",
        "008": "0.0",
    }
    assert all(row["data_origin"].startswith("real:Henan") for row in rows)
    assert all(row["monitor_time"].startswith(day.isoformat()) for row in rows)
    next_day = (day + timedelta(days=1)).isoformat()
    assert {row["create_time"] for row in own} == {f"{next_day} 09:25:47"}  # the lag is kept
    assert any(row["strength"] == "" for row in rows)


def test_drawn_flue_gas_means_have_blanks_and_marks_like_the_real_ones() -> None:
    days = [incineration.cems(world(day=DAY + timedelta(days=d))).to_pylist() for d in range(20)]
    rows = [row for day in days for row in day]
    blank = sum(row["strength"] == "" for row in rows) / len(rows)
    assert 0.08 < blank < 0.2
    assert {row["remark"] for row in rows} == {"", "通讯中断", "CEMS维护"}


def test_real_trees_meters_and_cases_keep_their_values() -> None:
    folder = shared_records()
    city = world(scale=1.0, records=folder)
    trees = build(city, "tree", load("landscaping").DATASETS["tree"])
    origins = city.truth.feed("landscaping.tree").origins
    # A row that a scripted fault has changed no longer claims to be real.
    assert 480 <= origins["real:NYC street trees 2015 (values real, place moved)"] <= 510
    assert trees["树种"].to_pylist().count("Gleditsia triacanthos var. inermis") >= 139
    meters = water.meters(city).slice(0, 4).to_pylist()
    assert all(row["data_origin"].startswith("real:kanthaus") for row in meters)
    cases = enforcement.cases(city).to_pylist()
    assert any(row["jasj"] and row["jasj"] < row["sbsj"] for row in cases)  # real ones that close too early


def test_notebook_of_the_meters_is_copied_line_by_line() -> None:
    folder = shared_records()
    seen = set()
    for back in range(8):
        city = world(day=DAY - timedelta(days=back), records=folder)
        seen.add(tuple(water.meters(city).slice(0, 4)["累计读数(m³)"].to_pylist()))
    assert (24.3842, 45.408, 59.771, 100.327) in seen
    assert (0.0, None, None, None) in seen  # the line out of order
    assert len(seen) == 8
