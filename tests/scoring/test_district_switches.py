"""Zhonglou, Dengfeng, Jintan: every open choice is a switch, and every option changes what it says."""

from __future__ import annotations

from typing import Any

import pytest

from cityhub.errors import Usage
from scoring import scheme
from scoring.switches import FALLBACK
from tests.scoring.trials import Tree, ask, trial

CITY = {"on_site": "90", "rectification": "80"}
DISTRICT = {"on_site": "70", "rectification": "60"}


def zhonglou(period: str = "2026-05", **unit: Any) -> Tree:
    """One subdistrict: 0.35*90 + 0.35*80 + 0.15*70 + 0.15*60 = 79."""
    parts = {"city_part": CITY, "district_part": DISTRICT}
    return {"period": period, "units": [{"unit": "a", "league": "subdistrict", "components": parts} | unit]}


def year(months: dict[str, str], **unit: Any) -> Tree:
    """One subdistrict's year from monthly scores."""
    return {"period": "2026", "units": [{"unit": "a", "league": "subdistrict", "months": months} | unit]}


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("qi-county", {f"QA{n}" for n in range(1, 22)}),
        ("zhonglou", {f"ZA{n}" for n in range(1, 6)}),
        ("dengfeng-credit", {"DA1", "DA2"}),
        ("dengfeng", {"DA3", "DA4"}),
        ("jintan", {"JA1", "JA2", "JA3"}),
    ],
)
def test_every_ambiguity_is_a_switch_and_our_own_questions_are_marked(name: str, ids: set[str]) -> None:
    rules = scheme.load(name)
    assert {switch.id for switch in rules.switches if not switch.ours} == ids
    assert all(switch.id[1] == "B" for switch in rules.switches if switch.ours)
    assert {switch.name for switch in rules.switches} <= FALLBACK.keys()


def test_za1_numbers_of_a_hundred_or_points() -> None:
    assert ask("zhonglou", zhonglou())["a"]["score"] == "79"
    points = {
        "city_part": {"on_site": "33", "rectification": "30.5"},
        "district_part": {"on_site": "14", "rectification": "15"},
    }
    assert ask("zhonglou", zhonglou(components=points), ZA1="points")["a"]["score"] == "92.5"


def test_za2_the_departments_deductions_stand_beside_or_count() -> None:
    parts = {"city_part": CITY, "district_part": DISTRICT, "department_deductions": "-1.25"}
    beside = ask("zhonglou", zhonglou(components=parts))["a"]
    line = next(part for part in beside["components"] if part["component"] == "department_deductions")
    assert (beside["score"], line["value"], line["points"]) == ("79", "-1.25", None)
    assert ask("zhonglou", zhonglou(components=parts), ZA2="subtract")["a"]["score"] == "77.75"


def test_a_deduction_that_adds_is_refused_and_departments_have_none() -> None:
    parts = {"city_part": CITY, "district_part": DISTRICT, "department_deductions": "1.25"}
    with pytest.raises(Usage, match="department_deductions"):
        ask("zhonglou", zhonglou(components=parts))
    with pytest.raises(Usage, match="department_deductions"):
        ask("zhonglou", zhonglou(components=parts | {"department_deductions": "-1"}, league="department"))


def test_za3_a_month_without_the_city() -> None:
    parts = {"district_part": DISTRICT}
    held = ask("zhonglou", zhonglou(components=parts))["a"]
    assert (held["score"], held["state"]) == (None, "provisional")
    assert "市考评得分" in held["reason"]
    assert ask("zhonglou", zhonglou(components=parts), ZA3="renormalise")["a"]["score"] == "65"


