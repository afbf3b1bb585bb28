"""The truth counts what was really put into the records: recount it from the rows alone."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest

from sandbox.content import FUTURE, Duplicates, Frozen, OutOfOrder, Spoil, negative, put, times
from sandbox.dataset import Dataset, build
from sandbox.platforms import load
from tests.sandbox.cities import DAY, MINE, world


def _recount(platform: str, name: str, key: list[str]) -> tuple[pa.Table, int]:
    dataset = load(platform).DATASETS[name]
    table = build(world(scale=0.5), name, dataset)
    rows = table.to_pylist()
    unique = {tuple(row[column] for column in key) for row in rows}
    return table, len(rows) - len(unique)


def test_muck_positions_hold_the_faults_that_their_truth_counts() -> None:
    city = world(scale=0.5)
    rows = build(city, "mk_position", load("muck").DATASETS["mk_position"]).to_pylist()
    truth = city.truth["muck.position"]
    start = datetime.combine(DAY, datetime.min.time())
    keys = {(r["simNo"], r["gpsTime"], r["lng"], r["lat"]) for r in rows}
    future = {(r["simNo"]) for r in rows if r["gpsTime"] == FUTURE}
    lost_to_future = sum(r["gpsTime"] == FUTURE for r in rows) - len(
        {(r["simNo"], r["lng"], r["lat"]) for r in rows if r["gpsTime"] == FUTURE}
    )
    assert len(rows) == truth.rows
    assert len(rows) - len(keys) - lost_to_future == truth.duplicates
    assert sum(r["gpsTime"] < start for r in rows) == truth.late > 0
    assert sum(r["lng"] == 0 and r["lat"] == 0 for r in rows) == truth.bad["zero_position"] > 0
    assert sum(r["spd"] < 0 for r in rows) == truth.bad["negative"] > 0
    assert sum(r["spd"] == 65535 for r in rows) == truth.bad["saturated"] > 0
    assert sum(r["gpsTime"] == FUTURE for r in rows) == truth.bad["future_clock"] > 0 and future
    assert sum(r["alt"] is None for r in rows) == truth.odd["blank"] > 0
    good = [r for r in rows if 0 <= r["spd"] <= 1600 and r["lng"]]
    assert len(good) + truth.bad["zero_position"] + truth.bad["negative"] + truth.bad["saturated"] == len(rows)


def test_a_mixed_up_unit_leaves_the_plausible_range_and_nothing_else_does() -> None:
    city = world(scale=0.5)
    rows = build(city, "dust_sample", load("dust").DATASETS["dust_sample"]).to_pylist()
    truth = city.truth["dust.sample"]
    high = sum(r["a34002"] is not None and r["a34002"] > 3000 for r in rows)
    assert high == truth.bad["unit_x1000"] + truth.bad["saturated"]
    assert sum(r["a34004"] is not None and r["a34004"] < 0 for r in rows) == truth.bad["negative"]
    assert sum(r["LA"] == "NA" for r in rows) == truth.odd["blank"]


def test_two_events_of_a_platform_never_share_a_key_but_as_a_copy() -> None:
    for platform, name, key in (
        ("lighting", "lamp_fault", ["faultId"]),
        ("dust", "dust_alarm", ["alarmId"]),
        ("muck", "mk_violation", ["id"]),
        ("sanitation", "san_weigh", ["ZDBH", "BDH"]),
        ("lighting", "lamp", ["lampId"]),
    ):
        table, repeated = _recount(platform, name, key)
        whole = len({tuple(sorted(map(str, row.items()))) for row in table.to_pylist()})
        assert table.num_rows - whole == repeated, (platform, name)


def test_faults_are_a_small_share_of_each_feed() -> None:
    city = world(scale=0.5)
    for platform in MINE:
        for name, dataset in load(platform).DATASETS.items():
            build(city, name, dataset)
    for feed, truth in city.truth.items():
        if truth.rows > 1000:
            assert sum(truth.bad.values()) < 0.01 * truth.rows, feed
            assert truth.duplicates < 0.02 * truth.rows, feed


def test_each_row_gets_one_fault_at_most() -> None:
    table = pa.table({"id": [str(i) for i in range(400)], "value": [float(i + 10) for i in range(400)]})
    faults = (
        Spoil("negative", 0.1, {"value": negative}),
        Spoil("unit", 0.1, {"value": times(1000)}, at_least=50),
        Spoil("blank", 0.1, {"value": put(None)}, bad=False),
        Duplicates(0.1),
        OutOfOrder(0.2),
    )
    city = world()
    rows = build(city, "x", Dataset("x.y", lambda _: table, faults=faults)).to_pylist()
    truth = city.truth["x.y"]
    values = [row["value"] for row in rows]
    assert sum(value is not None and value < 0 for value in values) == truth.bad["negative"] == 40
    assert sum(value is not None and value > 1000 for value in values) == truth.bad["unit"] > 20
    assert values.count(None) == truth.odd["blank"]
    assert len(rows) == 400 + truth.duplicates
    assert len({row["id"] for row in rows}) == 400


def test_a_frozen_run_repeats_one_entity_only() -> None:
    table = pa.table({"id": ["a", "b"] * 100, "value": [float(i) for i in range(200)]})
    city = world()
    rows = build(city, "x", Dataset("x.y", lambda _: table, faults=(Frozen("id", ("value",), 30),))).to_pylist()
    changed = [i for i, row in enumerate(rows) if row["value"] != i]
    assert len(changed) == city.truth["x.y"].odd["frozen"] - 1 == 29
    assert len({rows[i]["id"] for i in changed}) == 1


def test_a_real_record_that_a_fault_changed_no_longer_claims_real_values() -> None:
    origin = "real:somewhere (values real, place moved)"
    table = pa.table({"value": [5.0] * 50, "data_origin": [origin] * 50})
    rows = build(
        world(), "x", Dataset("x.y", lambda _: table, faults=(Spoil("n", 0.2, {"value": negative}),))
    ).to_pylist()
    for row in rows:
        assert ("values real" in row["data_origin"]) == (row["value"] == 5.0)


@pytest.mark.parametrize(
    ("fault", "has", "lacks"),
    [("column_added:newOne", "newOne", None), ("column_renamed:spd>speed", "speed", "spd")],
)
def test_scripted_schema_changes_reach_every_record(fault: str, has: str, lacks: str | None) -> None:
    table = build(world(f"muck.position={fault}"), "mk_position", load("muck").DATASETS["mk_position"])
    assert has in table.column_names and lacks not in table.column_names
