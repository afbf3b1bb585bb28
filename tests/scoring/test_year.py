"""Counters through the year (R2, P2 to P4) and the year's mean and prizes (R4)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from scoring.annual import YearResult, compute_year
from scoring.result import MonthScore
from tests.scoring.months import RULES, fired, month, unit


def of(period_scores: Mapping[str, str]) -> tuple[MonthScore, ...]:
    """A month from unit → score."""
    return tuple(MonthScore(name, "territory", Decimal(score)) for name, score in period_scores.items())


def scores(last: str = "70", first: str = "91") -> dict[str, str]:
    """d is last with `last`, a is first with `first`."""
    return {"a": first, "b": "85", "c": "80", "d": last}


def now(
    earlier: dict[str, tuple[MonthScore, ...]], period: str, this: dict[str, str], **switches: str
) -> dict[str, list[str]]:
    """Fired rules by unit."""
    units = [unit(name, score) for name, score in this.items()]
    return {name: fired(r) for name, r in month(*units, period=period, earlier=earlier, **switches).items()}


def test_first_time_last_and_failed_is_p1_only() -> None:
    assert now({}, "2026-01", scores())["d"] == ["P1"]


def test_second_time_not_running_is_p2() -> None:
    earlier = {"2026-01": of(scores()), "2026-02": of(scores(last="79"))}
    assert now(earlier, "2026-03", scores())["d"] == ["P1", "P2"]


def test_two_running_months_are_p2_and_p3_and_the_third_adds_p4() -> None:
    earlier = {"2026-02": of(scores())}
    assert now(earlier, "2026-03", scores())["d"] == ["P1", "P2", "P3"]
    earlier["2026-03"] = of(scores())
    assert now(earlier, "2026-04", scores())["d"] == ["P1", "P2", "P3", "P4"]
    assert now(earlier, "2026-04", scores(), QB1="exactly")["d"] == ["P1", "P3", "P4"]
    assert now(earlier, "2026-04", scores(), QA8="calendar_year_most_severe")["d"] == ["P1", "P4"]


def test_last_with_a_passing_score_counts_for_nothing() -> None:
    earlier = {"2026-02": of(scores(last="75")), "2026-03": of(scores(last="75"))}
    assert now(earlier, "2026-04", scores(last="75"))["d"] == ["P1"]


def test_a_month_without_a_result_breaks_the_run() -> None:
    earlier = {"2026-02": of(scores())}
    assert now(earlier, "2026-04", scores())["d"] == ["P1", "P2"]


def test_the_year_ends_the_count_unless_the_window_rolls() -> None:
    earlier = {"2025-12": of(scores())}
    assert now(earlier, "2026-01", scores())["d"] == ["P1"]
    assert now(earlier, "2026-01", scores(), QA8="rolling_12_months")["d"] == ["P1", "P2", "P3"]
    old = {"2025-01": of(scores())}
    assert now(old, "2026-01", scores(), QA8="rolling_12_months")["d"] == ["P1"]


def test_qa7_the_line_of_failing() -> None:
    earlier = {"2026-02": of(scores())}
    assert now(earlier, "2026-03", scores(), QA7="below_60")["d"] == ["P1"]
    low = {"2026-02": of(scores(last="59"))}
    assert now(low, "2026-03", scores(last="59.9"), QA7="below_60")["d"] == ["P1", "P2", "P3"]


def test_r2_three_times_first_and_excellent() -> None:
    earlier = {"2026-01": of(scores()), "2026-02": of(scores(first="89"))}
    assert now(earlier, "2026-03", scores())["a"] == ["R1", "R3"]
    earlier["2026-03"] = of(scores())
    assert now(earlier, "2026-04", scores())["a"] == ["R1", "R2", "R3"]
    assert now(earlier, "2026-04", scores(), QA9="consecutive")["a"] == ["R1", "R3"]
    earlier["2026-04"] = of(scores())
    assert now(earlier, "2026-05", scores())["a"] == ["R1", "R2", "R3"]
    assert now(earlier, "2026-05", scores(), QA9="cumulative_reset")["a"] == ["R1", "R3"]
    assert now(earlier, "2026-05", scores(), QA9="consecutive")["a"] == ["R1", "R2", "R3"]


def test_qa15_the_cash_of_the_first_may_be_the_years() -> None:
    assert now({}, "2026-01", scores(), QA15="annual")["a"] == ["R1"]
    year = by_unit({"2026-01": of(scores())}, QA15="annual")
    assert [c.rule for c in year["a"].consequences] == ["R3", "R4"]
    assert year["a"].money_yuan == Decimal(120000)


def by_unit(months: dict[str, tuple[MonthScore, ...]], **switches: str) -> dict[str, YearResult]:
    """Year results by unit."""
    return {result.unit: result for result in compute_year(RULES, "2026", months, switches)}


def test_the_year_is_the_mean_of_its_months() -> None:
    months = {
        "2026-01": of({"a": "90", "b": "80"}),
        "2026-02": of({"a": "85", "b": "80"}),
        "2025-12": of({"a": "1"}),
    }
    year = by_unit(months)
    assert (year["a"].score, year["a"].months, year["a"].grade) == (
        Decimal("87.5"),
        ("2026-01", "2026-02"),
        "good",
    )
    assert year["b"].place is not None and year["b"].place.rank == 2


def test_a_month_that_is_not_final_does_not_count() -> None:
    open_month = (MonthScore("a", "territory", Decimal(10), final=False),)
    assert by_unit({"2026-01": of({"a": "90"}), "2026-02": open_month})["a"].score == Decimal(90)


def test_qa13_which_months() -> None:
    months = {"2026-01": of({"a": "90"}), "2026-02": of({"a": "90"})}
    assert by_unit(months, QA13="all_twelve")["a"].score is None
    assert by_unit(months, QA13="missing_as_zero")["a"].score == Decimal(15)
    whole = {f"2026-{n:02d}": of({"a": "90"}) for n in range(1, 13)}
    assert by_unit(whole, QA13="all_twelve")["a"].score == Decimal(90)


def test_qa14_the_basis_of_the_mean() -> None:
    one = (MonthScore("a", "territory", Decimal("88.006"), Decimal("86.006"), Decimal(2)),)
    months = {"2026-01": one}
    expected = {
        "adjusted_unrounded": "88.006",
        "adjusted_rounded": "88.01",
        "raw_unrounded": "86.006",
        "raw_rounded": "86.01",
    }
    for option, score in expected.items():
        assert by_unit(months, QA14=option)["a"].score == Decimal(score)


def test_qa3_annual_only_adds_the_points_to_the_mean() -> None:
    months = {
        "2026-01": (MonthScore("a", "territory", Decimal(80), Decimal(80), Decimal(2)),),
        "2026-02": (MonthScore("a", "territory", Decimal(90), Decimal(90), Decimal(-1)),),
    }
    assert by_unit(months, QA3="annual_only")["a"].score == Decimal(86)


def prizes(year: dict[str, YearResult]) -> dict[str, tuple[str, int]]:
    """unit → prize and money."""
    return {name: (r.consequences[0].action[0], int(r.money_yuan)) for name, r in year.items() if r.consequences}


def test_r4_one_first_and_two_second_prizes_from_85() -> None:
    year = by_unit({"2026-01": of({"a": "92", "b": "85", "c": "90", "d": "84.999", "e": "86"})})
    assert prizes(year) == {"a": ("一等奖", 100000), "c": ("二等奖", 50000), "e": ("二等奖", 50000)}


def test_qa16_fewer_than_three() -> None:
    months = {"2026-01": of({"a": "92", "b": "80"})}
    assert prizes(by_unit(months)) == {"a": ("一等奖", 100000)}
    assert prizes(by_unit(months, QA16="none_unless_all")) == {}


def test_ties_for_a_prize_are_left_to_people() -> None:
    year = by_unit({"2026-01": of({"a": "92", "b": "92", "c": "90", "d": "80"})})
    assert prizes(year) == {"a": ("一等奖、二等奖", 0), "b": ("一等奖、二等奖", 0), "c": ("二等奖", 50000)}
    assert year["a"].consequences[0].note == "2 个单位并列，由人决定"
    both = by_unit({"2026-01": of({"a": "92", "b": "90", "c": "90", "d": "80"})})
    assert prizes(both)["b"] == ("二等奖", 50000)


def test_qa17_the_first_prize_may_need_an_excellent_year() -> None:
    months = {"2026-01": of({"a": "89", "b": "86"})}
    assert prizes(by_unit(months))["a"] == ("一等奖", 100000)
    assert prizes(by_unit(months, QA17="first_needs_best"))["a"] == ("二等奖", 50000)