def test_za4_the_veto_is_a_flag_or_found() -> None:
    months = {"2026-01": "96"}
    assert ask("zhonglou", year(months))["a"]["grade"] == "优秀"
    vetoed = ask("zhonglou", year(months, events=[{"rule": "veto"}]))["a"]
    assert (vetoed["grade"], vetoed["money_yuan"], vetoed["consequences"]) == ("合格", "10000", ["deposits"])
    severe = ask("zhonglou", year(months, events=[{"rule": "veto_severe"}]))["a"]
    assert severe["consequences"] == ["deposits", "veto_notice"]

    def parts(city: str, district: str) -> Tree:
        both = {"city_on_site": city, "city_rect": city, "dist_on_site": district, "dist_rect": district}
        return {"2026-01": {"components": both}}

    units = [
        {"unit": "a", "league": "subdistrict", "months": parts("97", "100")},
        {"unit": "b", "league": "subdistrict", "months": parts("99", "90")},
    ]
    content = {"period": "2026", "units": units}
    assert [u["grade"] for u in ask("zhonglou", content).values()] == ["优秀", "优秀"]
    assert [u["grade"] for u in ask("zhonglou", content, ZA4="most_points_lost").values()] == ["合格", "优秀"]


def test_a_flag_in_a_month_holds_for_the_year() -> None:
    entry = {"components": {"city_part": {"on_site": "99", "rectification": "99"},
                            "district_part": {"on_site": "99", "rectification": "99"}},
             "events": [{"rule": "veto", "date": "2026-01-20"}]}  # fmt: skip
    content = {"period": "2026", "units": [{"unit": "a", "league": "subdistrict", "months": {"2026-01": entry}}]}
    assert ask("zhonglou", content)["a"]["grade"] == "合格"


def test_za5_a_mean_of_months_or_of_days() -> None:
    months = {"2026-01": "80", "2026-02": "139"}
    assert ask("zhonglou", year(months))["a"]["score"] == "109.5"
    assert ask("zhonglou", year(months), ZA5="by_days")["a"]["score"] == "108"  # (31*80 + 28*139) / 59


def test_zb1_months_without_grades() -> None:
    assert ask("zhonglou", zhonglou())["a"]["grade"] == "不合格"
    assert ask("zhonglou", zhonglou(), ZB1="year_only")["a"]["grade"] is None
    assert ask("zhonglou", year({"2026-01": "96"}), ZB1="year_only")["a"]["grade"] == "优秀"


def test_zb2_which_months() -> None:
    months = {"2026-01": "96"}
    assert ask("zhonglou", year(months), ZB2="missing_as_zero")["a"]["score"] == "8"
    wanting = ask("zhonglou", year(months), ZB2="all_twelve")["a"]
    assert (wanting["score"], wanting["state"], wanting["consequences"]) == (None, "provisional", [])


@pytest.mark.parametrize(
    ("league", "score", "persons", "money"),
    [
        ("subdistrict", "95", 1, "20000"),
        ("subdistrict", "94.9999", 2, "20000"),
        ("subdistrict", "80", 1, "10000"),
        ("subdistrict", "79.9999", 1, "-10000"),
        ("department", "95", 1, "10000"),
        ("department", "80", 3, "15000"),
        ("department", "79.9999", 2, "-10000"),
    ],
)
def test_what_becomes_of_the_deposit(league: str, score: str, persons: int, money: str) -> None:
    unit = ask("zhonglou", year({"2026-01": score}, league=league, persons=persons))["a"]
    assert (unit["money_yuan"], unit["consequences"]) == (money, ["deposits"])
    assert unit["consequence_details"][0]["note"].endswith(f"{persons} 人")


def test_the_catalogue_of_zhonglou_is_data() -> None:
    found = scheme.load("zhonglou").catalogue
    assert found is not None
    assert (len(found.majors), found.minor_count, found.item_count) == (12, 73, 97)


CLASSES = {"order": "90", "clean": "80", "green": "70", "lit": "60", "civility": "50", "campaigns": "40"}


def ranked(unit: Tree) -> dict[str, int]:
    """component → rank."""
    return {part["component"]: part["rank"] for part in unit["components"] if "rank" in part}


def test_da3_the_four_or_all_six() -> None:
    content = {"period": "2026-05", "units": [{"unit": "a", "components": CLASSES}]}
    assert list(ranked(ask("dengfeng", content)["a"])) == ["order", "clean", "green", "lit"]
    assert len(ranked(ask("dengfeng", content, DA3="six_sections")["a"])) == 6


