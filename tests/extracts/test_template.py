"""Templates: an upper level's words for ours, and nothing that was guessed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from cityhub.errors import Stop, Usage
from extracts import sign
from extracts.datasets import DATASETS
from extracts.push import template as templates
from extracts.push.signature import headers
from extracts.push.template import Template
from extracts.push.translate import Unmapped, record, wanted
from tests.extracts.shelf import Row, Shelf, value

HEAD: dict[str, Any] = {"target": "x", "title": {"zh": "某", "en": "x"}, "confidence": "test", "address": "a"}
ROW = value("SAN-01", "jincheng", 87.123456) | {"status": "final", "revision": 3}


def made(fields: dict[str, Any], **more: Any) -> Template:
    return Template.model_validate(HEAD | {"datasets": {"indicator_value": {"path": "/v", "fields": fields}}} | more)


def field(rule: dict[str, Any], row: Row = ROW, *, measure: str | None = "%", **more: Any) -> Any:
    return record(made({"f": rule}, **more), "indicator_value", "insert", row, measure)["f"]


MEASURES = {"measures": {"%": {"to": "1", "times": "0.01"}, "km": {"to": "m", "times": "1000"}}}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"from": "value"}, 87.123456),
        ({"from": "value", "places": 2}, "87.12"),
        ({"from": "value", "places": 2, "as": "number"}, 87.12),
        ({"from": "value", "as": "text"}, "87.123456"),
        ({"from": "value", "convert": True}, "0.87123456"),
        ({"from": "value", "convert": True, "places": 3}, "0.871"),
        ({"from": "measure", "convert": True}, "1"),
        ({"from": "measure"}, "%"),
        ({"from": "period", "remove": "-"}, "202611"),
        ({"from": "unit", "list": "units"}, "410221001"),
        ({"from": "status", "codes": "s"}, "1"),
        ({"from": "numerator"}, None),
        ({"from": "numerator", "convert": True}, None),
        ({"from": "revision", "as": "number"}, 3),
        ({"const": "410221"}, "410221"),
    ],
)
def test_a_field_upward(rule: dict[str, Any], expected: object) -> None:
    assert field(rule, **MEASURES, codes={"s": {"final": "1"}}) == expected


@pytest.mark.parametrize(
    ("number", "places", "expected"),
    [("0.125", 2, "0.13"), ("-0.125", 2, "-0.13"), ("1e-7", 6, "0.000000"), ("2", 0, "2")],
)
def test_numbers_are_rounded_half_up_in_decimal(number: str, places: int, expected: str) -> None:
    assert field({"from": "value", "places": places}, ROW | {"value": float(number)}) == expected


def test_a_score_is_text_and_stays_exact() -> None:
    rule = {"ranking": {"path": "/r", "fields": {"zf": {"from": "score"}, "z2": {"from": "score", "places": 2}}}}
    row = {"period": "2026-11", "score": "87.33499999999999999999"}
    found = record(Template.model_validate(HEAD | {"datasets": rule}), "ranking", "insert", row, None)
    assert (found["zf"], found["z2"]) == ("87.33499999999999999999", "87.33")


@pytest.mark.parametrize(
    ("rule", "row", "measure", "said"),
    [
        ({"from": "unit", "list": "units"}, ROW | {"unit": "juji"}, "%", "unit 'juji': not in the list units"),
        ({"from": "status", "codes": "s"}, ROW | {"status": "provisional"}, "%", "status 'provisional'"),
        ({"from": "value", "convert": True}, ROW, "亩", "measure '亩'"),
        ({"from": "value", "convert": True}, ROW, None, "measure None"),
        ({"from": "numerator", "required": True}, ROW, "%", "numerator None"),
    ],
)
def test_what_has_no_word_upward_is_said(rule: dict[str, Any], row: Row, measure: str | None, said: str) -> None:
    with pytest.raises(Unmapped) as caught:
        field(rule, row, measure=measure, **MEASURES, codes={"s": {"final": "1"}})
    assert said in str(caught.value)


def test_a_code_that_is_not_sure_enough_stays_until_the_template_takes_it() -> None:
    row = ROW | {"unit": "0102", "period": "2020-01"}  # derived, for the matters of 2013
    rule = {"from": "unit", "list": "classes_2013", "kind": "matter"}
    with pytest.raises(Unmapped, match="its code in the list classes_2013 is derived, less sure than seen-1"):
        field(rule, row)
    assert field(rule, row, min_confidence="derived") == "0102"
    assert field(rule | {"min_confidence": "memory"}, row) == "0102"
    with pytest.raises(Unmapped, match=r"less sure than seen$"):
        field({"from": "unit", "list": "units"}, min_confidence="seen")


def test_parts_and_matters_of_one_code_are_told_apart_by_their_kind() -> None:
    row = ROW | {"unit": "06010"}
    assert field({"from": "unit", "list": "classes_2026", "kind": "matter"}, row) == "06010"
    with pytest.raises(Unmapped, match="not in the list"):
        field({"from": "unit", "list": "classes_2026", "kind": "part"}, row)


def test_a_column_may_say_whether_a_code_is_a_part_or_a_matter() -> None:
    rule = {"from": "unit", "list": "classes_2026", "kind_from": "state"}
    assert field(rule, ROW | {"unit": "06010", "state": "matter"}) == "06010"
    with pytest.raises(Unmapped, match="not in the list"):
        field(rule, ROW | {"unit": "06010", "state": "part"})


def test_our_words_go_up_as_the_class_that_somebody_read_them_as() -> None:
    rule = {"detail_asset_event": {"path": "/e", "fields": {"c": {"from": "class", "words": "mun_event.class"}}}}
    template = Template.model_validate(HEAD | {"datasets": rule})

    def told(word: str, **more: Any) -> Any:
        row = {"class": word, "period": "2026-11", "service_day": "2026-11-03"} | more
        return record(template, "detail_asset_event", "insert", row, None)["c"]

    assert told("road") == "06013"
    with pytest.raises(Unmapped, match="class 'pump': its class 01072 is derived, less sure than seen-1: a pumping"):
        told("pump")
    with pytest.raises(Unmapped, match="class 'pipe': bursts and leaks have no class"):
        told("pipe")
    with pytest.raises(Unmapped, match="nobody said its class on its day"):
        told("road", period="2026-06", service_day="2026-06-30")
    with pytest.raises(Unmapped, match="nobody said its class"):
        told("balloon")


def test_a_missing_value_stays_missing() -> None:
    assert field({"from": "value", "convert": True, "places": 2}, ROW | {"value": None}, **MEASURES) is None


def test_a_delete_names_the_key_in_the_words_of_the_target() -> None:
    template = made({"dw": {"from": "unit", "list": "units"}, "z": {"from": "value"}, "sys": {"const": "Q"}},
                    body={"op_at": "cz", "ops": {"insert": "A", "revise": "U", "delete": "D"}})  # fmt: skip
    key = {"period": "2026-11", "code": "A", "unit": "jincheng"}
    assert record(template, "indicator_value", "delete", key, None) == {"cz": "D", "dw": "410221001", "sys": "Q"}


def test_rows_are_chosen_and_left_out() -> None:
    chosen = {"path": "/v", "fields": "all", "where": {"period_kind": ["month"]}, "leave_out": {"unit": ["cgj", "*:*"]}}
    rule = made({}, datasets={"indicator_value": chosen}).datasets["indicator_value"]
    assert wanted(rule, ROW)
    assert not wanted(rule, ROW | {"unit": "cgj"})
    assert not wanted(rule, ROW | {"unit": "road:1"})
    assert not wanted(rule, ROW | {"period_kind": "day"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"datasets": {"nothing": {"path": "/", "fields": "all"}}}, "no dataset nothing"),
        ({"datasets": {"ranking": {"path": "/", "fields": {"a": {"from": "colour"}}}}}, "no column colour"),
        (
            {"datasets": {"ranking": {"path": "/", "fields": {"a": {"from": "unit", "codes": "u"}}}}},
            "no table of codes u",
        ),
        (
            {"datasets": {"ranking": {"path": "/", "fields": {"a": {"from": "unit", "list": "u"}}}}},
            "no list of codes u",
        ),
        (
            {"datasets": {"ranking": {"path": "/", "fields": {"a": {"from": "score", "convert": True}}}}},
            "no indicators",
        ),
        ({"datasets": {"ranking": {"path": "/", "fields": {"a": {}}}}}, "one of them"),
        ({"datasets": {}, "colour": "red"}, "colour"),
        ({"datasets": {}, "target": "y"}, "target is y"),
    ],
)
def test_a_wrong_template_says_what_is_wrong(tmp_path: Path, content: dict[str, Any], said: str) -> None:
    from ruamel.yaml import YAML

    with (tmp_path / "x.yaml").open("w") as file:
        YAML().dump(HEAD | content, file)
    with pytest.raises(Usage) as caught:
        templates.parse(tmp_path / "x.yaml")
    assert caught.value.code == "CH-PUSHUP-002"
    assert said in str(caught.value)


def test_the_templates_that_come_along_are_right() -> None:
    for path in templates.FOLDER.glob("*.yaml"):
        found = templates.parse(path)
        assert found.confidence == "invented"  # no interface document of a real upper level was at hand


def test_a_template_that_there_is_not_is_named_with_those_that_there_are() -> None:
    with pytest.raises(Usage) as caught:
        templates.read("nowhere")
    assert (caught.value.code, "example-city" in str(caught.value)) == ("CH-PUSHUP-001", True)


@pytest.fixture
def secrets(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setenv("CITYHUB_K", "app-7")
    monkeypatch.setenv("CITYHUB_S", "secret-of-ours")
    monkeypatch.setenv("CITYHUB_NOW", "2026-12-01T08:00:00+08:00")
    return shelf


TIME = "1796083200000"
BODY = b'{"data":[]}'


def signed(shelf: Shelf, **rule: Any) -> dict[str, str]:
    sign_ = {"kind": "signed", "headers": {"X-Sign": "{signature}", "X-Key": "{key}", "X-Time": "{time}"}} | rule
    return headers(shelf.settings, made({}, sign=sign_), "POST", "/v", BODY)


def test_signatures_are_those_that_the_other_side_can_make(secrets: Shelf) -> None:
    digest = hashlib.sha256(BODY).hexdigest()
    both = {"key": "k", "secret": "s"}
    text = "{key}{time}{body_sha256}{secret}"
    plain = f"app-7{TIME}{digest}secret-of-ours".encode()
    sm3 = hashes.Hash(hashes.SM3())
    sm3.update(plain)
    assert signed(secrets, text=text, hash="sha256", **both) == {
        "X-Sign": hashlib.sha256(plain).hexdigest(), "X-Key": "app-7", "X-Time": TIME
    }  # fmt: skip
    assert signed(secrets, text=text, hash="md5", **both)["X-Sign"] == hashlib.md5(plain).hexdigest()
    assert signed(secrets, text=text, hash="sm3", **both)["X-Sign"] == sm3.finalize().hex()
    mac = hmac.digest(b"secret-of-ours", f"POST/v{TIME}".encode(), hashlib.sha256)
    found = signed(secrets, text="{method}{path}{time}", hash="hmac_sha256", encoding="base64", **both)
    assert found["X-Sign"] == base64.b64encode(mac).decode()
    pair = sign.signer(secrets.settings)
    made_ = bytes.fromhex(signed(secrets, text="{body_sha256}", hash="ed25519")["X-Sign"])
    assert sign.verify(digest.encode(), made_, pair.public)


def test_a_bearer_token_is_a_secret_by_name(secrets: Shelf) -> None:
    template = made({}, sign={"kind": "bearer", "token": "s"})
    assert headers(secrets.settings, template, "POST", "/v", BODY) == {"Authorization": "Bearer secret-of-ours"}
    with pytest.raises(Stop) as caught:
        headers(secrets.settings, made({}, sign={"kind": "bearer", "token": "t"}), "POST", "/v", BODY)
    assert caught.value.code == "CH-CONF-001"


def test_a_name_in_a_signature_that_there_is_not_is_named(secrets: Shelf) -> None:
    with pytest.raises(Usage) as caught:
        signed(secrets, text="{nonce}", hash="sha256")
    assert (caught.value.code, "nonce" in str(caught.value)) == ("CH-PUSHUP-002", True)


def test_every_dataset_can_go_up_as_it_is() -> None:
    rules = {name: {"path": f"/{name}", "fields": "all"} for name in DATASETS}
    assert set(Template.model_validate(HEAD | {"datasets": rules}).datasets) == set(DATASETS)
