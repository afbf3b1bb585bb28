"""The files of codes: no code twice, classes below a major class, and each with its source and what it is worth."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from cityhub.errors import Usage
from cityhub.settings import REPOSITORY
from cityhub.spec.read import read_all
from extracts.codes import lists, ours

CLASSES = ("classes_2007", "classes_2013", "classes_2026")
CHANGE = date(2026, 7, 1)


@pytest.mark.parametrize("name", lists.NAMES)
def test_every_entry_has_a_source_that_the_file_names_and_a_confidence(name: str) -> None:
    found = lists.read(name)
    assert found.codes
    for item in found.codes:
        assert item.source
        assert set(item.source) <= set(found.sources), item
        assert item.confidence in lists.CONFIDENCE
    assert {key for item in found.codes for key in item.source} == set(found.sources)  # and none is there for nothing


@pytest.mark.parametrize("name", lists.NAMES)
def test_nothing_that_is_less_than_seen_twice_has_one_source_only_by_name(name: str) -> None:
    """`seen` is for several sources."""
    assert all(len(item.source) > 1 for item in lists.read(name).codes if item.confidence == "seen")


@pytest.mark.parametrize(("name", "width"), [("classes_2007", 4), ("classes_2013", 4), ("classes_2026", 5)])
def test_classes_have_their_width_their_kind_and_their_time(name: str, width: int) -> None:
    for item in lists.read(name).codes:
        assert len(item.code) == width
        assert item.code.isdigit()
        assert item.kind in {"part", "matter"}
        assert item.valid_from
        assert (item.valid_from >= CHANGE) if name == "classes_2026" else (item.valid_to == CHANGE)


@pytest.mark.parametrize(
    ("name", "parts", "matters"), [("classes_2007", 85, 50), ("classes_2013", 23, 65), ("classes_2026", 153, 250)]
)
def test_a_list_has_as_many_classes_as_the_docs_say(name: str, parts: int, matters: int) -> None:
    assert Counter(item.kind for item in lists.read(name).codes) == {"part": parts, "matter": matters}


def test_what_was_only_remembered_is_not_in_the_lists_of_classes() -> None:
    assert not [item for name in CLASSES for item in lists.read(name).codes if item.confidence == "memory"]


def test_each_part_of_2026_has_a_matter_of_its_own_digits() -> None:
    for part in lists.read("classes_2026").codes:
        if part.kind == "part":
            matter = lists.find("classes_2026", part.code, CHANGE, "matter")
            assert matter, part
            assert matter.name.replace("异常", "") == part.name


@pytest.mark.parametrize("name", ["classes_2007", "classes_2013"])
def test_a_later_code_is_one_of_2026_of_the_same_kind_and_of_one_old_code_only(name: str) -> None:
    later = [(item.kind, item.later) for item in lists.read(name).codes if item.later]
    assert all(lists.find("classes_2026", code or "", CHANGE, kind) for kind, code in later)
    assert len(later) == len(set(later))


@pytest.mark.parametrize("name", ["classes_2007", "classes_2013"])
def test_a_class_with_the_name_of_one_of_2026_names_that_one(name: str) -> None:
    names = {(item.kind, item.name): item.code for item in lists.read("classes_2026").codes}
    for item in lists.read(name).codes:
        assert names.get((item.kind, item.name), item.later) == item.later, item


def test_the_two_old_editions_say_one_thing_where_they_have_one_part() -> None:
    for item in lists.read("classes_2013").codes:
        if item.kind == "part":
            older = [old for old in lists.of("classes_2007", item.code) if old.kind == "part"]
            assert [(old.name, old.later) for old in older] == [(item.name, item.later)]


def test_matters_of_2013_were_shifted_by_five_major_classes() -> None:
    for item in lists.read("classes_2013").codes:
        if item.kind == "matter" and item.later:
            assert item.later == f"{int(item.code[:2]) + 5:02d}0{item.code[2:]}"


def test_a_town_lies_in_a_county_that_is_known() -> None:
    for item in lists.read("divisions").codes:
        if item.level == "street":
            assert lists.find("divisions", item.code[:6], date(2023, 6, 30))


def test_the_county_seat_changed_its_code_between_two_editions() -> None:
    def there(code: str, day: date) -> bool:
        return lists.find("divisions", code, day) is not None

    change = date(2019, 10, 31)
    assert (there("410221100", change - timedelta(1)), there("410221100", change)) == (True, False)
    assert (there("410221001", change - timedelta(1)), there("410221001", change)) == (False, True)


HEAD = """list: x
title: {zh: x, en: x}
standard: x
sources: {a: one}
blocks:
  - confidence: seen-1
    source: [a]
    majors: {"01": x}
    entries:
      - {code: "0101", name: a}
"""


@pytest.mark.parametrize(
    ("row", "detail"),
    [
        ("{code: '0101', name: b}", "0101 stands twice"),
        ("{code: '0102', name: b, confidence: sure}", "confidence is one of"),
        ("{code: 102, name: b}", "are texts"),
        ("{code: '0102', name: b, from: 2020-01-01, to: 2020-01-01}", "ends before it begins"),
        ("{code: '0102', name: b, colour: red}", "colour"),
        ("{code: '0102', name: b, source: []}", "its source is missing"),
        ("{code: '0102', name: b, source: [b]}", "its source b is none of the file's"),
        ("{code: '0201', name: b}", "no major class 02"),
    ],
)
def test_a_list_that_contradicts_itself_is_refused(tmp_path: Path, row: str, detail: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(f"{HEAD}      - {row}\n", encoding="utf-8")
    with pytest.raises(Usage) as caught:
        lists.parse(file)
    assert caught.value.code == "CH-CODE-002"
    assert detail in str(caught.value)


def test_one_code_may_follow_itself_and_be_of_two_kinds(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    rows = (
        "{code: '0102', name: b, to: 2020-01-01}",
        "{code: '0102', name: c, from: 2020-01-01}",
        "{code: '0102', name: d, kind: part}",
    )
    file.write_text(HEAD + "".join(f"      - {row}\n" for row in rows), encoding="utf-8")
    assert [item.name for item in lists.parse(file).codes] == ["a", "b", "c", "d"]


def test_confidence_has_an_order() -> None:
    assert [lists.sure(one, "seen-1") for one in lists.CONFIDENCE] == [True, True, False, False]


def test_our_words_are_all_the_words_of_the_feed() -> None:
    """Every code of a feed's list has a class, or somebody said why not; and no word is there that no feed has."""
    feeds = read_all(REPOSITORY / "feeds")
    for column in ours.columns().values():
        spec = feeds[column.feed]
        table, name = column.column.split(".")
        assert spec.table == table
        expected = {"*"} if name == "*" else set((spec.fields[name].codes or {}).values())
        assert set(column.words) == expected, column.column


def test_a_word_whose_meaning_is_only_near_is_never_surer_than_derived() -> None:
    words = [word for column in ours.columns().values() for word in column.words.values()]
    assert {word.confidence for word in words if word.code and word.why} == {"derived"}
    assert {word.confidence for word in words if word.code and not word.why} == {"seen-1"}
    assert all(word.why for word in words if not word.code)