def test_da4_the_order_of_the_list() -> None:
    content = {"period": "2026-05", "units": [{"unit": "a", "components": CLASSES}]}
    assert list(ranked(ask("dengfeng", content, DA4="goal_order")["a"])) == ["order", "clean", "green", "lit"]
    assert list(ranked(ask("dengfeng", content, DA4="body_order")["a"])) == ["order", "clean", "lit", "green"]


def test_db1_a_total_over_the_classes() -> None:
    content = {"period": "2026-05", "units": [{"unit": "a", "components": CLASSES}]}
    alone = ask("dengfeng", content)["a"]
    assert (alone["score"], alone["rank"], alone["state"]) == (None, None, "ok")
    both = ask("dengfeng", content, DB1="mean")["a"]
    assert (both["score"], both["rank"]) == ("75", 1)
    assert ask("dengfeng", content, DB1="mean", DA3="six_sections")["a"]["score"] == "65"


def test_each_class_ranks_the_units_that_it_has() -> None:
    units = [
        {"unit": "a", "components": {"order": "90", "clean": "80", "green": "70", "lit": None}},
        {"unit": "b", "components": {"order": "90", "clean": "85", "green": "60", "lit": "10"}},
        {"unit": "c", "components": {"order": "80", "clean": "70", "green": "65", "lit": "20"}},
    ]
    found = ask("dengfeng", {"period": "2026-05", "units": units})
    assert ranked(found["a"]) == {"order": 1, "clean": 2, "green": 1}
    assert ranked(found["b"]) == {"order": 1, "clean": 1, "green": 3, "lit": 2}
    assert ranked(found["c"]) == {"order": 3, "clean": 3, "green": 2, "lit": 1}
    assert [found[name]["state"] for name in "abc"] == ["provisional", "ok", "ok"]


def jintan(period: str = "2026-Q1", **unit: Any) -> Tree:
    """One unit of class 1."""
    return {"period": period, "units": [{"unit": "a", "league": "class_1"} | unit]}


WEEKS = {f"2026-W{n:02d}": str(60 + n) for n in range(1, 14)}


def test_ja1_equal_weights_without_bands_and_money() -> None:
    week = jintan("2026-W10", components={"urban": "90", "urban_rural": "80"})
    assert (ask("jintan", week)["a"]["score"], ask("jintan", week)["a"]["grade"]) == ("87", "合格")
    equal = ask("jintan", week, JA1="equal_weights")["a"]
    assert (equal["score"], equal["grade"]) == ("85", None)
    village = jintan("2026", league="tier_1", months={f"2026-{n:02d}": "80" for n in range(1, 13)})
    assert ask("jintan", village)["a"]["money_yuan"] == "300000"
    assert ask("jintan", village, JA1="equal_weights")["a"]["money_yuan"] == "0"


def test_ja2_a_quarter_of_months_or_of_weeks() -> None:
    # Thursdays: January has W01 to W05, February W06 to W09, March W10 to W13: means 63, 67.5, 71.5
    assert ask("jintan", jintan(weeks=WEEKS))["a"]["score"] == "67.3333333333333333"
    assert ask("jintan", jintan(weeks=WEEKS), JA2="weeks")["a"]["score"] == "67"


def test_ja3_a_week_that_lies_in_two_months() -> None:
    # 2026-W05 is 26 January to 1 February; 2026-W01 is 29 December to 4 January
    january = jintan("2026-01", weeks=WEEKS | {"2026-W01": "0"})
    assert ask("jintan", january)["a"]["score"] == "50.8"  # (0 + 62 + 63 + 64 + 65) / 5
    assert ask("jintan", january, JA3="monday")["a"]["score"] == "63.5"  # W02 to W05
    assert ask("jintan", january, JA3="sunday")["a"]["score"] == "47.25"  # W01 to W04


