"""Units by device: values in the usual unit, exactly, and what was sent can be had back."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cityhub.errors import Usage
from cityhub.settings import Settings
from sensors.envelope import encode_frames
from sensors.finish import finishing
from sensors.hj212 import encode
from sensors.hj212.landing import records
from sensors.hj212.units import Units
from sensors.segments import collect
from sensors.spool import Spool
from sensors.tcp.gateway import run_tcp
from tests.sensors.hj212.frames import MN
from tests.sensors.tcp.conftest import toy_spec

HEAD = {"QN": "20261101080000123", "ST": "39", "CN": "2011", "PW": "1", "MN": MN, "Flag": "5"}


def frame(values: dict[str, dict[str, str]], **head: str) -> bytes:
    return encode.message(HEAD | head, {"DataTime": "20261101080000"}, values)


def converted(units: dict[str, dict[str, str]], data: bytes) -> list[dict[str, Any]]:
    own = Units(units)
    return [json.loads(own.converted(record)) for record in records(data, "2026-11-01T08:00:01+08:00", "p")]


def test_values_come_in_the_usual_unit_and_the_sent_one_is_kept() -> None:
    sent = {"a34004": {"Rtd": "0.0523", "Avg": "0.05", "Cou": "12", "Flag": "N"}, "a34002": {"Rtd": "70"}}
    pm25, pm10 = converted({MN: {"a34004": "mg/m3"}}, frame(sent))
    assert (pm25["Rtd"], pm25["Avg"], pm25["Cou"], pm25["Flag"]) == ("52.3", "50", "12", "N")
    assert (pm25["unit"], pm25["unit_sent"]) == ("ug/m3", "mg/m3")
    assert "unit_suspect" not in pm25  # it was, as 0.0523 µg/m³
    assert (pm10["Rtd"], pm10["unit"]) == ("70", "ug/m3")
    assert "unit_sent" not in pm10


def test_another_device_is_left_alone_and_patterns_fit_in_order() -> None:
    units = {"QX9": {"a34004": "mg/m3"}, "QX8*": {"a34004": "ng/m3"}, "QX*": {"a34004": "mg/m3"}}
    sent = {"a34004": {"Rtd": "2000"}}
    seen = {mn: converted(units, frame(sent, MN=mn))[0]["Rtd"] for mn in ("QX9", "QX81", "QX7", "A1")}
    assert seen == {"QX9": "2000000", "QX81": "2", "QX7": "2000000", "A1": "2000"}


def test_a_wrong_unit_is_still_seen() -> None:
    (row,) = converted({MN: {"a34004": "mg/m3"}}, frame({"a34004": {"Rtd": "35"}}))
    assert (row["Rtd"], row["unit_suspect"], row["unit_guess"]) == ("35000", True, "ng/m3")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_what_was_sent_can_be_had_back(value: Decimal) -> None:
    (row,) = converted({"*": {"a34004": "ng/m3"}}, frame({"a34004": {"Rtd": format(value, "f")}}))
    assert Decimal(row["Rtd"]) * 1000 == value


@pytest.mark.parametrize("text", ["", "null", "1e5x", "--", "NaN"])
def test_what_is_no_number_stays_as_sent(text: str) -> None:
    (row,) = converted({"*": {"a34004": "ng/m3"}}, frame({"a34004": {"Rtd": text, "Flag": "D"}}))
    assert row["Rtd"] == text


@pytest.mark.parametrize(("code", "unit"), [("a34004", "furlong"), ("zz", "mg/m3")])
def test_units_nothing_is_known_of_stop_the_gateway(settings: Settings, code: str, unit: str) -> None:
    spec = toy_spec(units={"QX1": {code: unit}})
    with pytest.raises(Usage, match=unit):
        run_tcp(settings, [spec], "hj212")
    with pytest.raises(Usage, match="QX1"):
        finishing(spec)


def test_a_delivery_has_them(settings: Settings) -> None:
    spec = toy_spec(units={MN: {"a34004": "mg/m3"}})
    spool, moment = Spool(settings.spool), "2026-11-01T08:00:01+08:00"
    spool.append(spec.feed, encode_frames("hj212", "p", moment, 1, frame({"a34004": {"Rtd": "0.05"}})))
    assert spool.flush(at_once=True)
    spool.close()
    manifest = collect(settings, spec, date(2026, 11, 1))
    assert manifest is not None
    (part,) = manifest.parts
    (line,) = zstandard.ZstdDecompressor().stream_reader(manifest.path(part).read_bytes()).read().splitlines()
    assert (json.loads(line)["Rtd"], json.loads(line)["unit_sent"]) == ("50", "mg/m3")
