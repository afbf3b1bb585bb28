"""Why is this unit's figure lower than yesterday? One command, down to the rows and the bytes they came in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from cityhub.errors import Usage
from scoring.why.answer import why_changed
from scoring.why.say import lines, sentence
from tests.plan.town import CODE, DAYS, FEED, TABLE, Town, tasks
from tests.scoring.county import MONTH
from warehouse import lake

pytestmark = pytest.mark.xdist_group("plan")


@pytest.fixture
def corrected(town: Town, monkeypatch: pytest.MonkeyPatch) -> tuple[Town, str]:
    """The platform corrected two tasks of 19 November, one with a length that is refused; published again."""
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-22T01:15:00+08:00")
    rows = tasks(DAYS[1], t1920=1.0, t1921=-3.0)
    result = town.deliver(DAYS[1], rows)
    town.night(DAYS[1])
    town.night(DAYS[2])
    town.publish()
    return town, result.load_id


def test_the_answer_leads_from_the_score_to_the_row_and_its_bytes(corrected: tuple[Town, str]) -> None:
    town, load_id = corrected
    tree = why_changed(town.settings, "产业聚集区管委会", None, MONTH)
    assert (tree["from"]["publication"], tree["to"]["publication"]) == (1, 2)
    (part,) = tree["score"]["components"]
    (member,) = part["members"]
    assert (part["component"], member["component"]) == ("digital", f"digital.{CODE}")
    (item,) = tree["indicators"]
    assert item["numerator"] == [54.0, 50.5] and item["denominator"] == [60.0, 60.0]
    (day,) = item["days"]
    assert (day["day"], day["new"], day["numerator"]) == ("2026-11-19", False, [18.0, 14.5])
    (table,) = tree["rows"]
    assert (table["table"], table["changed"], table["inserted"], table["removed"]) == (TABLE, 1, 0, 0)
    assert table["rows"] == [
        {"what": "changed", "key": {"task_id": "t1920"}, "before": {"done_km": 4.5}, "after": {"done_km": 1.0},
         "load_id": load_id}
    ]  # fmt: skip
    assert [(row["reason"], row["field"], row["after"], row["rows"]) for row in tree["quarantine"]] == [
        ("out_of_range", "done_km", "open", 1)
    ]
    (load,) = [load for load in tree["loads"] if load["load_id"] == load_id]
    assert [len(file["sha256"]) for file in load["files"]] == [64]
    assert {row["load_ids"] for row in tree["restated"] if row["period"] == "2026-11-19"} == {load_id}
    said = sentence(tree)
    assert said.startswith("产业聚集区管委会 2026-11 总分由") and "下降" in said
    assert "2026-11-19重算" in said and "分子 54 → 50.5" in said
    text = "\n".join(lines(tree))
    assert "改变 task_id=t1920：done_km 4.5 → 1" in text and load["files"][0]["sha256"] in text
    json.dumps(tree, default=str)


def test_contributions_add_up_to_the_difference(corrected: tuple[Town, str]) -> None:
    town, _ = corrected
    town.run("UPDATE manual_office SET score = 93.7 WHERE unit = 'juji' AND office = 'peace'")
    town.event("E1", "B1", "juji", level="national")
    town.night(DAYS[2])
    town.publish()
    tree = why_changed(town.settings, "juji", None, MONTH, first="1")
    score = tree["score"]
    old, new = (Decimal(value) for value in score["score"])
    assert Decimal(score["difference"]) == new - old != 0
    assert {part["component"] for part in score["components"]} == {"digital", "peace", "events"}
    parts = sum(Decimal(part["points"]) for part in score["components"])
    assert parts + Decimal(score["rest"]) == new - old
    assert abs(Decimal(score["rest"])) < Decimal("0.000001")
    for part in score["components"]:
        if part["members"]:
            told = sum(Decimal(item["points"]) for item in part["members"])
            assert told + Decimal(part["rest"]) == Decimal(part["points"])
            assert abs(Decimal(part["rest"])) < Decimal("0.005"), "only what rounding leaves"


def test_an_indicator_of_a_day_and_the_lake_as_it_is_now(corrected: tuple[Town, str]) -> None:
    town, _ = corrected
    town.deliver(DAYS[2], tasks(DAYS[2], t2020=0.5))
    town.night(DAYS[2])
    tree = why_changed(town.settings, "juji", CODE, "2026-11-20", first="2", last="now", limit=0)
    (item,) = tree["indicators"]
    assert item["numerator"] == [18.0, 14.0]
    assert "仓库现状" in sentence(tree)
    (table,) = tree["rows"]
    assert (table["changed"], table["rows"]) == (1, []) and "另有 1 行未列出" in "\n".join(lines(tree))


def test_after_the_snapshots_are_gone_the_loads_still_answer(corrected: tuple[Town, str]) -> None:
    town, load_id = corrected
    with lake.lock(town.settings, "lake"):
        town.con.execute("CALL ducklake_expire_snapshots('lake', older_than => now() + INTERVAL 1 DAY)")
    tree = why_changed(town.settings, "juji", None, MONTH)
    assert tree["snapshots_kept"] is False and tree["rows"] == []
    assert tree["indicators"][0]["numerator"] == [54.0, 50.5]
    assert load_id in {load["load_id"] for load in tree["loads"]}
    assert "快照已过保留期" in "\n".join(lines(tree))


def test_what_cannot_be_compared_says_what_there_is(town: Town) -> None:
    with pytest.raises(Usage, match="CH-WHY-001"):
        why_changed(town.settings, "juji", None, MONTH)
    town.deliver(DAYS[2], tasks(DAYS[2], done=4.0))
    town.night(DAYS[2])
    town.publish()
    with pytest.raises(Usage, match="CH-WHY-002"):
        why_changed(town.settings, "juji", None, MONTH, first="2020-01-01")
    with pytest.raises(Usage, match="CH-SCORE-006"):
        why_changed(town.settings, "某某镇", None, MONTH)
    with pytest.raises(Usage, match="CH-WHY-003"):
        why_changed(town.settings, "juji", "SAN-99", MONTH)
    assert why_changed(town.settings, "juji", None, MONTH, first="2026-11-21", last="2")["from"]["publication"] == 2


def test_the_command_names_the_feed_and_prints_json(corrected: tuple[Town, str], capsys: Any) -> None:
    from typer.testing import CliRunner

    from cli.main import app

    done = CliRunner().invoke(app, ["why-changed", "juji", CODE, "--month", MONTH, "--json"])
    assert done.exit_code == 0, done.output
    tree = json.loads(done.output)
    assert tree["indicators"][0]["feeds"] == [FEED] and tree["sentence"].startswith("产业聚集区管委会")
