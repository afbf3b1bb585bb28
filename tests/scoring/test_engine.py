"""Months computed by hand: weights, bands, events, ties, gaps."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from cityhub.errors import Usage
from scoring.engine import compute
from scoring.result import Event, Given, Inputs
from tests.scoring.months import CAMPAIGNS, RULES, fired, month, unit


def test_a_month_by_hand() -> None:
    # specials: (80+81+82+83+84+85+86+87)/8 = 668/8 = 83.5
    # 0.5*92.4 + 0.4*83.5 + 0.02*95 + 0.04*88 + 0.02*90 + 0.02*76
    #   = 46.2 + 33.4 + 1.9 + 3.52 + 1.8 + 1.52 = 88.34; +1 (B2) -0.5 (D1 municipal) = 88.84
    specials = {name: str(80 + place) for place, name in enumerate(CAMPAIGNS)}
    events = (
        Event("B2", None, 1, "E1", date(2026, 11, 3), "批示 1 号"),
        Event("D1", "municipal", 1, "E2", date(2026, 11, 30)),
    )
    result = month(
        unit(
            "a",
            specials=specials,
            digital="92.4",
            peace="95",
            civil="88",
            cgb="90",
            garden="76",
            events=events,
        )
    )["a"]
    assert result.raw == Decimal("88.34")
    assert result.score == Decimal("88.84")
    assert (result.grade_zh, result.state, result.shown) == ("良好", "ok", "88.84")
    points = {part.component: part.points for part in result.components if "." not in part.component}
    assert points["digital"] == Decimal("46.2")
    assert points["specials"] == Decimal("33.4")
    assert sum((p for p in points.values() if p is not None), Decimal(0)) + result.event_points == result.score


def test_an_endless_mean_is_rounded_once_at_16_places() -> None:
    # 250/3 = 83.3333333333333333 (16 places); times 0.4 = 33.33333333333333332, exact from there on
    specials = {"roads": "83", "facades": "83", "hoardings": "84"}
    result = month(unit("a", "0", specials=specials))["a"]
    assert result.score == Decimal("33.33333333333333332")


def test_equal_results_over_different_endless_means_stay_a_tie() -> None:
    # a: 0.4*(32/3) + 0.5*8 = 8.2666…; b: 0.4*(29/3) + 0.5*8.8 = 8.2666…: means of another length
    a = unit("a", "0", digital="8", specials={"roads": "10", "facades": "11", "hoardings": "11"})
    b = unit("b", "0", digital="8.8", specials={"roads": "9", "facades": "10", "hoardings": "10"})
    results = month(a, b)
    assert results["a"].score == results["b"].score
    assert results["a"].rank == results["b"].rank == 1


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        ("100", "优秀"),
        ("90", "优秀"),
        ("89.9999999999999999999999999", "良好"),
        ("89.999999999999999999", "良好"),
        ("89.995", "良好"),
        ("85", "良好"),
        ("84.999999999999999999", "合格"),
        ("75", "合格"),
        ("74.999999999999999999", "不合格"),
        ("0", "不合格"),
    ],
)
def test_bands_are_cut_on_the_unrounded_score(score: str, grade: str) -> None:
    assert month(unit("a", score))["a"].grade_zh == grade


def test_what_is_shown_is_rounded_half_up_and_the_band_is_not() -> None:
    result = month(unit("a", "89.995"))["a"]
    assert (result.shown, result.grade_zh) == ("90.00", "良好")


def test_score_may_pass_100_and_fall_below_0() -> None:
    events = (Event("B1", "national", 3, "E1"),)
    assert month(unit("a", "99", events=events))["a"].score == Decimal(105)
    fined = (Event("D3", None, 2, "E1"),)
    assert month(unit("a", "1", events=fined))["a"].score == Decimal(-3)


def test_only_the_eighth_to_twelfth_problem_is_cut_by_the_cap() -> None:
    # eight problems at 0.5 are 4 points, the month counts 3; other bonuses are not touched
    events = (
        Event("B3", None, 5, "E1", date(2026, 11, 2)),
        Event("B3", None, 3, "E2", date(2026, 11, 9)),
        Event("B2", None, 2, "E3", date(2026, 11, 1)),
    )
    result = month(unit("a", "80", events=events))["a"]
    counted = {item.event.event_id: item.counted for item in result.events}
    assert counted == {"E1": Decimal("2.5"), "E2": Decimal("0.5"), "E3": Decimal(2)}
    assert result.score == Decimal(85)


def test_one_honour_at_two_levels_counts_the_highest() -> None:
    events = (
        Event("B1", "municipal", 1, "E1"),
        Event("B1", "provincial", 1, "E1"),
        Event("B1", "municipal", 1, "E2"),
        Event("D1", "provincial", 1, "E1"),
    )
    assert month(unit("a", "80", events=events))["a"].event_points == Decimal("0.5")  # 1 + 0.5 - 1


def test_an_event_of_another_month_is_listed_and_not_counted() -> None:
    result = month(unit("a", "80", events=(Event("D3", None, 1, "E1", date(2026, 10, 31)),)))["a"]
    assert result.score == Decimal(80)
    assert "2026-10" in result.events[0].effect


def test_ties_rank_1_2_2_4_and_share_what_follows() -> None:
    results = month(unit("a", "90"), unit("b", "80"), unit("c", "80"), unit("d", "70"))
    assert [results[name].rank for name in "abcd"] == [1, 2, 2, 4]
    assert [fired(results[name]) for name in "abcd"] == [["R1", "R3"], ["R1"], ["R1"], ["P1"]]


def test_two_firsts_get_the_whole_prize_each() -> None:
    results = month(unit("a", "90"), unit("b", "90"), unit("c", "80"), unit("d", "70"))
    assert [results[name].rank for name in "abcd"] == [1, 1, 3, 4]
    assert [results[name].money_yuan for name in "abcd"] == [20000, 20000, 0, 0]
    assert [fired(results[name]) for name in "cd"] == [["P1"], ["P1"]]
    assert results["a"].consequences[0].note == "并列 2 个单位"


def test_units_that_differ_in_the_18th_place_do_not_tie() -> None:
    results = month(unit("a", "80.000000000000000002"), unit("b", "80"), unit("c", "70"), unit("d", "60"))
    assert [results[name].rank for name in "ab"] == [1, 2]


def test_a_league_of_its_own_each_and_small_groups_know_first_and_last_only() -> None:
    offices = [unit(name, score, league="department") for name, score in zip("xyz", ("89", "79", "50"), strict=True)]
    results = month(unit("a", "90"), unit("b", "80"), unit("c", "70"), unit("d", "60"), *offices)
    assert [results[name].rank for name in "xyz"] == [1, 2, 3]
    assert [fired(results[name]) for name in "xyz"] == [["R1", "R3"], [], ["P1"]]
    alone = month(unit("a", "50"))["a"]
    assert fired(alone) == ["R1", "R3"]  # the only unit is first, not last


def test_a_missing_component_holds_the_unit_and_leaves_the_others_ranked() -> None:
    results = month(unit("a", "90", peace=None), unit("b", "80"), unit("c", "70"), unit("d", "60"))
    held = results["a"]
    assert (held.score, held.grade, held.rank, held.state) == (None, None, None, "provisional")
    assert held.reason is not None and "综治平安" in held.reason
    assert held.consequences == () and held.money_yuan == 0
    assert [results[name].rank for name in "bcd"] == [1, 2, 3]
    assert fired(results["c"]) == []  # three ranked units: only first and last


def test_a_missing_campaign_is_not_a_campaign_that_does_not_apply() -> None:
    assert month(unit("a", specials={"roads": "80", "facades": None}))["a"].score is None
    assert month(unit("a", specials={"roads": "80"}))["a"].score == Decimal(80)
    assert month(unit("a", specials={}))["a"].score is None


def test_a_unit_with_nothing_is_missing() -> None:
    nothing = unit("a", specials=None, digital=None, peace=None, civil=None, cgb=None, garden=None)
    assert month(nothing)["a"].state == "missing"


def test_a_provisional_input_or_an_open_month_makes_the_score_provisional() -> None:
    weak = unit("a", "80")
    weak = type(weak)(
        "a", "territory", {**weak.components, "digital": Given(Decimal(80), "provisional", None, "缺 ENF-04")}
    )
    result = month(weak)["a"]
    assert (result.score, result.state, result.reason) == (Decimal(80), "provisional", "缺 ENF-04")
    early = month(unit("a", "80"), complete=False)["a"]
    assert (early.score, early.state, early.reason) == (Decimal(80), "provisional", "本月未结束")


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (lambda: unit("a", specials={"fountains": "80"}), "fountains"),
        (lambda: unit("a", league="village"), "village"),
        (lambda: unit("a", events=(Event("B9"),)), "B9"),
        (lambda: unit("a", events=(Event("B1", "galactic"),)), "galactic"),
        (lambda: type(unit("a"))("a", "territory", {"harmony": Decimal(1)}), "harmony"),
    ],
)  # fmt: skip
def test_an_unknown_id_is_named(broken: object, name: str) -> None:
    with pytest.raises(Usage) as caught:
        month(broken())  # type: ignore[operator]  # a factory, so that each case is built inside
    assert caught.value.code == "CH-SCORE-002"
    assert name in str(caught.value)


def test_an_unknown_switch_or_option_is_named() -> None:
    for switches, name in (({"QA99": "x"}, "QA99"), ({"QA2": "guess"}, "guess")):
        with pytest.raises(Usage) as caught:
            compute(RULES, Inputs("2026-11", (unit("a"),), switches))
        assert name in str(caught.value)


def test_a_unit_that_stands_twice_and_a_count_of_zero_are_refused() -> None:
    with pytest.raises(Usage, match="CH-SCORE-004"):
        month(unit("a"), unit("a"))
    with pytest.raises(Usage, match="CH-SCORE-004"):
        month(unit("a", events=(Event("D2", None, 0, "E1"),)))


def test_the_trace_names_rule_clause_switch_and_every_number() -> None:
    result = month(unit("a", "80", events=(Event("D2", None, 3, "E1"),)))["a"]
    steps = {step.rule: step for step in result.trace}
    assert steps["D2"].clause == "六、减分项目（二）"
    assert steps["specials"].switch == "QA1=mean_applicable"
    assert steps["weighted_sum"].result == "80"
    assert steps["events"].inputs == {"weighted_sum": "80", "events": "-3"}
    assert steps["events"].result == "77"
    assert steps["grade"].result == "pass"
    assert steps["R3"].clause is not None and "2万元" in steps["R3"].clause
