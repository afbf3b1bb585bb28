"""What a draft guesses, what it leaves to a person, and what it never writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cityhub.draft.compose import compose
from cityhub.draft.personal import guess, invented, is_id_number
from cityhub.draft.sample import Sample
from cityhub.draft.values import look, unit_in
from cityhub.draft.words import load, plain
from cityhub.secrets import redact
from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.read import read_good
from connectors.look.envelope import paging
from connectors.look.files import look as look_at_file
from tests.register.conftest import put_secret
from tests.register.desk import Desk
from tests.register.unseen import trees
from tests.sandbox.cities import DAY as TODAY
from tests.servers.http import Answer, Request, as_json, vendor

WORDS = load(REPOSITORY / "feeds")


@pytest.mark.parametrize(
    ("name", "texts", "type_", "form"),
    [
        ("cjsj", ["2026-11-20 08:00:00", "2026-11-20 08:05:00"], "timestamp", "iso"),
        ("cjsj", ["2026/1/2 8:00", "2026/1/3 12:30"], "timestamp", "iso"),
        ("时间", ["2026年11月20日 8时30分"], "timestamp", "iso"),
        ("rq", ["2026-11-20"], "date", "iso"),
        ("DataTime", ["20261120080000", "20261120081000"], "timestamp", "compact"),
        ("rq", ["20261120"], "date", "compact"),
        ("ts", ["1795132800", "1795132860"], "timestamp", "epoch_s"),
        ("sj", ["1795132800000"], "timestamp", "epoch_ms"),
        ("time", ["11/20/2026 08:00:00 AM"], "timestamp", "us"),
        ("安装日期", ["46346.5", "46347"], "timestamp", "excel"),
        ("bh", ["20261120"], "text", "iso"),
        ("code", ["01", "02"], "text", "iso"),
        ("phone", ["13800138000"], "text", "iso"),
        ("yl", ["0.2", "0.25", "--", "无数据"] + ["0.3"] * 8, "double", "iso"),
        ("sfyx", ["0", "1"], "boolean", "iso"),
        ("x", ["是", "否"], "boolean", "iso"),
    ],
)
def test_types_and_time_formats(name: str, texts: list[str | None], type_: str, form: str) -> None:
    found = look(name, texts)
    assert (found.type, found.format) == (type_, form)


def test_words_for_nothing_and_units_are_found() -> None:
    assert look("yl", [*["0.3"] * 20, "无", "缺测"]).odd == ("无", "缺测")
    assert [unit_in(name) for name in ("净重(kg)", "压力（MPa）", "yl_mpa", "面积(亩)", "name", "t")] == [
        "kg", "MPa", "MPa", "mu", None, None,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["车牌号", "车牌", "CPH", "cphm", "plateNo", "plate_no", "PLATE-NO", "licensePlate"])
def test_vendors_names_of_a_plate_are_one(name: str) -> None:
    found = WORDS.find(name, look(name, ["豫B12345"]))
    assert found is not None
    assert found.name == "plate_no"


@pytest.mark.parametrize(
    ("name", "values", "ours"),
    [
        ("YL", ["900", "950"], "pressure_kpa"),
        ("yl_mm", ["3"], "rain_mm"),
        ("WD", ["34.5"], "lat"),
        ("SD", ["42"], "speed_kmh"),
    ],
)
def test_an_ambiguous_name_is_decided_by_values_and_unit(name: str, values: list[str | None], ours: str) -> None:
    found = WORDS.find(name, look(name, values))
    assert found is not None
    assert found.name == ours


def test_a_temperature_is_no_latitude_where_no_longitude_stands_beside_it() -> None:
    fields = drafted([{"id": str(n), "WD": 21.5 + n} for n in range(5)])["fields"]
    assert "temp_c" in fields
    assert "lat" not in fields


def test_the_list_is_readable_and_large_enough() -> None:
    assert len(WORDS.names) >= 150
    assert len({word.name for word in WORDS.names}) == len(WORDS.names)
    assert plain("Plate_No ") == plain("PLATE-NO")


def drafted(rows: list[dict[str, Any]]) -> dict[str, Any]:
    source = {"kind": "rest", "address": "http://127.0.0.1/a"}
    return compose("muck.trial", Sample(source, tuple(rows), "trial"), WORDS, None).data


def test_swapped_coordinates_are_read_crosswise() -> None:
    fields = drafted([{"id": str(n), "jd": 34.5 + n / 100, "wd": 114.7} for n in range(5)])["fields"]
    assert (fields["lon"]["from"], fields["lat"]["from"]) == ("wd", "jd")


def test_millionths_of_a_degree_are_scaled() -> None:
    fields = drafted([{"id": str(n), "lng": 114700000 + n, "lat": 34500000} for n in range(5)])["fields"]
    assert (fields["lon"]["unit"], fields["lon"]["to"]) == ("1e-6deg", "deg")


def test_a_weight_a_thousand_times_too_large_is_in_kilograms() -> None:
    fields = drafted([{"磅单号": str(n), "净重": 12000 + n} for n in range(9)])["fields"]
    assert (fields["net_t"]["unit"], fields["net_t"]["to"], fields["net_t"]["type"]) == ("kg", "t", "decimal")


def test_persons_are_recognised_and_replaced() -> None:
    assert is_id_number("11010519491231002X")
    assert not is_id_number("110105194912310021")
    assert guess("lxfs", ["13800138000", "13900139000"]) == "mobile number"
    assert guess("simNo", ["13800138000"]) is None
    assert "138" not in invented("13800138000", 3)
    assert invented("欧阳某某", 1) != "欧阳某某"


@pytest.mark.parametrize(
    ("answer", "typed", "expected"),
    [
        ({"data": {"total": 900, "list": []}}, {"pageNo": "1", "pageSize": "10"}, ("page", "pageNo", None)),
        ({"totalCount": 900, "result": []}, {"offset": "0", "limit": "10"}, ("offset", "offset", None)),
        ({"data": [], "nextCursor": "abc"}, {"limit": "10"}, ("cursor", "cursor", None)),
        ({"d": {"list": [], "more": "Y"}, "idx": "40"}, {"idx": "0"}, ("cursor", "idx", ["Y"])),
        ({"rows": [], "hasNext": True}, {"page": "0", "size": "10"}, ("page", "page", ["true"])),
        ({"rows": [], "isLast": False}, {"page": "1"}, ("page", "page", ["false"])),
        ({"rows": []}, {}, ("none", None, None)),
    ],
)
def test_pagings_are_told_apart(answer: Any, typed: dict[str, str], expected: tuple[Any, ...]) -> None:
    found, _ = paging(answer, typed, 10)
    param = found.get("page_param") or found.get("offset_param") or found.get("cursor_param")
    assert (found["kind"], param, found.get("more")) == expected


def test_a_file_with_title_rows_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    path = trees(tmp_path)
    path.write_bytes("某县调查表;;\r\n\r\n".encode("gb18030") + path.read_bytes())
    source = look_at_file(str(path), None, TODAY, feed="landscaping.old_tree", known={}).source
    assert source["pattern"] == "gushu_{day_compact}.csv"
    assert {key: source[key] for key in ("encoding", "delimiter", "decimal", "header_row")} == {
        "encoding": "gb18030", "delimiter": ";", "decimal": ",", "header_row": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "http://u:geheim99@127.0.0.1:1/a",
        "http://127.0.0.1:1/a?token=geheim99",
        "mysql+pymysql://u:geheim99@127.0.0.1/x#t",
    ],
)
def test_a_secret_in_the_address_is_refused_and_written_nowhere(desk: Desk, settings: Settings, address: str) -> None:
    said = desk.run("feed", "draft", address, "--feed", "gas.trial", exit_code=2)
    assert "CH-DRAFT-002" in said
    assert "gas_password" in said
    assert "geheim99" not in said + redact("geheim99")
    assert not list(settings.feeds.rglob("*.yaml"))


def test_named_secrets_are_used_and_not_written(desk: Desk, settings: Settings) -> None:
    put_secret(settings, "trial_token", "geheim-4711")

    def answer(request: Request) -> Answer:
        good = request.headers.get("authorization") == "Bearer geheim-4711"
        return as_json({"data": [{"id": "1", "v": 2}]}) if good else as_json({"msg": "no"}, status=401)

    with vendor(answer) as platform:
        path = desk.draft(f"{platform.address}/a", "--feed", "gas.trial", "--token", "trial_token")
    text = path.read_text(encoding="utf-8")
    assert "auth: {kind: bearer, token: trial_token}" in text
    assert "geheim" not in text


def test_a_draft_is_not_used_and_not_replaced_by_accident(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    source = str(trees(tmp_path))
    path = desk.draft(source, "--feed", "landscaping.old_tree")
    assert read_good(settings.feeds) == ({}, [])
    before = path.read_text(encoding="utf-8")
    assert "CH-DRAFT-007" in desk.run("feed", "draft", source, "--feed", "landscaping.old_tree", exit_code=2)
    assert path.read_text(encoding="utf-8") == before
    desk.run("feed", "draft", source, "--feed", "landscaping.old_tree", "--force")


def test_a_draft_with_todo_is_no_spec_even_among_the_feeds(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    path = desk.draft(str(trees(tmp_path)), "--feed", "landscaping.old_tree")
    live = settings.feeds / path.name
    path.rename(live)
    specs, errors = read_good(settings.feeds)
    assert specs == {}
    assert [error.code for error in errors] == ["CH-FEED-006"]
    assert errors[0].place["line"] > 1


def test_records_that_the_draft_would_refuse_are_counted(desk: Desk, tmp_path: Path) -> None:
    made = json.loads(desk.run("feed", "draft", str(trees(tmp_path)), "--feed", "landscaping.old_tree", "--json"))
    assert made["refused"] == {"not_a_number in dbh_cm": 1}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nowhere_*.csv",), "CH-DRAFT-004"),
        (("a.csv", "--template", "gas.pressur"), "CH-DRAFT-001"),
        (("a.csv", "--feed", "Gas Pressure"), "CH-DRAFT-008"),
        (("sqlite:///{db}",), "CH-DRAFT-005"),
    ],
)
def test_mistakes_of_the_command_say_what_to_type(
    desk: Desk, tmp_path: Path, words: tuple[str, ...], code: str
) -> None:
    database = tmp_path / "x.sqlite"
    database.write_bytes(b"")
    first = words[0].format(db=database)
    address = first if "://" in first else str(tmp_path / first)
    said = desk.run("feed", "draft", address, *words[1:], exit_code=2)
    assert code in said
