"""Codes of the standards: looked up for a day, cut by their widths, and never guessed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cityhub.errors import Usage
from extracts.codes import identifier, lists
from extracts.codes.check import Finding, Used, check, judge
from tests.scoring.county import County

NOW, BEFORE = date(2026, 11, 20), date(2026, 6, 30)


def found(name: str, value: str, *, kind: str | None = None, day: date = NOW) -> list[tuple[str, str, str | None]]:
    findings = judge(name, name, [Used(value, kind, 3, day)])
    return [(item.problem, item.value, item.instead) for item in findings]


@pytest.mark.parametrize("name", lists.NAMES)
def test_a_list_is_read_and_says_how_sure_it_is(name: str) -> None:
    codes = lists.read(name).codes
    assert codes
    assert {item.confidence for item in codes} <= set(lists.CONFIDENCE)


def test_a_division_is_what_it_was_on_the_day() -> None:
    def name(code: str, day: date) -> str | None:
        known = lists.find("divisions", code, day)
        return known.name if known else None

    assert (name("410205", date(2004, 1, 1)), name("410205", NOW)) == ("南关区", "禹王台区")
    assert (name("410224", date(2014, 12, 30)), name("410224", date(2014, 12, 31))) == ("开封县", None)
    assert (name("410212", date(2014, 12, 30)), name("410212", date(2014, 12, 31))) == (None, "祥符区")


def test_every_unit_with_a_code_names_a_division_that_is_in_force() -> None:
    for item in lists.read("units").codes:
        assert lists.find("divisions", item.name, NOW), item


def test_every_former_class_stands_in_the_older_list_with_its_name() -> None:
    for item in lists.read("classes_2026").codes:
        if item.former:
            assert [old.name for old in lists.of("classes_2013", item.former) if old.kind == item.kind] == [item.name]


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("{code: '1', name: b, confidence: seen}", "1 stands twice"),
        ("{code: '2', name: b, confidence: sure}", "confidence is one of"),
        ("{code: 2, name: b, confidence: seen}", "are texts"),
        ("{code: '2', name: b, confidence: seen, from: 2020-01-01, to: 2020-01-01}", "ends before it begins"),
        ("{code: '2', name: b, confidence: seen, colour: red}", "colour"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(tmp_path: Path, row: str, detail: str) -> None:
    file = tmp_path / "x.yaml"
    head = "list: x\ntitle: {zh: x, en: x}\nstandard: x\nentries:\n  - {code: '1', name: a, confidence: seen}\n"
    file.write_text(f"{head}  - {row}\n", encoding="utf-8")
    with pytest.raises(Usage) as caught:
        lists.parse(file)
    assert caught.value.code == "CH-CODE-002"
    assert detail in str(caught.value)


def test_identifiers_are_cut_by_the_widths_of_their_standard() -> None:
    cut = {name: layout.cut for name, layout in identifier.layouts().items()}
    assert cut["unit_grid"]("410221001001003") == {
        "county": "410221",
        "street": "001",
        "community": "001",
        "serial": "003",
    }
    assert cut["part_2026"]("41022106010000007") == {"county": "410221", "class": "06010", "serial": "000007"}
    assert cut["part_2013"]("4102210101000007") == {"county": "410221", "class": "0101", "serial": "000007"}
    assert cut["matter_2026"]("41022106010") == {"county": "410221", "class": "06010"}
    assert cut["event_2013"]("4102210102") == {"county": "410221", "class": "0102"}


@pytest.mark.parametrize("layout", identifier.layouts().values(), ids=list(identifier.layouts()))
def test_an_identifier_of_another_length_is_none(layout: identifier.Layout) -> None:
    width = sum(part for _, part in layout.parts)
    assert layout.cut("1" * width) is not None
    assert layout.cut("1" * (width - 1)) is None
    assert layout.cut("1" * (width + 1)) is None
    assert layout.cut("1" * width + "\n") is None


def test_a_class_belongs_to_its_kind_and_its_day() -> None:
    assert found("enf_case_class", "06010", kind="matter") == []
    assert found("enf_case_class", "06010", kind="part") == [("unknown", "part 06010", None)]
    assert found("enf_case_class", "06010", kind="matter", day=BEFORE) == [("retired", "matter 06010", None)]
    assert found("enf_case_class", "0102", kind="matter", day=BEFORE) == []
    assert found("enf_case_class", "0102", kind="matter") == [("retired", "matter 0102", "06010")]
    assert found("enf_case_class", "0612", kind="matter") == [("unknown", "matter 0612", None)]


def test_a_grid_lies_in_a_street_that_is_known() -> None:
    assert found("enf_case_grid", "410221001001003") == []
    assert found("enf_case_grid", "410221002001003") == [("unknown", "410221002", None)]
    assert found("enf_case_grid", "410224001001003") == [("retired", "410224", None)]
    assert found("enf_case_grid", "4102210010010") == [("malformed", "4102210010010", None)]


def test_a_part_is_read_by_the_generation_of_its_length() -> None:
    assert found("mun_asset_code", "4102210101000001", day=BEFORE) == []
    assert found("mun_asset_code", "4102210101000001") == [("retired", "part 0101", None)]
    assert found("mun_asset_code", "4102210103") == [("malformed", "4102210103", None)]


def test_one_finding_a_problem_counts_the_rows_of_all_its_values() -> None:
    values = [Used(f"410221002001{n:03d}", None, n, NOW if n == 2 else BEFORE) for n in (1, 2, 3)]
    assert judge("enf_case_grid", "c", values) == [Finding("c", "410221002", "unknown", "divisions", 6, NOW)]


def test_units_of_the_warehouse_without_a_division_are_findings(tmp_path: Path) -> None:
    county = County(tmp_path)
    answer = check(county.settings, NOW)
    assert answer.looked_at == {"unit.unit_code": (7, 7)}
    assert {(item.problem, item.value) for item in answer.findings} == {
        ("no_code", "cgj"),
        ("no_code", "gaj"),
        ("no_code", "juji"),
    }


def test_cases_and_assets_are_looked_at_once_their_tables_are_there(tmp_path: Path) -> None:
    county = County(tmp_path)
    county.run(
        "CREATE TABLE enf_case (class_code VARCHAR, kind VARCHAR, grid_id VARCHAR, reported_at TIMESTAMPTZ)",
        "INSERT INTO enf_case VALUES ('06010', 'matter', '410221001001003', '2026-11-20 08:00:00+08'), "
        "('06010', 'part', NULL, '2026-11-20 08:00:00+08'), ('06010', 'part', NULL, '2026-11-19 08:00:00+08')",
        "CREATE TABLE mun_asset (code VARCHAR)",
        "INSERT INTO mun_asset VALUES ('4102210101000001'), (NULL)",
    )
    answer = check(county.settings, NOW)
    assert answer.looked_at == {
        "unit.unit_code": (7, 7),
        "enf_case.class_code": (2, 3),
        "enf_case.grid_id": (1, 1),
        "mun_asset.code": (1, 1),
    }
    others = [item for item in answer.findings if item.problem != "no_code"]
    assert others == [
        Finding("enf_case.class_code", "part 06010", "unknown", "classes_2026", 2, NOW),
        Finding("mun_asset.code", "part 0101", "retired", "classes_2013", 1, NOW),
    ]
