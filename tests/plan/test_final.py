"""A plan that reaches a final month: its ranks stay, and what a correction would make of them is listed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cityhub.clock import month_bounds
from cli.plan_screen import print_plan
from flow.plan import ground, make, rules
from scoring.month import score_month
from scoring.publish import publish
from tests.scoring.county import MONTH, UNITS, County


def test_what_a_correction_would_make_of_the_ranks_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CITYHUB_NOW", "2026-12-02T10:00:00+08:00")
    county = County(tmp_path / "home")
    county.settings.feeds.mkdir(exist_ok=True)
    county.manual_tables()
    county.scores(MONTH)
    county.digital(MONTH, **dict.fromkeys(UNITS, "90"))
    last = month_bounds(MONTH)[1] - timedelta(days=1)
    score_month(county.settings, MONTH, last)
    publish(county.settings, MONTH, last)
    publish(county.settings, MONTH, last, "批准定稿", status="final", approved_by="王主任")
    county.event("E1", "B1", "juji", level="national")  # decided after the month was approved
    own = ground.real(county.settings)
    rule = rules.of_switches(own, {"QA3": "to_component"})  # a correction goes by the published switches
    plan = make.rule(county.settings, rule.subject, rule.files, rules.todo(own, rule, []))
    county.con.close()
    (entry,) = plan.changes["publications"]
    assert (entry["period"], entry["status"], entry["needs"]) == (MONTH, "final", "correction")
    assert not plan.changes["ranking"], "the month itself stays as it was published"
    (juji,) = [row for row in entry["ranking"] if row["unit_code"] == "juji"]
    assert float(juji["before"]["score"]) < float(juji["after"]["score"])
    print_plan(plan)
    assert "更正后将成为" in capsys.readouterr().out
