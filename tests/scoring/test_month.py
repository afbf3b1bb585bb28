"""A month's score from a real lake. Each test has a year of its own on one lake; none sees another's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cityhub.errors import Stop
from scoring.month import Scored, score_month
from scoring.report import ranking_rows
from tests.scoring.county import DEPARTMENTS, TERRITORIES, UNITS, County

pytestmark = pytest.mark.xdist_group("scoring-month")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> County:
    """One lake with the manual tables."""
    found = County(tmp_path_factory.mktemp("county"))
    found.manual_tables()
    return found


def scored(county: County, month: str, day: str | None = None, **switches: str) -> Scored:
    """Score as of a day, the month's 28th when none is given (all months here are Februaries)."""
    return score_month(county.settings, month, date.fromisoformat(day or f"{month}-28"), switches)


def test_a_whole_month_by_hand(county: County) -> None:
    month = "2021-02"
    county.scores(month, special="88", office="90", but={"chengjiao": "70"})
    county.digital(month, **dict.fromkeys(UNITS, "90"))
    county.event("E21-1", "B1", "juji", level="provincial", on=date(2021, 2, 9))
    county.event("E21-2", "D2", "jincheng", count=2, on=date(2021, 2, 10))
    results = {r.unit: r for r in scored(county, month).results}
    # 0.5*90 + 0.4*88 + 0.1*90 = 45 + 35.2 + 9 = 89.2; juji +1, jincheng -2; chengjiao 45 + 0.5*70 = 80
    assert {name: str(r.score) for name, r in results.items()} == {
        "jincheng": "87.2",
        "juji": "90.2",
        "wulihe": "89.2",
        "chengjiao": "80",
        "cgj": "89.2",
        "gaj": "89.2",
    }
    assert [results[name].rank for name in TERRITORIES] == [3, 1, 2, 4]
    assert [results[name].rank for name in DEPARTMENTS] == [1, 1]
    assert {r.state for r in results.values()} == {"ok"}
    stored = county.rows(
        "SELECT unit_code, sum(points) FROM score WHERE period = '2021-02' AND component NOT LIKE '%.%' GROUP BY 1"
    )
    assert dict(stored) == {name: r.score for name, r in results.items()}
    by_hand = county.rows("SELECT DISTINCT source, state FROM score WHERE period = '2021-02' AND component = 'digital'")
    assert by_hand == [("manual_digital", "ok")]


def test_the_digital_score_comes_from_indicators_and_a_given_one_replaces_it(county: County) -> None:
    month = "2022-02"
    county.scores(month)
    county.indicators(month, value=90.0)
    county.digital(month, jincheng="77.5")
    results = {r.unit: r for r in scored(county, month).results}
    digital = {name: r.components[0] for name, r in results.items()}
    assert (digital["jincheng"].value, digital["jincheng"].source) == (Decimal("77.5"), "manual_digital")
    assert digital["juji"].source == "policy digital 1"
    # gaj owns no platform: only its own four cases indicators. 85.714285714286, 100, 85.714285714286 and 0
    # (rework 90 %) times 14, 16, 10, 10 of 50: (1200 + 1600 + 857.14…)/50 = 73.142857142857…
    assert digital["gaj"].value == Decimal("73.142857142857")
    assert len(digital) == 6 and digital["juji"].state == "ok"
    ours_only = {r.unit: r.components[0] for r in scored(county, month, QA18="policy_only").results}
    assert ours_only["jincheng"].source == "policy digital 1"
    by_hand_only = {r.unit: r for r in scored(county, month, QA18="manual_only").results}
    assert by_hand_only["jincheng"].score is not None
    assert (by_hand_only["juji"].score, by_hand_only["juji"].state) == (None, "provisional")


def test_a_second_run_writes_nothing_and_keeps_its_as_of(county: County) -> None:
    month = "2023-02"
    county.scores(month)
    county.indicators(month)
    assert scored(county, month).written
    before, as_of = (
        county.snapshots(),
        county.rows("SELECT DISTINCT as_of FROM ranking WHERE period = '2023-02'"),
    )
    again = scored(county, month)
    assert not again.written
    assert county.snapshots() == before
    assert county.rows("SELECT DISTINCT as_of FROM ranking WHERE period = '2023-02'") == as_of
    county.event("E23-1", "B2", "juji", on=date(2023, 2, 3))
    assert scored(county, month).written
    assert county.rows("SELECT count(*), count(DISTINCT unit_code) FROM ranking WHERE period = '2023-02'") == [(6, 6)]


def test_before_the_month_is_over_everything_is_provisional(county: County) -> None:
    month = "2024-02"
    county.scores(month)
    county.indicators(month)
    early = scored(county, month, "2024-02-10")
    assert {r.state for r in early.results} == {"provisional"}
    assert all(r.score is not None and r.reason == "本月未结束" for r in early.results)
    assert {r.state for r in scored(county, month, "2024-02-29").results} == {"ok"}


