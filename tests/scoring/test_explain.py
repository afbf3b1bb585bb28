"""`explain`: every number of a month, with rule, clause, switch, inputs and the deliveries behind it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from cityhub.errors import Usage
from cityhub.settings import REPOSITORY
from scoring.explain import Explanation, explain
from scoring.month import score_month
from tests.scoring.county import MONTH, County

pytestmark = pytest.mark.xdist_group("scoring-explain")


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> County:
    """A scored month with the ledger of one feed behind it."""
    found = County(tmp_path_factory.mktemp("county"))
    found.settings.feeds.symlink_to(REPOSITORY / "feeds")
    found.manual_tables()
    found.scores()
    found.indicators()
    found.event("E1", "B1", "juji", level="national")
    names = "feed, platform, service_day, state, landed, loaded, quarantined, load_id, content_sha256"
    found.run(
        f"INSERT INTO delivery ({names}) VALUES "
        "('assessment.special', 'assessment', DATE '2026-11-01', 'checked', 43, 43, 0, 'L1', 'sha1'), "
        "('assessment.special', 'assessment', DATE '2026-11-02', 'held', 40, 38, 2, 'L2', 'sha2')",
        "INSERT INTO indicator (code, platform, title_zh, title_en, unit, direction, formula, kind, roll_up, "
        "tables, definition_sha256) VALUES ('SAN-02', 'sanitation', '城市道路清扫覆盖率', 'x', '%', "
        "'higher', 'a/b', 'ratio', 'sum', 'san_road', 'd')",
    )
    score_month(found.settings, MONTH, date(2026, 11, 30))
    return found


@pytest.fixture(scope="module")
def found(county: County) -> Explanation:
    """The explanation of one unit."""
    return explain(county.settings, "juji", MONTH)


def test_the_tree_adds_up_from_the_leaves(found: Explanation) -> None:
    tree = json.loads(json.dumps(found.tree))
    points = sum(Decimal(item["points"]) for item in tree["components"])
    assert str(points + Decimal(tree["event_points"])) == tree["score"]
    digital = tree["components"][0]
    marks = sum(Decimal(line["weight"]) * Decimal(line["marks"]) for line in digital["indicators"])
    assert abs(marks - Decimal(digital["value"])) < Decimal("1e-9")
    specials = tree["components"][1]
    assert len(specials["members"]) == 8


def test_indicators_show_numerator_denominator_state_and_feeds(found: Explanation) -> None:
    line = next(item for item in found.tree["components"][0]["indicators"] if item["code"] == "SAN-02")
    assert (line["value"], line["numerator"], line["denominator"], line["indicator_state"]) == (
        90.0,
        90.0,
        100.0,
        "ok",
    )
    assert line["curve"] == {"full_at": "95", "zero_at": "70"}
    assert line["feeds"] == [{"table": "san_road", "feed": "sanitation.road"}]


def test_manual_scores_show_their_deliveries(found: Explanation) -> None:
    feed = found.tree["components"][1]["feeds"][0]
    assert (feed["feed"], feed["days"], feed["days_fine"], feed["loaded"]) == ("assessment.special", 2, 1, 81)
    assert (feed["load_id"], feed["content_sha256"]) == ("L2", "sha2")


def test_text_is_chinese_with_codes_and_names_clauses_and_switches(found: Explanation) -> None:
    for part in (
        "产业聚集区管委会（juji）2026-11 月度考核",
        "杞政办〔2021〕5号",
        "SAN-02 城市道路清扫覆盖率（juji）90% = 90 / 100",
        "B1 national ×1",
        "五、加分项目（一）",
        "QA2 missing_component=hold",
        "1/2 天正常（checked, held）",
        "R1 通报表扬",
    ):
        assert part in found.text, part


def test_a_unit_by_its_chinese_name_is_the_same(county: County, found: Explanation) -> None:
    assert explain(county.settings, "产业聚集区管委会", MONTH).tree == found.tree


def test_an_unknown_unit_lists_near_ones_and_an_unscored_month_the_scored(county: County) -> None:
    with pytest.raises(Usage, match="jincheng") as caught:
        explain(county.settings, "jinchen", MONTH)
    assert caught.value.code == "CH-SCORE-006"
    with pytest.raises(Usage, match="五里河镇"):
        explain(county.settings, "五里河", MONTH)
    with pytest.raises(Usage, match=MONTH) as caught:
        explain(county.settings, "juji", "2026-10")
    assert caught.value.code == "CH-SCORE-005"


def test_explaining_writes_nothing(county: County) -> None:
    before = county.snapshots()
    explain(county.settings, "gaj", MONTH)
    assert county.snapshots() == before
