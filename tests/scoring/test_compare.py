"""`cityhub score compare`: two sides of the same inputs or month, and only what differs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scoring import scheme
from scoring.month import compare_month, score_month
from tests.scoring.county import MONTH, County
from tests.scoring.test_whatif import EXAMPLES, told, write

QI = str(EXAMPLES / "qi-county.json")


def test_two_sets_of_switches_differ_where_they_must() -> None:
    code, found = told("compare", "--inputs", QI, "--other-switch", "QA2=renormalise", "--other-switch", "QA7=below_60")
    units = {unit["unit"]: unit for unit in found["units"]}
    assert (code, found["changed"]) == (0, 2)
    assert found["switches"] == {"QA2": {"a": "hold", "b": "renormalise"}, "QA7": {"a": "below_pass", "b": "below_60"}}
    assert units["d"]["consequences_gone"] == ["P2", "P3", "P4"]
    assert (units["d"]["score_change"], units["d"]["components"]) == ("0", [])
    assert (units["e"]["a"]["score"], units["e"]["b"]["score"]) == (None, "88.5714285714285714")
    assert (units["e"]["consequences_new"], units["e"]["money_change"]) == (["R1", "R3"], "20000")
    assert not units["a"]["changed"]


def test_the_same_on_both_sides_differs_in_nothing() -> None:
    _, found = told("compare", "--inputs", QI)
    assert (found["changed"], found["switches"]) == (0, {})


def test_two_schemes_on_one_file(tmp_path: Path) -> None:
    other = (scheme.FOLDER / "qi-county.yaml").read_text(encoding="utf-8")
    other = other.replace('weight: "0.50"', 'weight: "0.47"').replace('weight: "0.04"', 'weight: "0.07"')
    path = tmp_path / "draft.yaml"
    path.write_text(other.replace("2021-5.1", "draft"), encoding="utf-8")
    code, found = told("compare", "--inputs", QI, "--other-scheme", str(path))
    first = found["units"][0]
    assert (code, found["a"]["version"], found["b"]["version"]) == (0, "2021-5.1", "draft")
    assert first["score_change"] == "-0.132"  # 0.03 * (88 - 92.4)
    assert [part["component"] for part in first["components"]] == ["digital", "civil"]


def test_two_files(tmp_path: Path) -> None:
    without_c = (EXAMPLES / "dengfeng-credit.json").read_text(encoding="utf-8").replace('"unit": "c"', '"unit": "d"')
    _, found = told("compare", "--scheme", "dengfeng-credit", "--inputs", str(EXAMPLES / "dengfeng-credit.json"),
                    "--other-inputs", write(tmp_path, without_c))  # fmt: skip
    units = {unit["unit"]: unit for unit in found["units"]}
    assert (units["c"]["b"], units["d"]["a"]) == (None, None)
    assert found["changed"] == 2


def test_a_month_or_a_file_but_not_both() -> None:
    assert told("compare", "2026-03", "--inputs", QI)[0] == 2
    assert told("compare")[0] == 2


@pytest.fixture
def county(tmp_path: Path) -> County:
    """A county with a scored month."""
    made = County(tmp_path)
    made.manual_tables()
    made.scores()
    made.indicators()
    made.event("E1", "B2", "jincheng")
    score_month(made.settings, MONTH, date(2026, 11, 30))
    return made


def test_a_month_of_the_warehouse_is_compared_and_left_alone(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    rules, before = scheme.load("qi-county"), county.snapshots()
    sides = (rules, {}), (rules, {"QA3": "annual_only"})
    found = compare_month(county.settings, MONTH, date(2026, 11, 30), sides)
    units = {unit["unit"]: unit for unit in found["units"]}
    assert (units["jincheng"]["score_change"], units["juji"]["score_change"]) == ("-1", "0")
    assert (units["jincheng"]["rank_change"], units["juji"]["rank_change"]) == (0, -1), "four are first, not one"
    assert county.snapshots() == before
    county.con.close()
    monkeypatch.setenv("CITYHUB_HOME", str(county.settings.home))
    monkeypatch.setenv("CITYHUB_NOW", "2026-12-01T08:00:00+08:00")
    code, same = told("compare", MONTH, "--other-switch", "QA3=annual_only")
    assert (code, same) == (0, found)
