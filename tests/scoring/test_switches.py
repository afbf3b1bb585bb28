"""Every open choice is a switch, and every option of every switch changes what it says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from scoring.result import Event
from scoring.switches import FALLBACK
from tests.scoring.months import CAMPAIGNS, RULES, fired, month, unit

HALF = dict.fromkeys(CAMPAIGNS[:4], "80")


def test_all_ambiguities_are_switches_with_their_defaults() -> None:
    assert {switch.id for switch in RULES.switches} == {f"QA{n}" for n in range(1, 22)} | {"QB1"}
    for switch in RULES.switches:
        assert FALLBACK[switch.name] == switch.default, f"{switch.id}: the engine's default is another"
        assert switch.question and all(switch.options.values())


def test_qa1_mean_all_wants_all_eight() -> None:
    assert month(unit("a", specials=HALF))["a"].score == Decimal(80)
    assert month(unit("a", specials=HALF), QA1="mean_all")["a"].score is None


def test_qa1_weighted_uses_the_members_weights() -> None:
    heavy = RULES.model_copy(deep=True)
    members = heavy.components[1].members
    object.__setattr__(members[0], "weight", Decimal(3))
    from scoring.engine import compute
    from scoring.result import Inputs

    units = (unit("a", "0", specials={CAMPAIGNS[0]: "90", CAMPAIGNS[1]: "50"}),)
    plain = compute(heavy, Inputs("2026-11", units))[0]
    weighted = compute(heavy, Inputs("2026-11", units, {"QA1": "weighted"}))[0]
    assert plain.score == Decimal(28)  # 0.4 * 70
    assert weighted.score == Decimal(32)  # 0.4 * (3*90 + 50)/4


@pytest.mark.parametrize(
    ("option", "score"),
    [("hold", None), ("renormalise", "90"), ("zero", "88.2"), ("full", "90.2")],
)
def test_qa2_missing_component(option: str, score: str | None) -> None:
    # peace (2 %) is missing, all else 90: 88.2 without it; renormalised 88.2/0.98 = 90
    result = month(unit("a", "90", peace=None), QA2=option)["a"]
    assert result.score == (None if score is None else Decimal(score))
    assert result.state == ("provisional" if score is None else "ok")
    if score is not None:
        assert any(step.switch == f"QA2={option}" for step in result.trace), "never silently"


def test_qa3_where_event_points_go() -> None:
    events = (Event("B2", None, 4, "E1"),)
    a = unit("a", "80", events=events)
    assert month(a)["a"].score == Decimal(84)
    assert month(a, QA3="to_component")["a"].score == Decimal(82)  # 0.5 * 4
    only = month(a, QA3="annual_only")["a"]
    assert (only.score, only.event_points) == (Decimal(80), Decimal(4))


def test_qa4_clamp() -> None:
    a = unit("a", "99", events=(Event("B2", None, 4, "E1"),))
    assert (month(a)["a"].score, month(a)["a"].shown) == (Decimal(103), "103.00")
    assert (month(a, QA4="display")["a"].score, month(a, QA4="display")["a"].shown) == (
        Decimal(103),
        "100.00",
    )
    assert month(a, QA4="stored")["a"].score == Decimal(100)


def test_qa5_cap_over_all_bonuses() -> None:
    a = unit("a", "80", events=(Event("B1", "national", 1, "E1"), Event("B3", None, 4, "E2")))
    assert month(a)["a"].event_points == Decimal(4)
    assert month(a, QA5="all_bonuses")["a"].event_points == Decimal(3)


def test_qa6_stack() -> None:
    a = unit("a", "80", events=(Event("B1", "national", 1, "E1"), Event("B1", "municipal", 1, "E1")))
    assert month(a)["a"].event_points == Decimal(2)
    assert month(a, QA6="stack")["a"].event_points == Decimal("2.5")


def test_qa10_ties() -> None:
    units = (unit("a", "90"), unit("b", "90"), unit("c", "90"), unit("d", "80"), unit("e", "79.999"))
    split = month(*units, QA10="competition_split")
    assert [split[name].money_yuan for name in "abc"] == [Decimal("6666.66")] * 3
    assert [month(*units, QA10="dense_share")[name].rank for name in "abcde"] == [1, 1, 1, 2, 3]
    assert [month(*units)[name].rank for name in "abcde"] == [1, 1, 1, 4, 5]
    near = (unit("a", "90.004"), unit("b", "90.001"), unit("c", "80"), unit("d", "70"))
    assert [month(*near)[name].rank for name in "ab"] == [1, 2]
    assert [month(*near, QA10="rounded_share")[name].rank for name in "ab"] == [1, 1]


def test_qa11_one_table_or_the_letter() -> None:
    units = (unit("a", "90"), unit("b", "70"), unit("x", "80", league="department"))
    joint = month(*units, QA11="joint")
    assert [joint[name].rank for name in "abx"] == [1, 3, 2]
    literal = month(*units, QA11="separate_literal")
    assert fired(literal["b"]) == ["R1", "P1"]  # two units: both among the first two and the last two
    assert fired(literal["x"]) == ["R1", "P1", "R3"]
    assert fired(month(*units)["b"]) == ["P1"]


def test_qa12_rounded_before_grading() -> None:
    assert month(unit("a", "89.995"))["a"].grade_zh == "良好"
    assert month(unit("a", "89.995"), QA12="rounded_2")["a"].grade_zh == "优秀"


def test_qa20_one_record_counts_once() -> None:
    a = unit("a", "80", events=(Event("D2", None, 3, "E1"),))
    assert month(a)["a"].event_points == Decimal(-3)
    assert month(a, QA20="record")["a"].event_points == Decimal(-1)


def test_a_switch_may_be_given_by_name_as_well() -> None:
    assert month(unit("a", "90", peace=None), missing_component="zero")["a"].score == Decimal("88.2")


@pytest.mark.parametrize(("option", "score"), [("renormalise", "90"), ("zero", "78"), ("full", "91.33333333333333332")])
def test_qa2_missing_campaign(option: str, score: str) -> None:
    # three campaigns, one missing, all else 90: with zero the mean is 60, so 0.4*60 + 0.6*90 = 78;
    # with full marks 280/3, so 0.4*93.333… + 54 = 91.333…
    specials = {CAMPAIGNS[0]: "90", CAMPAIGNS[1]: "90", CAMPAIGNS[2]: None}
    assert month(unit("a", "90", specials=specials), QA2=option)["a"].score == Decimal(score)
