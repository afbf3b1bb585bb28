"""CBOR and Sparkplug B: what lands of a payload, and the word by which it is refused."""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.envelope import encode, is_line, payload_of, records, refused
from sensors.payload import Memory, Refused, landed
from sensors.sparkplug_schema import DATATYPES, Payload

AT = "2026-11-20T08:00:00.000+08:00"
MS = 1_795_132_800_000  # 2026-11-20 00:00 UTC


def cbor(value: Any) -> list[dict[str, Any]]:
    return landed("cbor", value if isinstance(value, bytes) else cbor2.dumps(value), "t/1", Memory())


def test_the_line_keeps_the_bytes_and_says_their_form() -> None:
    line = encode("t/1", b"\xa1\x61a\x01", AT, qos=1, retain=True, dup=False, form="cbor")
    assert is_line(line)
    assert payload_of(line) == b"\xa1\x61a\x01"
    (record,) = records(line)
    own = {"_topic": "t/1", "_received_at": AT, "_retained": True, "_duplicate": False}
    assert json.loads(record) == {**own, "a": 1}


def test_cbor_maps_are_records_and_other_values_are_value() -> None:
    assert cbor({"id": 7, "mm": 12.5}) == [{"id": 7, "mm": 12.5}]
    assert cbor([{"id": 1}, {"id": 2}]) == [{"id": 1}, {"id": 2}]
    assert cbor(17.5) == [{"_value": 17.5}]
    assert cbor([]) == [{"_value": []}]
    assert cbor({1: "label of SenML"}) == [{"1": "label of SenML"}]


def test_cbor_values_become_what_json_can_carry() -> None:
    given_value = {
        "bytes": b"\x01\xff",
        "at": datetime(2026, 11, 20, tzinfo=UTC),
        "exact": Decimal("1.50"),
        "nothing": cbor2.undefined,
        "no_number": float("nan"),
        "endless": float("inf"),
        "large": 2**70,
    }
    assert cbor(given_value) == [
        {
            "bytes": "01ff",
            "at": "2026-11-20T00:00:00+00:00",
            "exact": "1.50",
            "nothing": None,
            "no_number": None,
            "endless": "inf",
            "large": str(2**70),
        }
    ]


@pytest.mark.parametrize(
    ("payload", "word"),
    [
        (b"", "not_cbor"),
        (b"\xa1\x61a", "not_cbor"),
        (b"\xa1\x61a\x01\x00", "bytes_after_end"),
        (b"\xa2\x61a\x01\x61a\x02", "duplicate_key"),
        (b"\xa2\x01\x01\x611\x02", "duplicate_key"),
        (b"\x81" * 500, "not_cbor"),
        (b"\xd8\x1c\x81\xd8\x1d\x00", "too_large"),  # a list that holds itself
        (b"\xa1\xf6\x01", "key_is_no_text"),
        (b"\xe0", "unknown_value"),
        (b"\xda\xff\xff\xff\xff\x01", "unknown_value"),
    ],
)
def test_bad_cbor_is_refused_by_its_word(payload: bytes, word: str) -> None:
    line = encode("t/1", payload, AT, qos=1, retain=False, dup=False, form="cbor")
    (record,) = records(line)
    assert refused(line, record)
    assert json.loads(record)["_problem"] == word
    assert payload_of(line) == payload


def test_a_payload_cannot_forge_what_the_hub_says() -> None:
    line = encode("t/1", cbor2.dumps({"_topic": "x"}), AT, qos=1, retain=False, dup=False, form="cbor")
    (record,) = records(line)
    assert json.loads(record)["_problem"] == "own_field"


@given(st.binary(max_size=80), st.sampled_from(["cbor", "sparkplug_b"]))
def test_any_bytes_give_records_or_one_refusal(payload: bytes, form: str) -> None:
    line = encode("spBv1.0/g/DDATA/n/d", payload, AT, qos=1, retain=False, dup=False, form=form)
    assert is_line(line)
    found = list(records(line))
    assert all(isinstance(json.loads(record), dict) for record in found)
    assert len(found) == 1 or not any(refused(line, record) for record in found)


def metric(payload: Any, datatype: str | None = None, **fields: Any) -> None:
    if datatype:
        fields["datatype"] = DATATYPES.index(datatype)
    payload.metrics.add(**fields)


