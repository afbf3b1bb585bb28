"""A line of the spool keeps the payload; a landing record can always be read in bulk."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.envelope import encode, is_line, payload_of, records, refused

AT = "2026-11-20T08:00:00.000+08:00"


def spooled(payload: bytes, topic: str = "t/1") -> bytes:
    return encode(topic, payload, AT, qos=1, retain=False, dup=True)


def test_the_line_is_an_envelope_around_the_payload_as_sent() -> None:
    line = spooled(b'{"v": 1.10, "n": 12345678901234567890.123}')
    assert json.loads(line) == {
        "topic": "t/1",
        "received_at": AT,
        "qos": 1,
        "retain": False,
        "dup": True,
        "payload": {"v": 1.10, "n": 12345678901234567890.123},
    }
    assert list(records(line)) == [
        b'{"_topic":"t/1","_received_at":"' + AT.encode() + b'","_retained":false,"_duplicate":true,'
        b'"v": 1.10, "n": 12345678901234567890.123}'
    ]


def test_a_payload_over_several_lines_stays_one_line() -> None:
    line = spooled(b'{\r\n "v": "a\\nb"\r\n}')
    assert line.count(b"\n") == 1
    (record,) = records(line)
    assert json.loads(record)["v"] == "a\nb"


def test_an_array_of_readings_becomes_one_record_each() -> None:
    found = [json.loads(record) for record in records(spooled(b'[ {"v":1} , {"v":2}, {} ]'))]
    assert [item.get("v") for item in found] == [1, 2, None]
    assert all(item["_topic"] == "t/1" for item in found)


@pytest.mark.parametrize("payload", [b"17.5", b'"x"', b"null", b"[1,2]", b"[]", b'[{"a":1},2]'])
def test_a_bare_value_lands_as_value(payload: bytes) -> None:
    (record,) = records(spooled(payload))
    assert json.loads(record)["_value"] == json.loads(payload)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\xfe", b'{"a":1', b'{"a":01}', b'\xef\xbb\xbf{"a":1}', b'{"a":1,"a":2}',
     b'{"_topic":"forged"}', b'{"a":"\\ud800"}', b'[{"a":1,"a":2}]',
     b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", b"[" * 100_000],
)  # fmt: skip
def test_what_a_bulk_reader_refuses_lands_as_refused_and_whole(payload: bytes) -> None:
    line = spooled(payload)
    assert is_line(line)
    (record,) = records(line)
    assert refused(line, record)
    landed = json.loads(record)
    assert landed["_problem"] in {"not_json", "not_plain_json"}
    assert landed["topic"] == landed["_topic"] == "t/1"
    assert b64decode(landed["_frame"]) == payload_of(line) == payload


def test_a_field_that_a_device_calls_problem_is_a_field_like_others() -> None:
    line = spooled(b'{"_problem": "pump", "_frame": 1}')
    (record,) = records(line)
    assert not refused(line, record)
    assert json.loads(record)["_problem"] == "pump"


@given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode), st.text(max_size=20))
def test_any_message_is_one_whole_line_with_at_least_one_record(payload: bytes, topic: str) -> None:
    line = spooled(payload, topic)
    assert is_line(line)
    assert line.count(b"\n") == 1
    assert list(records(line))
    assert payload_of(line) == payload or json.loads(payload_of(line)) == json.loads(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, min_size=1, max_size=20))
def test_every_landed_record_can_be_read_in_bulk(
    tmp_path_factory: pytest.TempPathFactory, values: list[object]
) -> None:
    lines = [
        spooled(json.dumps(value, ensure_ascii=index % 2 == 0).encode("utf-8", "surrogatepass"))
        for index, value in enumerate(values)
    ]
    landed = [record for line in lines for record in records(line) if not refused(line, record)]
    file: Path = tmp_path_factory.mktemp("landed") / "part.ndjson"
    file.write_bytes(b"\n".join(landed))
    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT count(*), count(_topic) FROM read_json('{file}', format='newline_delimited', "
            "columns={'_topic': 'VARCHAR', 'v': 'VARCHAR'})"
        ).fetchone()
    assert rows == (len(landed), len(landed))
