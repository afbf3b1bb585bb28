"""A plan lists what would change before anything does; applying it gives exactly that."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cityhub.errors import Stop, Usage
from flow.plan import ground, make, rules
from flow.plan.apply import apply
from flow.plan.change import Todo
from flow.plan.store import Plan, folder, read
from tests.plan.town import CODE, DAYS, FEED, TABLE, Town, tasks
from tests.scoring.county import MONTH

pytestmark = pytest.mark.xdist_group("plan")


def indicator(plan: Plan, unit: str, period: str = MONTH) -> dict[str, object]:
    (row,) = [
        row for row in plan.changes["indicators"]
        if (row["code"], row["unit_code"], row["period"]) == (CODE, unit, period)
    ]  # fmt: skip
    return row


def test_nothing_new_at_the_source_is_an_empty_plan(town: Town) -> None:
    before = town.state()
    plan = make.backfill(town.settings, FEED, DAYS[0], DAYS[-1])
    assert plan.empty and not plan.problems
    assert town.state() == before


def test_a_backfill_lists_rows_indicators_scores_and_ranks_and_touches_nothing(town: Town) -> None:
    before, score = town.state(), town.score()
    town.file(DAYS[1], [*tasks(DAYS[1], done=2.0), {"id": "bad", "day": DAYS[1], "planned": 5, "done": -1, "xq": "02"}])
    plan = make.backfill(town.settings, FEED, DAYS[1], DAYS[1])
    (rows,) = plan.changes["rows"]
    assert (rows["table"], rows["inserted"], rows["changed"], rows["removed"]) == (TABLE, 0, 16, 0)
    assert rows["sample"][0]["before"] == {"done_km": 4.5} and rows["sample"][0]["after"] == {"done_km": 2.0}
    (refused,) = plan.changes["quarantine"]
    assert (refused["feed"], refused["reason"], refused["before"], refused["after"], refused["rows"]) == (
        FEED, "out_of_range", None, "open", 1,
    )  # fmt: skip
    day, month = indicator(plan, "juji", "2026-11-19"), indicator(plan, "juji")
    assert (day["before"]["value"], day["after"]["value"]) == (90.0, 40.0)  # type: ignore[index]
    assert month["before"]["numerator"] == 54.0 and month["after"]["numerator"] == 44.0  # type: ignore[index]
    (ledger,) = plan.changes["ledger"]
    assert ledger["after"]["quarantined"] == 1
    (rank,) = [row for row in plan.changes["ranking"] if row["unit_code"] == "juji"]
    assert rank["unit_name"] == "产业聚集区管委会"
    assert float(rank["before"]["score"]) == float(score) > float(rank["after"]["score"])
    assert {row["component"] for row in plan.changes["scores"] if row["unit_code"] == "juji"} == {
        "digital", f"digital.{CODE}",
    }  # fmt: skip
    assert plan.changes["publications"] == [
        {"period": MONTH, "number": 1, "status": "provisional", "needs": "next publication"}
    ]
    assert town.state() == before
    assert read(town.settings, plan.id) == plan


def test_apply_takes_the_bytes_that_were_planned_and_gives_what_was_planned(town: Town) -> None:
    town.file(DAYS[1], tasks(DAYS[1], done=2.0))
    plan = make.backfill(town.settings, FEED, DAYS[1], DAYS[1])
    town.file(DAYS[1], tasks(DAYS[1], done=1.0))  # the source says something else by now
    done = apply(town.settings, plan.id, "测试", "王五")
    assert done.unequal == () and done.sha256 == plan.sha256
    assert town.value() == indicator(plan, "juji")["after"]["value"]  # type: ignore[index]
    assert town.rows(f"SELECT DISTINCT _load_id FROM {TABLE} WHERE service_day = '2026-11-19'") == [
        (plan.change.deliveries[0].load_id,)
    ]
    assert town.rows("SELECT plan, kind, reason, applied_by, verified FROM plan_applied") == [
        (plan.id, "backfill", "测试", "王五", True)
    ]
    noted = town.rows(
        "SELECT period, old_value, new_value, cause, load_ids, plan FROM restatement"
        " WHERE unit_code = 'juji' AND plan IS NOT NULL ORDER BY period"
    )
    load_id = plan.change.deliveries[0].load_id
    assert noted[1] == ("2026-11-19", 90.0, 40.0, "rows", load_id, plan.id)
    assert noted[0][0] == MONTH and noted[0][4] == load_id
    snapshots = town.snapshots()
    again = apply(town.settings, plan.id, "noch einmal")
    assert again.again and town.snapshots() == snapshots
    published = town.publish(reason="补报 11 月 19 日")
    assert published.new and published.reason == "补报 11 月 19 日"


def test_a_plan_is_refused_when_the_warehouse_has_changed_since(town: Town) -> None:
    town.file(DAYS[1], tasks(DAYS[1], done=2.0))
    plan = make.backfill(town.settings, FEED, DAYS[1], DAYS[1])
    town.deliver(DAYS[2], tasks(DAYS[2], done=3.0))
    before = town.state()
    with pytest.raises(Stop, match="CH-PLAN-002") as raised:
        apply(town.settings, plan.id, "test")
    assert TABLE in raised.value.text() and "make the plan again" in raised.value.text()
    assert town.state() == before


def test_rows_of_days_that_the_plan_does_not_reach_leave_it_valid(town: Town) -> None:
    town.file(DAYS[1], tasks(DAYS[1], done=2.0))
    plan = make.backfill(town.settings, FEED, DAYS[1], DAYS[1])
    later = date(2026, 11, 21)
    town.deliver(later, tasks(later))  # comes in while the plan is looked at; not computed yet
    apply(town.settings, plan.id, "test")
    assert town.value(period="2026-11-19") == 40.0


def test_changed_specs_refuse_a_plan(town: Town) -> None:
    town.file(DAYS[1], tasks(DAYS[1], done=2.0))
    plan = make.backfill(town.settings, FEED, DAYS[1], DAYS[1])
    town.write_spec(limit=300)
    with pytest.raises(Stop, match="CH-PLAN-002"):
        apply(town.settings, plan.id, "test")


def test_an_edited_plan_is_refused(town: Town) -> None:
    town.file(DAYS[1], tasks(DAYS[1], done=2.0))
    plan = make.backfill(town.settings, FEED, DAYS[1], DAYS[1])
    path = folder(town.settings) / f"{plan.id}.json"
    path.write_text(path.read_text(encoding="utf-8").replace("40.0", "41.0"), encoding="utf-8")
    with pytest.raises(Stop, match="CH-PLAN-003"):
        apply(town.settings, plan.id, "test")
    with pytest.raises(Usage, match="CH-PLAN-001"):
        apply(town.settings, "backfill-none", "test")


def test_a_stricter_spec_withdraws_rows_and_a_laxer_one_brings_them_back(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T02:15:00+08:00")
    town.deliver(DAYS[2], tasks(DAYS[2], t2020=9.0))
    town.night(DAYS[2])
    value = town.value()
    strict = town.write_spec(limit=6, path=tmp_path / "strict.yaml")
    plan = make.spec(town.settings, strict, list(DAYS))
    (rows,) = plan.changes["rows"]
    assert (rows["inserted"], rows["changed"], rows["removed"]) == (0, 0, 1)
    assert [(row["reason"], row["rows"]) for row in plan.changes["quarantine"]] == [("out_of_range", 1)]
    assert town.spec.fields["done_km"].max == 200
    apply(town.settings, plan.id, "上限改为 6 公里")
    assert town.spec.fields["done_km"].max == 6
    assert town.value() != value
    lax = town.write_spec(limit=200, path=tmp_path / "lax.yaml")
    back = make.spec(town.settings, lax, list(DAYS))
    assert back.changes["rows"][0]["inserted"] == 1
    apply(town.settings, back.id, "恢复")
    assert town.value() == value


def test_a_switch_changes_scores_without_a_row(town: Town) -> None:
    town.event("E1", "B1", "juji", level="national")
    town.night(DAYS[2])
    own = ground.real(town.settings)
    rule = rules.of_switches(own, {"QA3": "to_component"})
    before = town.state()
    plan = make.rule(town.settings, rule.subject, rule.files, rules.todo(own, rule, []))
    assert not plan.changes["rows"] and not plan.changes["indicators"]
    assert [row["unit_code"] for row in plan.changes["ranking"] if row["before"]["score"] != row["after"]["score"]]
    assert town.state() == before


def test_late_rows_are_listed_before_the_night_takes_them(town: Town) -> None:
    late = [{"id": "late1", "day": DAYS[0], "planned": 5, "done": 0.5, "xq": "02"}]
    load_id = town.deliver(DAYS[2], [*tasks(DAYS[2]), *late]).load_id
    plan = make.late(town.settings)
    assert indicator(plan, "juji", "2026-11-18")["after"]["value"] == 74.0  # type: ignore[index]
    assert not plan.changes["rows"]
    apply(town.settings, plan.id, "迟报")
    assert town.value(period="2026-11-18") == 74.0
    assert town.rows("SELECT load_ids FROM restatement WHERE period = '2026-11-18' AND unit_code = 'juji'") == [
        (load_id,)
    ]
    assert make.late(town.settings).empty


def test_a_source_that_does_not_answer_for_a_day_is_a_problem_of_that_day(town: Town) -> None:
    town.file(DAYS[1], tasks(DAYS[1], done=2.0))
    (town.source / "tasks-20261118.csv").unlink()
    plan = make.backfill(town.settings, FEED, DAYS[0], DAYS[1])
    assert len(plan.problems) == 1 and plan.problems[0].startswith("2026-11-18 CH-PULL")
    assert [item.day for item in plan.change.deliveries] == [DAYS[1]]


def test_an_unchanged_rule_changes_nothing(town: Town) -> None:
    own = ground.real(town.settings)
    rule = rules.of_switches(own, {"QA2": "hold"})
    assert rule.files["schemes/qi-county.yaml"] == (own.schemes / "qi-county.yaml").read_bytes()
    assert make.rule(town.settings, rule.subject, rule.files, Todo(months=(MONTH,))).empty
