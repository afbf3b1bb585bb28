"""Applying: killed half-way it goes on, a rule is put in its place, and the command line says what it did."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityhub.errors import Stop
from cli.main import app
from flow.plan import ground, make, perform, rules
from flow.plan.apply import apply
from indicators import definitions
from scoring import policy, scheme
from tests.plan.town import CODE, DAYS, FEED, TABLE, Town, tasks
from tests.scoring.county import MONTH

pytestmark = pytest.mark.xdist_group("plan")

KILLED = """
import os, signal, sys
from pathlib import Path
from cityhub.settings import Settings
from flow.plan import apply as module
from flow.plan import perform

home = Path(sys.argv[1])

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

setattr({"restate": perform, "_record": module}[sys.argv[3]], sys.argv[3], die)
settings = Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))
module.apply(settings, sys.argv[2], "test")
"""


@pytest.mark.parametrize("stage", [pytest.param("restate", marks=pytest.mark.full), "_record"])
def test_killed_half_way_the_same_command_goes_on_and_proves_the_result(town: Town, stage: str) -> None:
    town.file(DAYS[1], tasks(DAYS[1], done=2.0))
    plan = make.backfill(town.settings, FEED, DAYS[1], DAYS[1])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(town.settings.home), plan.id, stage],
        cwd=Path(__file__).parents[2], env=os.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert town.rows(f"SELECT count(*) FROM {TABLE} WHERE done_km = 2.0") == [(16,)]
    assert town.rows("SELECT count(*) FROM plan_applied") == [(0,)]
    finished = apply(town.settings, plan.id, "test")
    assert finished.unequal == () and finished.sha256 == plan.sha256
    assert town.value(period="2026-11-19") == 40.0
    assert town.rows("SELECT count(*) FROM plan_applied WHERE verified") == [(1,)]


def test_a_result_that_is_not_the_planned_one_is_said_and_recorded(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.file(DAYS[1], tasks(DAYS[1], done=2.0))
    plan = make.backfill(town.settings, FEED, DAYS[1], DAYS[1])
    monkeypatch.setattr(perform, "restate", lambda *_, **__: None)
    with pytest.raises(Stop, match="CH-PLAN-004") as raised:
        apply(town.settings, plan.id, "test")
    assert "indicators" in raised.value.text()
    assert town.rows("SELECT verified FROM plan_applied") == [(False,)]


@pytest.fixture
def own_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ground.Ground:
    """Schemes and indicators that a test may change."""
    for module, name in ((scheme, "schemes"), (definitions, "indicators")):
        folder = tmp_path / name
        folder.mkdir()
        for path in module.FOLDER.glob("*.yaml"):
            shutil.copy(path, folder)
        monkeypatch.setattr(module, "FOLDER", folder)
    monkeypatch.setattr(policy, "FOLDER", scheme.FOLDER)
    scheme.load.cache_clear()
    policy.load.cache_clear()
    return ground.Ground(None, scheme.FOLDER, definitions.FOLDER)  # type: ignore[arg-type]  # only its folders are read


def test_a_changed_policy_is_applied_as_a_file(town: Town, own_rules: ground.Ground, tmp_path: Path) -> None:
    changed = tmp_path / "changed.yaml"
    text = (own_rules.schemes / "digital.yaml").read_text(encoding="utf-8")
    old = '{code: SAN-03, platform: sanitation, weight: "6"'
    assert old in text
    changed.write_text(text.replace(old, old.replace('"6"', '"60"')), encoding="utf-8")
    rule = rules.of_scheme(changed)
    plan = make.rule(town.settings, rule.subject, rule.files, rules.todo(ground.real(town.settings), rule, []))
    assert {row["component"] for row in plan.changes["scores"]} >= {f"digital.{CODE}"}
    score = town.score()
    apply(town.settings, plan.id, "权重调整", "专班")
    assert (own_rules.schemes / "digital.yaml").read_bytes() == changed.read_bytes()
    assert town.score() != score
    scheme.load.cache_clear()
    policy.load.cache_clear()


def test_a_changed_indicator_restates_the_days_of_its_month(
    town: Town, own_rules: ground.Ground, tmp_path: Path
) -> None:
    changed = tmp_path / "sanitation.yaml"
    text = (own_rules.indicators / "sanitation.yaml").read_text(encoding="utf-8")
    whole = "SUM(CASE WHEN done_km < planned_km THEN done_km WHEN done_km >= planned_km THEN planned_km END)"
    assert whole in text
    changed.write_text(text.replace(whole, "SUM(CAST(done_km * 0.5 AS DECIMAL(18, 6)))"), encoding="utf-8")
    own = ground.real(town.settings)
    rule = rules.of_indicators(own, changed)
    assert rule.codes == (CODE,)
    plan = make.rule(town.settings, rule.subject, rule.files, rules.todo(own, rule, []))
    days = {row["period"] for row in plan.changes["indicators"] if row["code"] == CODE}
    assert days == {MONTH, *(day.isoformat() for day in DAYS)}
    apply(town.settings, plan.id, "定义调整")
    assert town.value() == 45.0
    causes = town.rows("SELECT DISTINCT cause FROM restatement WHERE plan IS NOT NULL")
    assert causes == [("definition",)]


def test_the_commands(town: Town) -> None:
    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, list(words))
        return done.exit_code, done.output

    os.environ["CITYHUB_CATALOG"] = town.settings.catalog
    os.environ["CITYHUB_FEEDS"] = str(town.settings.feeds)
    try:
        nothing = run("plan", "replay", "--feed", FEED, "--day", "2026-11-19")
        assert nothing[0] == 0 and "没有任何变化" in nothing[1]
        town.file(DAYS[1], tasks(DAYS[1], done=2.0))
        code, text = run("plan", "backfill", FEED, "--from", "2026-11-19", "--to", "2026-11-19")
        assert code == 1 and "产业聚集区管委会" in text and "18/20 → 8/20" in text, text
        code, text = run("plan", "list", "--json")
        (name,) = [plan["id"] for plan in json.loads(text) if plan["change"]["kind"] == "backfill"]
        code, text = run("apply", name, "--reason", "test", "--json")
        assert code == 0 and json.loads(text)["unequal"] == []
        code, text = run("publish", "make", MONTH, "--reason", "补报", "--day", "2026-11-20", "--json")
        assert code == 0 and json.loads(text)["number"] == 2
        code, text = run("why-changed", "juji", "--month", MONTH)
        assert code == 0 and "done_km 4.5 → 2" in text
        assert run("plan", "rule", "--switch", "QA99=x")[0] == 2
        assert run("plan", "show", "none")[0] == 2
    finally:
        del os.environ["CITYHUB_CATALOG"], os.environ["CITYHUB_FEEDS"]
