"""A tool that edits a spec changes what it was told to and nothing else."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityhub.errors import Stop
from cityhub.settings import REPOSITORY
from cityhub.spec import edit
from cityhub.spec.emit import flow, scalar
from cityhub.spec.read import parse_spec

SPECS = sorted((REPOSITORY / "feeds").glob("*.yaml"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in SPECS}

MINE = """\
# why this feed exists: order 17 of the county
feed: muck.trial   # platform.kind
active: true       # since May

source:
  kind: rest
  # the vendor moves this host each spring
  address: 'http://10.0.0.1/api'    # quoted by hand
  query: {day: "{day}", kind: 'all'} # two

# about the rows
identity:
  key: [id]
  # end of identity

checks:
  - {check: row_count, min: 10}   # first
  # between
  - check: not_null
    column: kpa      # the number
    mostly: 0.9
examples: []
# the end
"""


def values(text: str) -> Any:
    return edit.data_of(text)


def test_only_the_changed_value_changes() -> None:
    after = edit.put(MINE, "active", False)
    assert after == MINE.replace("active: true ", "active: false ")
    assert edit.put(MINE, "source.address", "http://10.0.0.2/api") == MINE.replace(
        "'http://10.0.0.1/api'", "http://10.0.0.2/api"
    )
    assert edit.put(MINE, "source.query.kind", "new") == MINE.replace("kind: 'all'", "kind: new")
    assert edit.put(MINE, "checks.1.mostly", 0.95) == MINE.replace("0.9\n", "0.95\n")


def test_the_same_value_changes_nothing() -> None:
    assert edit.put(MINE, "checks.0.min", 10) == MINE
    assert edit.put(MINE, "source.address", "http://10.0.0.1/api") == MINE
    assert edit.remove(MINE, "source.timeout_s") == MINE


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("arrives.min_rows", 5, "arrives: {min_rows: 5}"),
        ("source.rate_per_s", 2.5, "  rate_per_s: 2.5\n"),
        ("source.query.page", "1", "kind: 'all', page: \"1\"} # two"),
        ("examples.0", {"given": {"id": 1}}, "examples: [{given: {id: 1}}]\n# the end"),
        ("checks.2", {"check": "row_count"}, "    mostly: 0.9\n  - {check: row_count}\nexamples"),
        ("identity.version", "ts", "  key: [id]\n  version: ts\n  # end of identity\n"),
        ("identity.key.1", "ts", "  key: [id, ts]\n"),
        ("source.query", {}, "query: {} # two"),
        ("source.paging", {"kind": "none"}, "# two\n  paging: {kind: none}\n"),
    ],
)
def test_new_values_stand_where_they_belong(path: str, value: Any, expected: str) -> None:
    after = edit.put(MINE, path, value)
    assert expected in after
    assert comments(after) == comments(MINE)


@pytest.mark.parametrize("path", ["active", "source.query.day", "source.query.kind", "checks.0", "checks.1.column"])
def test_removing_keeps_the_comments_of_others(path: str) -> None:
    after = edit.remove(MINE, path)
    gone = {"active": ["since May"], "checks.0": ["first"], "checks.1.column": ["the number"]}.get(path, [])
    assert [text for text in comments(MINE) if text not in gone] == comments(after)


def test_removing_the_last_entry_leaves_an_empty_collection() -> None:
    assert values(edit.remove(MINE, "identity.key"))["identity"] == {}
    one = "a:\n  b: 1\nc: 2\n"
    assert edit.remove(one, "a.b") == "a: {}\nc: 2\n"


def test_windows_line_ends_stay() -> None:
    text = MINE.replace("\n", "\r\n")
    after = edit.put(edit.put(text, "source.rate_per_s", 2), "active", False)
    assert "\n" not in after.replace("\r\n", "")
    assert values(after)["source"]["rate_per_s"] == 2


def test_what_cannot_be_edited_safely_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("base: &b {x: 1}\nother: *b\n", encoding="utf-8")
    with pytest.raises(Stop) as refused:
        edit.edit_file(path, {"other.x": 2})
    assert refused.value.code == "CH-FEED-005"
    assert path.read_text(encoding="utf-8") == "base: &b {x: 1}\nother: *b\n"
    with pytest.raises(Stop) as refused:
        edit.edit_file(path, {"base.x.deeper": 2})
    assert refused.value.code == "CH-FEED-005"


def test_a_file_is_written_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(MINE, encoding="utf-8")
    path.chmod(0o640)
    assert edit.edit_file(path, {"active": False, "source.query.day": edit.REMOVE})
    assert path.stat().st_mode & 0o777 == 0o640
    assert "active: false" in path.read_text(encoding="utf-8")
    assert not edit.edit_file(path, {"active": False})
    assert [item.name for item in tmp_path.iterdir()] == ["a.yaml"]


def test_broken_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\nb: [1\n", encoding="utf-8")
    with pytest.raises(Stop) as broken:
        edit.edit_file(path, {"a": 2})
    assert broken.value.code == "CH-FEED-003"
    assert broken.value.place["line"] >= 2


def comments(text: str) -> list[str]:
    return [found.strip() for found in re.findall(r"(?:^|\s)#\s?(.*)$", text, re.MULTILINE)]


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_merging_a_spec_with_its_own_meaning_changes_no_byte(name: str) -> None:
    assert edit.merged(TEXTS[name], values(TEXTS[name])) == TEXTS[name]


SOME = ["gas.pressure", "dust.reading", "sanitation.weigh", "assessment.special"]
few = settings(max_examples=40, deadline=None)
paths = st.sampled_from(SOME).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(list(leaves(values(TEXTS[name])))))
)


def leaves(node: Any, at: tuple[edit.Step, ...] = ()) -> list[tuple[edit.Step, ...]]:
    found = [at] if at else []
    for key, item in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        found += leaves(item, (*at, key))
    return found


texts = st.text(max_size=20).filter(lambda text: "\r" not in text)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@few
@given(paths, anything)
def test_any_value_at_any_place_is_read_back(where: tuple[str, tuple[edit.Step, ...]], value: Any) -> None:
    name, path = where
    text = TEXTS[name]
    before = values(text)
    after = edit.put(text, path, value)
    wanted = copy.deepcopy(before)
    node = wanted
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    assert edit.same(values(after), wanted)
    # lines that are not part of the value are byte for byte the same
    kept = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    inside = set(after.splitlines())
    if len(path) > 1 or not isinstance(before[path[0]], (dict, list)):
        assert all(line in inside for line in kept)


@few
@given(paths)
def test_removing_any_key_is_read_back(where: tuple[str, tuple[edit.Step, ...]]) -> None:
    name, path = where
    wanted = values(TEXTS[name])
    after = edit.remove(TEXTS[name], path)
    node = wanted
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    assert edit.same(values(after), wanted)


@given(anything)
def test_whatever_is_written_is_read_as_the_same_value(value: Any) -> None:
    assert edit.same(values(f"a: {flow(value)}\n")["a"], value)


@pytest.mark.parametrize(
    "text", ["on", "06:00", "0371-1", "1e5", "豫B22928", "a: b", "x #y", "", " ", "2026-11-20", "-"]
)
def test_texts_stay_texts(text: str) -> None:
    assert values(f"a: {scalar(text)}\n") == {"a": text}


def test_edited_specs_are_still_specs(tmp_path: Path) -> None:
    for name in SOME:
        text = TEXTS[name]
        path = tmp_path / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        before = parse_spec(path)
        edit.edit_file(path, {"active": not before.active, "arrives.min_rows": 7})
        after = parse_spec(path)
        assert (after.active, after.arrives.min_rows) == (not before.active, 7)
        assert after.fields == before.fields


def test_a_text_over_several_lines_is_replaced_alone() -> None:
    text = "a: |\n  one\n  two\n\n# about b\nb: 1\n"
    assert edit.put(text, "a", "new") == "a: new\n\n# about b\nb: 1\n"
    assert edit.remove(text, "a") == "\n# about b\nb: 1\n"
