"""Codes of the standards: looked up for a day, cut by their widths, and never guessed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cityhub.errors import Usage
from extracts.codes import identifier, lists, ours
from extracts.codes.check import Ask, Finding, Looked, Used, check, judge
from tests.scoring.county import County

NOW, BEFORE = date(2026, 11, 20), date(2026, 6, 30)


def found(
    name: str, value: str, *, kind: str | None = None, day: date = NOW, **ask: str
) -> list[tuple[str, str, str | None]]:
    _, findings = judge(name, name, [Used(value, kind, 3, day)], Ask(**ask))
    return [(item.problem, item.value, item.instead) for item in findings]


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
    assert found("enf_case_class", "01016", kind="part") == [("unknown", "part 01016", None)]
    assert found("enf_case_class", "0612", kind="matter") == [("unknown", "matter 0612", None)]


def test_four_digits_that_two_editions_read_differently_are_not_guessed() -> None:
    assert found("enf_case_class", "0110", kind="matter") == [("ambiguous", "matter 0110", None)]
    assert found("enf_case_class", "0110", kind="matter", edition="classes_2013") == [
        ("retired", "matter 0110", "06010")  # 暴露垃圾
    ]
    assert found("enf_case_class", "0110", kind="matter", edition="classes_2007") == [
        ("retired", "matter 0110", "06013")  # 道路破损
    ]
    assert found("enf_case_class", "0501", kind="matter") == [("ambiguous", "matter 0501", None)]  # only 2007 has it
    assert found("enf_case_class", "0104", kind="part") == [("retired", "part 0104", "01004")]  # both mean the same
    with pytest.raises(Usage, match="classes_2013, classes_2007"):
        Ask(edition="classes_2026")


def test_a_code_less_sure_than_asked_for_is_a_finding() -> None:
    on = {"kind": "matter", "day": BEFORE, "edition": "classes_2013"}
    assert found("enf_case_class", "0110", **on) == []
    assert found("enf_case_class", "0102", **on) == [("unsure", "matter 0102", None)]
    assert found("enf_case_class", "0102", **on, floor="derived") == []
    assert found("enf_case_class", "0110", **on, floor="seen") == [("unsure", "matter 0110", None)]
    assert found("unit", "jincheng", floor="seen") == [("unsure", "jincheng", "410221001")]
    assert found("enf_case_grid", "410221001001003", floor="seen") == [("unsure", "410221001", None)]


def test_words_of_ours_have_a_class_or_say_why_not() -> None:
    assert found("mun_event.class", "road") == []
    assert found("mun_event.class", "road", day=BEFORE) == [("unmapped", "road", None)]
    assert found("mun_event.class", "pump") == [("unsure", "pump", "01072")]
    assert found("mun_event.class", "pump", floor="derived") == []
    assert found("mun_event.class", "manhole") == [("ambiguous", "manhole", None)]
    assert found("mun_event.class", "pipe") == [("unmapped", "pipe", None)]
    assert found("mun_event.class", "tunnel") == [("unmapped", "tunnel", None)]
    assert found("lamp.*", "*") == []


def test_a_part_whose_identifier_is_of_another_class_than_our_word_is_told() -> None:
    def agree(value: str) -> list[tuple[str, str, int, str | None]]:
        found = judge("mun_asset_agree", "mun_asset.class", [Used(value, "part", 2, NOW), Used(value, "part", 3, NOW)])[
            1
        ]
        return [(item.problem, item.value, item.rows, item.why) for item in found]

    assert agree("manhole 4102210103000001") == []  # 雨水井盖
    assert agree("pump 41022101072000001") == []  # 排水泵站
    assert agree("pump 4102210103000001") == [("contradicts", "pump with 0103", 5, "雨水井盖")]
    assert agree("manhole 41022101037000001") == [("contradicts", "manhole with 01037", 5, "路灯")]
    assert agree("road 4102210101000001") == [("contradicts", "road with 0101", 5, "上水井盖")]
    assert agree("road 4102210199000001") == []  # a class that nobody knows contradicts nothing
    assert agree("road 41022101") == []


def test_what_has_a_code_is_counted_by_values_and_by_rows() -> None:
    values = [Used("road", None, 5, NOW), Used("pipe", None, 7, NOW), Used("pump", None, 11, NOW)]
    assert judge("mun_event_class", "mun_event.class", values)[0] == Looked(3, 23, 1, 5)
    assert judge("mun_event_class", "mun_event.class", values, Ask("derived"))[0] == Looked(3, 23, 2, 16)


def test_a_grid_lies_in_a_street_that_is_known() -> None:
    assert found("enf_case_grid", "410221001001003") == []
    assert found("enf_case_grid", "410221002001003") == [("unknown", "410221002", None)]
    assert found("enf_case_grid", "410224001001003") == [("retired", "410224", None)]
    assert found("enf_case_grid", "4102210010010") == [("malformed", "4102210010010", None)]


def test_a_part_is_read_by_the_generation_of_its_length() -> None:
    assert found("mun_asset_code", "4102210101000001", day=BEFORE) == []
    assert found("mun_asset_code", "4102210101000001") == [("retired", "part 0101", "01001")]
    assert found("mun_asset_code", "41022101001000001") == []
    assert found("mun_asset_code", "41022101016000001") == [("unknown", "part 01016", None)]
    assert found("mun_asset_code", "4102210103") == [("malformed", "4102210103", None)]


def test_one_finding_a_problem_counts_the_rows_of_all_its_values() -> None:
    values = [Used(f"410221002001{n:03d}", None, n, NOW if n == 2 else BEFORE) for n in (1, 2, 3)]
    assert judge("enf_case_grid", "c", values)[1] == [Finding("c", "410221002", "unknown", "divisions", 6, NOW)]


def test_units_of_the_warehouse_without_a_division_are_findings(tmp_path: Path) -> None:
    county = County(tmp_path)
    answer = check(county.settings, NOW)
    assert answer.looked_at == {"unit.unit_code": Looked(7, 7, 4, 4)}
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
        "CREATE TABLE mun_asset (code VARCHAR, class VARCHAR)",
        "INSERT INTO mun_asset VALUES ('4102210101000001', 'pipe'), (NULL, NULL)",
    )
    answer = check(county.settings, NOW)
    assert answer.looked_at == {
        "unit.unit_code": Looked(7, 7, 4, 4),
        "enf_case.class_code": Looked(2, 3, 1, 1),
        "enf_case.grid_id": Looked(1, 1, 1, 1),
        "mun_asset.code": Looked(1, 1, 0, 0),
        "mun_asset.class": Looked(1, 1, 0, 0),
    }
    others = [(item.column, item.value, item.problem) for item in answer.findings if item.problem != "no_code"]
    assert others == [
        ("enf_case.class_code", "part 06010", "unknown"),
        ("mun_asset.code", "part 0101", "retired"),
        ("mun_asset.class", "pipe", "unmapped"),
        ("mun_asset.class", "pipe with 0101", "contradicts"),
    ]


# What each column is made of, as the feeds name it; a file of SQL that reads another name would fail here.
TABLES = {
    "mun_asset": ("class VARCHAR, code VARCHAR", "'pump', NULL"),
    "mun_event": ("class VARCHAR, found_at TIMESTAMPTZ", "'road', '2026-11-20 08:00:00+08'"),
    "lamp_fault": ("type VARCHAR, reported_at TIMESTAMPTZ", "'dark', '2026-11-20 08:00:00+08'"),
    "mk_violation": ("type VARCHAR, ts TIMESTAMPTZ", "'spillage', '2026-11-20 08:00:00+08'"),
    "dust_alarm": ("factor VARCHAR, raised_at TIMESTAMPTZ", "'noise', '2026-11-20 08:00:00+08'"),
    "lamp": ("lamp_id VARCHAR", "'1'"),
    "gl_tree": ("tree_id VARCHAR", "'1'"),
    "gl_pest": ("found_at TIMESTAMPTZ", "'2026-11-20 08:00:00+08'"),
    "san_bin_alarm": ("raised_at TIMESTAMPTZ", "'2026-11-20 08:00:00+08'"),
    "wtr_burst": ("reported_at TIMESTAMPTZ", "'2026-11-20 08:00:00+08'"),
}


def test_every_column_of_our_words_is_read_from_its_table(tmp_path: Path) -> None:
    county = County(tmp_path)
    for table, (columns, row) in TABLES.items():
        county.run(f"CREATE TABLE {table} ({columns})", f"INSERT INTO {table} VALUES ({row})")
    looked = check(county.settings, NOW).looked_at
    assert {
        column: (item.values, item.mapped_values) for column, item in looked.items() if column in ours.columns()
    } == {
        "mun_asset.class": (1, 0),
        "mun_event.class": (1, 1),
        "lamp_fault.type": (1, 1),
        "mk_violation.type": (1, 1),
        "dust_alarm.factor": (1, 0),
        "lamp.*": (1, 1),
        "gl_tree.*": (1, 0),
        "gl_pest.*": (1, 1),
        "san_bin_alarm.*": (1, 1),
        "wtr_burst.*": (1, 0),
    }