def test_jb1_a_week_that_is_missing() -> None:
    gap = {week: score for week, score in WEEKS.items() if week != "2026-W07"}
    held = ask("jintan", jintan("2026-02", weeks=gap))["a"]
    assert (held["score"], held["state"], held["reason"]) == (None, "provisional", "缺 2026-W07")
    rest = ask("jintan", jintan("2026-02", weeks=gap), JB1="available")["a"]
    assert (rest["score"], rest["state"]) == ("67.6666666666666667", "provisional")


def test_jb2_a_year_of_quarters_or_of_months() -> None:
    months = {f"2026-{n:02d}": "80" for n in range(7, 13)} | {"2026-06": "90"}
    content = jintan("2026", since="2026-06-01", months=months)
    assert ask("jintan", content)["a"]["score"] == "83.3333333333333333"  # (90 + 80 + 80) / 3
    assert ask("jintan", content, JB2="months")["a"]["score"] == "81.4285714285714286"  # (90 + 6*80) / 7


@pytest.mark.parametrize(
    ("edge", "week", "held"),
    [({"since": "2026-02-09"}, "2026-W07", True), ({"since": "2026-02-10"}, "2026-W07", False),
     ({"until": "2026-02-15"}, "2026-W07", True), ({"until": "2026-02-14"}, "2026-W07", False)],
)  # fmt: skip
def test_a_unit_answers_for_the_weeks_that_it_is_there_for(edge: dict[str, str], week: str, held: bool) -> None:
    kept = {name: score for name, score in WEEKS.items() if name != week}
    if "since" in edge:
        kept = {name: score for name, score in kept.items() if name > week}
    else:
        kept = {name: score for name, score in kept.items() if name < week}
    assert (ask("jintan", jintan("2026-02", weeks=kept) | {"units": [
        {"unit": "a", "league": "class_1", "weeks": kept} | edge]})["a"]["score"] is None) == held  # fmt: skip


def test_amounts_go_by_rank_and_ties_share_the_rank() -> None:
    whole = {f"2026-{n:02d}" for n in range(1, 13)}
    scores = {"a": "90", "b": "85", "c": "85", "d": "80"}
    units = [{"unit": u, "league": "二级", "months": dict.fromkeys(whole, s)} for u, s in scores.items()]
    found = ask("jintan", {"period": "2026", "units": units})
    assert [found[u]["money_yuan"] for u in scores] == ["200000", "150000", "150000", "80000"]
    assert [found[u]["consequences"] for u in scores] == [["subsidy"]] * 4


def test_the_numbers_in_force_may_stand_in_the_file() -> None:
    content = jintan("2026-W10", components={"urban": "90", "urban_rural": "80"})
    content["config"] = {"weights": {"class_1": {"urban": "0.1", "urban_rural": "0.9"}}}
    assert ask("jintan", content)["a"]["score"] == "81"
    for wrong, named in ({"weights": {"class_1": {"urban": "0.1"}}}, "add up"), ({"ledger": {}}, "ledger"):
        with pytest.raises(Usage, match=named):
            trial("jintan", content | {"config": wrong})


@pytest.mark.parametrize(
    ("period", "inside"),
    [("2026-02", {"weeks": {"2026-W07": "80"}}), ("2026-Q1", {"months": {"2026-02": "80"}}),
     ("2026-Q1", {"weeks": {"2026-W07": "80"}}), ("2026-02", {"months": {"2026-02": "80"}})],
)  # fmt: skip
def test_a_period_and_one_inside_it_are_not_both_given(period: str, inside: Tree) -> None:
    with pytest.raises(Usage, match=r"twice|belongs to it"):
        ask("jintan", jintan(period, score="90", **inside))


def test_a_unit_without_any_numbers_is_missing_not_zero() -> None:
    for period in ("2026-W10", "2026-02", "2026-Q1", "2026"):
        unit = ask("jintan", jintan(period))["a"]
        assert (unit["score"], unit["rank"], unit["state"]) == (None, None, "missing")