def spark(payload: Any, message: str, memory: Memory | None = None, device: str = "/d") -> list[dict[str, Any]]:
    topic = f"spBv1.0/g/{message}/n{device}"
    return landed("sparkplug_b", payload.SerializeToString(), topic, memory or Memory())


def test_data_are_named_by_the_birth_even_in_a_later_delivery(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.json")
    birth = Payload(timestamp=MS, seq=0)
    metric(birth, "Float", name="level", alias=3, float_value=12.1)
    metric(birth, "Int16", name="temperature", alias=4, int_value=2**32 - 5)
    (level, temperature) = spark(birth, "DBIRTH", memory)
    assert level == {
        "group": "g",
        "node": "n",
        "device": "d",
        "message": "DBIRTH",
        "seq": 0,
        "name": "level",
        "datatype": "Float",
        "value": 12.1,
        "timestamp": "2026-11-20T08:00:00.000+08:00",
        "is_null": False,
        "is_historical": False,
    }
    assert temperature["value"] == -5
    memory.save()
    data = Payload(timestamp=MS + 1, seq=1)
    metric(data, alias=4, int_value=2**16 - 7, timestamp=MS + 500)  # the width of its own type
    (found,) = spark(data, "DDATA", Memory(tmp_path / "memory.json"))
    assert (found["name"], found["value"]) == ("temperature", -7)
    assert found["timestamp"].endswith("08:00:00.500+08:00")
    with pytest.raises(Refused, match="unknown_alias"):
        spark(data, "DDATA")


@pytest.mark.parametrize(
    ("datatype", "fields", "value"),
    [
        ("Int64", {"long_value": 2**64 - 2}, -2),
        ("UInt64", {"long_value": 2**64 - 2}, 2**64 - 2),
        ("Boolean", {"boolean_value": True}, True),
        ("String", {"string_value": "水位"}, "水位"),
        ("DateTime", {"long_value": MS}, "2026-11-20T08:00:00.000+08:00"),
        ("Bytes", {"bytes_value": b"\x00\xff"}, "00ff"),
        ("Int16Array", {"bytes_value": struct.pack("<3h", 1, -2, 3)}, [1, -2, 3]),
        ("BooleanArray", {"bytes_value": struct.pack("<IB", 3, 0b10100000)}, [True, False, True]),
        ("StringArray", {"bytes_value": b"a\x00bc\x00"}, ["a", "bc"]),
        ("Double", {"is_null": True}, None),
    ],
)
def test_values_by_their_type(datatype: str, fields: dict[str, Any], value: Any) -> None:
    payload = Payload(timestamp=MS, seq=1)
    metric(payload, datatype, name="x", **fields)
    (found,) = spark(payload, "DDATA")
    assert found["value"] == value
    assert found["is_null"] is (value is None)


def test_a_data_set_is_a_list_of_rows() -> None:
    payload = Payload(timestamp=MS, seq=1)
    made = payload.metrics.add(name="table", datatype=DATATYPES.index("DataSet"))
    made.dataset_value.columns.extend(["id", "t"])
    made.dataset_value.types.extend([DATATYPES.index("UInt32"), DATATYPES.index("Int8")])
    row = made.dataset_value.rows.add()
    row.elements.add(int_value=7)
    row.elements.add(int_value=255)
    (found,) = spark(payload, "NDATA", device="")
    assert found["value"] == [{"id": 7, "t": -1}]
    assert found["device"] is None


def test_a_death_is_told_without_metrics() -> None:
    (found,) = spark(Payload(timestamp=MS, seq=9), "DDEATH")
    assert (found["message"], found["name"]) == ("DDEATH", None)


@pytest.mark.parametrize(
    ("topic", "payload", "word"),
    [
        ("spBv1.0/STATE/host", b"{}", "not_sparkplug"),
        ("spBv1.0/g/DDATA/n", b"\x08\x01", "not_sparkplug"),
        ("spBv1.0/g/NCMD/n", b"\x08\x01", "command"),
        ("spBv1.0/g/NDATA/n", b"", "not_sparkplug"),
        ("spBv1.0/g/NDATA/n", b"\xff" * 9, "not_sparkplug"),
        ("spBv1.0/g/NDATA/n", b'{"json": 1}', "not_sparkplug"),
    ],
)
def test_what_is_no_sparkplug_is_refused(topic: str, payload: bytes, word: str) -> None:
    with pytest.raises(Refused, match=word):
        landed("sparkplug_b", payload, topic, Memory())
