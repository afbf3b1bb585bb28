"""From frames of the spool to records: the fast and the careful way agree, nothing is lost, marks are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.hj212 import blob, encode
from sensors.hj212.landing import Lander, records
from sensors.hj212.rows import rows
from sensors.hj212.segment import parse
from tests.sensors.hj212.frames import FACTORS, MN, dust, factor_maps, flagged, header, headers, messages, plain

OWN = {"_received_at": "2026-11-01T08:00:01+08:00", "_peer": "127.0.0.1:5000"}


def landed(data: bytes) -> list[dict[str, Any]]:
    lines = list(records(data, OWN["_received_at"], OWN["_peer"]))
    assert all(b"\n" not in line for line in lines)
    return [json.loads(line) for line in lines]


def test_one_record_a_factor_with_what_was_sent():
    first, second, third = landed(dust())
    assert first == OWN | {
        "mn": MN,
        "st": "39",
        "cn": "2011",
        "qn": "20261101080000123",
        "version": 1,
        "data_time": "2026-11-01T08:00:00+08:00",
        "period_s": 0,
        "factor": "a34004",
        "Rtd": "35.2",
        "Flag": "N",
        "unit": "ug/m3",
        "crc_variant": "hj212",
    }
    assert (second["factor"], second["Flag"]) == ("a34002", "M")
    assert third["unit"] == "dB(A)"


@given(headers, plain, factor_maps)
def test_the_fast_way_gives_the_records_of_the_careful_way(head, cp, factors):
    frame = encode.message(head, cp, factors)
    careful = rows(parse(frame[6:-6]), "hj212", True, OWN)
    lander = Lander()
    for _ in range(4):  # the layout is compiled at its third coming
        fast = [json.loads(line) for line in lander.records(frame * 2, OWN["_received_at"], OWN["_peer"])]
        assert fast == careful * 2


@given(st.lists(messages, max_size=6), st.binary(max_size=20))
def test_no_frame_is_without_a_record_and_order_is_kept(frames, noise):
    found = landed(noise.replace(b"#", b"").join([b"", *frames]))
    seen = [record["qn"] for record in found if "_problem" not in record]
    wanted = [parse(frame[6:-6]).header["QN"] for frame in frames]
    assert list(dict.fromkeys(seen)) == list(dict.fromkeys(wanted))


@pytest.mark.parametrize(
    ("cn", "period"), [("2011", 0), ("2021", 0), ("2051", 600), ("2061", 3600), ("2031", 86400), ("2081", None)]
)
def test_what_data_time_means_depends_on_the_command(cn, period):
    assert landed(dust(CN=cn))[0].get("period_s") == period


@pytest.mark.parametrize(
    ("sent", "time"),
    [
        ("20261101080000", "2026-11-01T08:00:00+08:00"),
        ("20261101080000456", "2026-11-01T08:00:00.456+08:00"),
        ("20261301080000", "20261301080000"),
        ("null", "null"),
        ("", ""),
    ],
)
def test_a_time_that_is_none_stays_as_sent(sent, time):
    for _ in range(4):
        assert landed(dust({"DataTime": sent}))[0]["data_time"] == time


def test_a_bad_frame_is_one_record_with_the_frame_and_without_its_password():
    found = landed(dust() + dust()[:-2].replace(b"Rtd=70", b"Rtd=71") + b"\r\n" + dust()[:60] + b"\r\n" + dust())
    problems = [record for record in found if "_problem" in record]
    assert [record["_problem"] for record in problems] == ["bad_checksum", "truncated"]
    assert len(found) == 8
    assert "a34002-Rtd=71" in problems[0]["_frame"]
    assert all("secret1" not in json.dumps(record) for record in found)
    assert problems[0].keys() == {"_problem", "_frame", *OWN}


def test_a_frame_without_factors_is_one_record():
    segment = encode.segment(header(CN="2081"), "DataTime=20261101080000;RestartTime=20261101075900;NewPW=secret2")
    (record,) = landed(encode.frame(segment))
    assert record["factor"] is None
    assert record["cp"] == "RestartTime=20261101075900;NewPW=******"


def test_a_length_that_lies_and_the_variant_are_kept():
    found = landed(encode.frame(dust()[6:-6], declared=7) + encode.frame(dust()[6:-6], variant="modbus_swapped"))
    assert [record.get("length_valid") for record in found] == [False] * 3 + [None] * 3
    assert found[3]["crc_variant"] == "modbus_swapped"


def test_names_of_a_device_cannot_take_the_place_of_ours():
    factors = {"a34004": {"cn": "9", "MN": "x", "RTD": "3", "_peer": "y", "Unit": "mg/m3"}}
    for _ in range(4):
        (record,) = landed(dust(factors=factors))
        assert (record["cn"], record["mn"], record["_peer"]) == ("2011", MN, OWN["_peer"])
        assert (record["x_cn"], record["x_MN"], record["Rtd"], record["unit"]) == ("9", "x", "3", "mg/m3")


def test_two_spellings_of_one_name_do_not_become_two_columns():
    segment = encode.segment(header(), "DataTime=20261101080000;a34004-Xy=1,a34004-XY=2")
    (record,) = landed(encode.frame(segment))
    assert {key.lower() for key in record} == {key.lower() for key in set(record)}
    assert len({key.lower() for key in record}) == len(record)


@pytest.mark.parametrize(
    ("code", "value", "guess"),
    [
        ("a34004", "75600.000", "ng/m3"),
        ("a34004", "0.0523", "mg/m3"),
        ("a34004", "23", None),
        ("a34004", "0", None),
        ("a34004", "-1", None),
        ("a34004", "null", None),
        ("a01006", "1017.1", "hPa"),
        ("a01006", "101710", "Pa"),
        ("a01006", "30.4", None),
        ("w01018", "1e9", None),
    ],
)
def test_a_value_that_another_unit_explains_is_marked(code, value, guess):
    for _ in range(4):
        first, second = landed(dust(factors={code: {"Rtd": value, "Flag": "N"}, "a01002": {"Rtd": "50"}}))
        assert (first.get("unit_suspect"), first.get("unit_guess")) == (True if guess else None, guess)
        assert first["Rtd"] == value
        assert "unit_suspect" not in second


def test_stack_gas_and_ambient_air_have_their_own_units():
    factors = {"a21026": {"Rtd": "35"}}
    assert landed(dust(factors=factors, ST="31"))[0]["unit"] == "mg/m3"
    assert landed(dust(factors=factors, ST="22"))[0]["unit"] == "ug/m3"


def test_marks_say_what_the_bytes_do_not():
    data = dust() + blob.marked("unknown_device", dust()[:-2]) + dust()
    assert [record.get("_problem") for record in landed(data)] == [None] * 3 + ["unknown_device"] + [None] * 3


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(data):
    for record in landed(data):
        assert record["_peer"]
    landed(blob.marked("joined", data) + blob.marked("opened:hj212", data) + blob.marked("sealed", data))


def test_layouts_of_a_stranger_do_not_grow_memory():
    lander = Lander()
    for number in range(3000):
        frame = dust(factors={f"x{number}": {"Rtd": "1"}}, MN=f"M{number}")
        assert len(list(lander.records(frame, "", ""))) == 1
    assert not lander._templates._known


def test_an_odd_header_goes_the_careful_way():
    frame = flagged("ST=39;QN=1;CN=2011;MN=M;Flag=4;Extra=7;CP=&&DataTime=20261101080000;LA-Rtd=1&&")
    assert [record["qn"] for record in landed(frame * 5)] == ["1"] * 5
    assert FACTORS
