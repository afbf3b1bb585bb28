"""The digital-city score of ours: curves, what applies, what is missing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic import ValidationError

from scoring.policy import Curve, DigitalPolicy, Measure, Score, score
from scoring.rules import Title


def curve(code: str, weight: str = "10", **more: object) -> Curve:
    """A rate: full marks at 90, none at 50."""
    given = {"platform": "lighting", "direction": "higher", "full_at": "90", "zero_at": "50"}
    return Curve.model_validate({"code": code, "weight": weight, **given, "source": "t", "confidence": "t", **more})


def policy(*curves: Curve, **more: object) -> DigitalPolicy:
    """A policy for one league."""
    return DigitalPolicy.model_validate(
        {
            "policy": "digital", "version": "1", "title": Title(zh="t", en="t"), "ours": True,
            "note": "本平台拟定",
            "minimum_coverage": "0.6", "partial": "available_if_minimum", "no_denominator": "not_applicable",
            "leagues": {"territory": list(curves)}, **more,
        }
    )  # fmt: skip


def of(rules: DigitalPolicy, values: dict[str, Measure], **more: object) -> Score:
    """The score of unit `a` in county `k`; values by code, `k:CODE` for the county's."""
    keyed = {(name.removeprefix("k:"), "k" if name.startswith("k:") else "a"): v for name, v in values.items()}
    given: dict[str, object] = {"unit": "a", "county": "k", "owned": frozenset(), "seasons": frozenset()}
    return score(rules, "territory", values=keyed, **(given | more))  # type: ignore[arg-type]


def ok(value: str) -> Measure:
    """A value in state ok."""
    return Measure(Decimal(value), "ok")


@pytest.mark.parametrize(("value", "marks"), [("95", "100"), ("90", "100"), ("70", "50"), ("50", "0"), ("12", "0")])
def test_a_rate_where_more_is_better(value: str, marks: str) -> None:
    assert curve("AAA-01").marks(Decimal(value)) == Decimal(marks)


@pytest.mark.parametrize(("value", "marks"), [("0", "100"), ("5", "100"), ("10", "80"), ("30", "0"), ("99", "0")])
def test_a_rate_where_less_is_better(value: str, marks: str) -> None:
    lower = curve("AAA-01", direction="lower", full_at="5", zero_at="30")
    assert lower.marks(Decimal(value)) == Decimal(marks)


def test_a_curve_against_its_direction_is_refused() -> None:
    with pytest.raises(ValidationError, match="direction"):
        curve("AAA-01", direction="lower")


def test_the_score_is_the_weighted_mean_of_marks() -> None:
    found = of(policy(curve("AAA-01", "30"), curve("AAA-02", "10")), {"AAA-01": ok("90"), "AAA-02": ok("70")})
    assert (found.value, found.state, found.coverage) == (Decimal("87.5"), "ok", 1)  # (30*100 + 10*50)/40
    assert [line.weight for line in found.lines] == [Decimal("0.75"), Decimal("0.25")]


def test_a_gap_above_the_minimum_is_provisional_and_named() -> None:
    rules = policy(curve("AAA-01", "60"), curve("AAA-02", "40"))
    found = of(rules, {"AAA-01": ok("70"), "AAA-02": Measure(None, "missing", "feed late")})
    assert (found.value, found.state) == (Decimal(50), "provisional")
    assert found.reason == "缺指标 AAA-02"


def test_a_gap_below_the_minimum_is_missing_not_renormalised() -> None:
    rules = policy(curve("AAA-01", "59"), curve("AAA-02", "41"))
    found = of(rules, {"AAA-01": ok("90")})
    assert (found.value, found.state) == (None, "missing")
    assert found.reason is not None and "59.0%" in found.reason and "AAA-02" in found.reason


def test_hold_wants_everything() -> None:
    rules = policy(curve("AAA-01", "90"), curve("AAA-02", "10"), partial="hold")
    assert of(rules, {"AAA-01": ok("90")}).value is None


def test_a_provisional_indicator_makes_the_score_provisional() -> None:
    found = of(policy(curve("AAA-01")), {"AAA-01": Measure(Decimal(90), "provisional", "coverage 40 %")})
    assert (found.value, found.state, found.reason) == (Decimal(100), "provisional", "暂定指标 AAA-01")


def test_nothing_to_count_does_not_apply_or_is_missing_as_the_policy_says() -> None:
    empty = Measure(None, "no_denominator", "nothing to count")
    values = {"AAA-01": ok("90"), "AAA-02": empty}
    found = of(policy(curve("AAA-01"), curve("AAA-02")), values)
    assert (found.value, found.state, len(found.lines)) == (Decimal(100), "ok", 1)
    assert found.steps[0].inputs["AAA-02"] == "本月无分母"
    strict = of(policy(curve("AAA-01"), curve("AAA-02"), no_denominator="missing"), values)
    assert (strict.value, strict.state) == (None, "missing")


def test_a_county_indicator_is_for_the_owner_of_its_platform() -> None:
    rules = policy(curve("AAA-01"), curve("AAA-02", of="county"))
    values = {"AAA-01": ok("90"), "AAA-02": ok("50"), "k:AAA-02": ok("70")}
    assert of(rules, values).value == Decimal(100)
    assert of(rules, values, owned=frozenset({"lighting"})).value == Decimal(75)


def test_out_of_season_does_not_apply() -> None:
    rules = policy(curve("AAA-01"), curve("AAA-02", only_in="heating"))
    values = {"AAA-01": ok("90"), "AAA-02": ok("50")}
    assert of(rules, values).value == Decimal(100)
    assert of(rules, values, seasons=frozenset({"heating"})).value == Decimal(50)


def test_a_unit_to_which_nothing_applies_is_missing() -> None:
    found = of(policy(curve("AAA-01", of="county")), {})
    assert (found.value, found.state, found.reason) == (None, "missing", "没有适用的指标")