def test_nothing_delivered_is_missing_and_not_zero(county: County) -> None:
    found = scored(county, "2025-02")
    assert {(r.score, r.rank, r.grade) for r in found.results} == {(None, None, None)}
    assert {r.state for r in found.results} == {"missing"}
    assert (found.scored, found.held) == (0, 6)
    rows = ranking_rows(county.settings, "2025-02")
    assert len(rows) == 6
    assert {row.completeness for row in rows} == {"0.0%"}
    assert all(row.reason and "县文明办考核成绩未报送" in row.reason for row in rows)


def test_a_territory_misses_an_empty_campaign_and_a_department_takes_no_part(county: County) -> None:
    month = "2026-02"
    county.scores(month)
    county.digital(month, **dict.fromkeys(UNITS, "90"))
    county.run(
        "UPDATE manual_special SET score = NULL WHERE month = '2026-02' AND campaign = 'roads' "
        "AND unit IN ('juji', 'cgj')"
    )
    results = {r.unit: r for r in scored(county, month).results}
    assert (results["juji"].score, results["juji"].state) == (None, "provisional")
    assert results["juji"].reason == "专项考核得分缺项：城市道路管理养护专项整治"
    assert results["cgj"].score == Decimal("89.2")
    county.scores("2026-03")
    county.digital("2026-03", **dict.fromkeys(UNITS, "90"))
    county.run("DELETE FROM manual_special WHERE month = '2026-03' AND campaign = 'facades' AND unit = 'gaj'")
    later = {r.unit: r for r in scored(county, "2026-03", "2026-03-31").results}
    assert later["gaj"].score is None, "scored for it in February, no cell in March"
    assert later["gaj"].reason is not None and "街景立面" in later["gaj"].reason


def test_a_late_feed_makes_one_unit_provisional_and_leaves_the_rest(county: County) -> None:
    month = "2027-02"
    county.scores(month)
    county.indicators(month)
    county.run(
        "UPDATE indicator_value SET state = 'provisional', reason = 'coverage 40%' "
        "WHERE period = '2027-02' AND code = 'SAN-02' AND unit_code = 'wulihe'"
    )
    results = {r.unit: r for r in scored(county, month).results}
    assert results["wulihe"].state == "provisional"
    assert results["wulihe"].reason == "数字城管：暂定指标 SAN-02"
    assert {results[name].state for name in UNITS if name != "wulihe"} == {"ok"}
    row = next(row for row in ranking_rows(county.settings, month) if row.unit_code == "wulihe")
    assert row.completeness == "96.3%"  # 26 of 27 inputs: 8 campaigns, 4 offices, 15 indicators


def test_counters_run_through_the_months_of_the_year(county: County) -> None:
    for number in (1, 2, 3):
        month = f"2028-{number:02d}"
        county.scores(month, but={"chengjiao": "60"})
        county.digital(month, **dict.fromkeys(UNITS, "90") | {"chengjiao": "60"})
        results = {r.unit: r for r in scored(county, month, f"{month}-31" if number != 2 else "2028-02-29").results}
    assert [item.rule for item in results["chengjiao"].consequences] == ["P1", "P2", "P3", "P4"]


def test_only_units_of_the_month_are_assessed(county: County) -> None:
    month = "2029-02"
    county.scores(month)
    county.digital(month, **dict.fromkeys(UNITS, "90"))
    county.run("UPDATE unit SET valid_to = DATE '2029-02-01' WHERE unit_code = 'wulihe'")
    try:
        assert {r.unit for r in scored(county, month).results} == set(UNITS) - {"wulihe"}
        county.run("UPDATE unit SET valid_to = DATE '2029-02-02' WHERE unit_code = 'wulihe'")
        assert {r.unit for r in scored(county, month).results} == set(UNITS)
    finally:
        county.run("UPDATE unit SET valid_to = NULL WHERE unit_code = 'wulihe'")


def test_qa21_the_month_of_an_event(county: County) -> None:
    month = "2030-02"
    county.scores(month)
    county.digital(month, **dict.fromkeys(UNITS, "90"))
    county.event("E30-1", "B2", "juji", on=date(2030, 1, 31))
    county.run("UPDATE manual_event SET service_day = DATE '2030-02-05' WHERE event_id = 'E30-1'")

    def points(**switches: str) -> Decimal:
        return next(r.event_points for r in scored(county, month, **switches).results if r.unit == "juji")

    assert points() == 0
    assert points(QA21="report_date") == 1
    with pytest.raises(Stop) as caught:
        points(QA21="event_date")
    assert caught.value.code == "CH-SCORE-007"
    assert caught.value.place["column"] == "occurred_on"
    assert caught.value.place["event"] == "E30-1"


def test_a_lake_without_manual_tables_is_a_lake_with_nothing_delivered(tmp_path: Path) -> None:
    bare = County(tmp_path)
    bare.indicators("2026-11")
    results = score_month(bare.settings, "2026-11", date(2026, 11, 30)).results
    assert {r.state for r in results} == {"provisional"}
    assert all(r.score is None for r in results)
    assert ranking_rows(bare.settings, "2026-10") == []
