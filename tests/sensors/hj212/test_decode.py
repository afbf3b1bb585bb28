"""One line in, one object out: what the encoder made, what devices really send, and anything at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhub.settings import REPOSITORY
from sensors.hj212 import encode
from sensors.hj212.decode import MESSAGES, decode_line
from tests.sensors.hj212.frames import dust, factor_maps, flagged, header, headers, messages, plain


@pytest.fixture(scope="module")
def vectors() -> dict:
    file = Path(os.environ.get("CITYHUB_SHARED") or REPOSITORY.parent / "shared") / "vectors" / "hj212.json"
    if not file.exists():
        pytest.skip("CITYHUB_SHARED/vectors is absent")
    return json.loads(file.read_text())


def test_every_public_vector(vectors):
    for vector in vectors["vectors"]:
        result = decode_line(vector["raw"] + vector["terminator"])
        if not vector["crc_valid"]:
            assert result["error"]["code"] == "bad_checksum", vector["id"]
            continue
        assert {key: result[key] for key in vector["expected"]} == vector["expected"], vector["id"]
        assert (result["crc_variant"], result["length_valid"]) == (vector["crc_variant"], vector["length_valid"])


def test_the_standards_own_examples(vectors):
    for example in vectors["annex_c_segments"]:
        result = decode_line(example["computed_frame"])
        assert {key: result[key] for key in example["expected"]} == example["expected"]


@given(headers, plain, factor_maps)
def test_what_the_encoder_made_is_read_back(head, cp, factors):
    result = decode_line(encode.message(head, cp, factors).decode())
    assert result["ok"], result
    assert (result["header"], result["factors"]) == (head, factors)
    assert result["cp"] == dict(cp.items())
    assert (result["crc_variant"], result["length_valid"]) == ("hj212", True)


@given(st.text() | messages.map(lambda frame: frame.decode()))
def test_any_text_gives_an_object_that_can_be_printed(text):
    result = decode_line(text)
    json.dumps(result).encode()
    assert result["ok"] or (
        result["error"]["code"] in MESSAGES
        and 0 <= result["error"]["offset"] <= len(text.encode("utf-8", "replace")) + 6
    )


@given(messages, st.data())
def test_a_changed_byte_is_always_noticed(frame, data):
    body = bytearray(frame[:-2])
    at = data.draw(st.integers(6, len(body) - 5))
    body[at] = data.draw(st.integers(0x20, 0x7E).filter(lambda byte: byte != body[at]))
    result = decode_line(bytes(body).decode("utf-8", "surrogateescape"))
    assert not result["ok"] or result["crc_variant"] != "hj212"


@pytest.mark.parametrize("end", ["", "\r\n", "\n", "\\r\\n", "\\r\\n\r\n", "  "])
def test_line_ends_real_or_written(end):
    assert decode_line(dust().decode().rstrip() + end)["ok"]


@pytest.mark.parametrize(
    ("line", "code", "offset"),
    [
        ("", "empty", 0),
        ("QN=1;CP=&&&&", "not_a_frame", 0),
        ("##1", "bad_length", 2),
        ("##12a4QN=1;CP=&&&&0000", "bad_length", 2),
        (dust().decode()[:100], "truncated", 100),
        (dust().decode().replace("=70,", "=71,"), "bad_checksum", len(dust()) - 6),
        (dust().decode()[:-2] + "x", "trailing_bytes", len(dust()) - 2),
        (dust().decode()[:-2] * 2, "trailing_bytes", len(dust()) - 2),
        (flagged("QN=1;MN=2").decode(), "bad_segment", 15),
        (flagged("QN=1;MN=2;CP=&&a=1").decode(), "bad_segment", 24),
        (flagged("CP=&&&&").decode(), "bad_segment", 6),
    ],
)
def test_refusals_say_why_and_where(line, code, offset):
    error = decode_line(line)["error"]
    assert (error["code"], error["offset"]) == (code, offset)
    assert error["message"]


def test_quirks_of_devices():
    segment = (
        "qn=20261101080000;st=39;cn=2011;pw=;mn=M1;CP=&&DataTime=20401101080000;LA-Rtd-Rtd=50;PM25-Rtd=null;TEM=7;&&"
    )
    result = decode_line(flagged(segment).decode())
    assert result["header"] == {"QN": "20261101080000", "ST": "39", "CN": "2011", "PW": "", "MN": "M1"}
    assert result["flag"] is None
    assert result["cp"] == {"DataTime": "20401101080000", "TEM": "7"}
    assert result["factors"] == {"LA": {"Rtd-Rtd": "50"}, "PM25": {"Rtd": "null"}}


def test_text_in_gb_18030_is_read():
    frame = encode.frame("MN=1;CN=3020;CP=&&i11001-Info=//清洗管路//&&".encode("gb18030"))
    assert decode_line(frame.decode("utf-8", "surrogateescape"))["factors"] == {"i11001": {"Info": "//清洗管路//"}}


def test_a_length_in_characters_instead_of_bytes_is_noted():
    segment = encode.segment(header(CN="3020"), "DataTime=20261101080000;i11001-Info=//清洗管路//")
    result = decode_line(encode.frame(segment, declared=len(segment.decode())).decode())
    assert (result["ok"], result["length_valid"]) == (True, False)
