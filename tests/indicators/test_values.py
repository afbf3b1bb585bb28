"""Sums and states as properties: parts add up, and what is missing is never a number."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.definitions import Definition, read_all
from indicators.delivered import Standing
from indicators.period import around, of_day, of_month
from indicators.run import Sums, exact, total
from indicators.values import settle

DEFINITIONS = list(read_all().values())
counts = st.one_of(st.none(), st.integers(0, 10**6))
parts = st.builds(
    Sums,
    numerator=st.one_of(st.none(), st.integers(-(10**6), 10**6).map(float)),
    denominator=st.one_of(st.none(), st.integers(0, 10**6).map(float)),
    n_expected=counts,
    n_valid=counts,
)
reasons = st.one_of(st.none(), st.just("a reason"))
definitions = st.sampled_from(DEFINITIONS)


@given(st.lists(parts, max_size=12), st.integers(0, 12))
def test_days_add_up_however_they_are_grouped(days: list[Sums], cut: int) -> None:
    assert total([total(days[:cut]), total(days[cut:])]) == total(days)


@given(definitions, st.one_of(st.none(), parts), st.just("the feed failed"), reasons)
def test_a_missing_delivery_never_has_a_number(
    definition: Definition, sums: Sums | None, missing: str, provisional: str | None
) -> None:
    row = settle(definition, "u", "day", "d", sums=sums, standing=Standing(missing, provisional))
    assert (row.state, row.reason, row.coverage) == ("missing", missing, 0)
    assert row.value is row.numerator is row.denominator is None


@given(definitions, st.one_of(st.none(), parts), reasons)
def test_a_value_has_a_state_and_a_state_has_its_reason(
    definition: Definition, sums: Sums | None, provisional: str | None
) -> None:
    row = settle(definition, "u", "day", "d", sums=sums, standing=Standing(provisional=provisional))
    assert (row.value is None) == (row.state == "no_denominator")
    assert (row.reason is None) == (row.state == "ok")
    if definition.absent == "none" and sums is None:
        assert row.value is None
    if provisional and row.value is not None:
        assert row.state == "provisional"
    if row.coverage is not None:
        assert 0 <= row.coverage <= 1


@given(st.floats(1e-9, 1e12), st.floats(-1e-14, 1e-14))
def test_the_noise_of_parallel_sums_is_no_change(number: float, noise: float) -> None:
    first, second = exact(number), exact(number * (1 + noise))
    assert first is not None and second is not None
    assert abs(first - second) <= 1e-11 * abs(number)


@pytest.mark.parametrize(
    ("month", "as_of", "days"),
    [
        ("2026-02", date(2026, 2, 28), 28),
        ("2026-12", date(2027, 1, 5), 31),
        ("2026-11", date(2026, 11, 1), 1),
        ("2026-11", date(2026, 10, 9), 0),
    ],
)
def test_a_month_reaches_from_its_first_day_to_as_of(month: str, as_of: date, days: int) -> None:
    assert len(of_month(month, as_of).days()) == days


def test_a_day_has_86_400_seconds_in_shanghai() -> None:
    given_ = of_day(date(2026, 11, 20)).parameters()
    assert int(str(given_["to_ms"])) - int(str(given_["from_ms"])) == 86_400_000
    assert given_["from_ms"] == 1795104000000  # 2026-11-19T16:00:00Z


def test_a_quarter_and_a_year_reach_to_their_last_computed_day() -> None:
    days = {date(2026, 9, 30), date(2026, 10, 5), date(2026, 12, 2), date(2027, 1, 1)}
    found = {period.name: (period.first, period.last) for period in around([date(2026, 10, 5)], days)}
    assert found == {
        "2026-W41": (date(2026, 10, 5), date(2026, 10, 5)),
        "2026-Q4": (date(2026, 10, 1), date(2026, 12, 2)),
        "2026": (date(2026, 1, 1), date(2026, 12, 2)),
    }
    assert [period.name for period in around([date(2026, 8, 2)], days)] == ["2026-Q3", "2026"]


def test_a_week_is_of_the_year_of_its_thursday_and_a_season_of_the_year_in_which_it_begins() -> None:
    new_year = date(2027, 1, 1)
    found = {period.name: (period.first, period.end) for period in around([new_year], {date(2026, 12, 28), new_year})}
    assert found == {
        "2026-W53": (date(2026, 12, 28), date(2027, 1, 2)),
        "2027-Q1": (new_year, date(2027, 1, 2)),
        "2027": (new_year, date(2027, 1, 2)),
        "2026-2027": (date(2026, 11, 15), date(2027, 1, 2)),
    }


@pytest.mark.parametrize("day, heated", [((11, 14), False), ((11, 15), True), ((3, 15), True), ((3, 16), False)])
def test_the_heating_season_has_both_its_last_days(day: tuple[int, int], heated: bool) -> None:
    one = date(2026, *day)
    assert ("season" in {period.kind for period in around([one], {one})}) is heated
