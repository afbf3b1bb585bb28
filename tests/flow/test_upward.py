"""After the publication: upper levels get what changed once, whoever is away; the publication never waits for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import Retry, Stop, Unauthorised, Usage
from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.read import read_all
from extracts import config
from extracts.records import records
from extracts.store import Store, root_of
from flow import steps, upward
from flow.airflow_env import environment
from flow.notify import conditions
from flow.notify.config import Limits
from flow.observe import nights, runs
from flow.workers import plan
from scoring.month import score_month
from scoring.publication import manifest
from tests.extracts.hub import QUICK
from tests.extracts.shelf import Shelf, value
from tests.extracts.upper import Upper
from tests.scoring.county import MONTH, County
from tests.servers.http import Answer, vendor

FEEDS = Path(__file__).parents[2] / "feeds"
DAY, NEXT = date(2026, 11, 29), date(2026, 11, 30)
TEMPLATE: dict[str, Any] = {
    "target": "province", "title": {"zh": "省平台", "en": "province"}, "confidence": "test",
    "address": "province_url", "retries": 0, "rate_per_s": 1000,
    "answer": {"receipt_at": "receipt", "rejected_at": "failed"},
    "datasets": {"indicator_value": {"path": "/values", "fields": "all"}},
}  # fmt: skip


@dataclass
class Installation:
    """What an operator writes: `extracts.yaml` and templates."""

    folder: Path
    patch: pytest.MonkeyPatch
    upper: Upper = field(default_factory=Upper)

    def says(self, **content: Any) -> None:
        (self.folder / "extracts.yaml").write_text(json.dumps(content))

    def template(self, target: str = "province", **more: Any) -> None:
        (self.folder / f"{target}.yaml").write_text(json.dumps(TEMPLATE | {"target": target} | more))

    def at(self, moment: str) -> None:
        self.patch.setenv("CITYHUB_NOW", f"2026-12-01T{moment}+08:00")

    def push(self, settings: Settings, day: date = DAY) -> dict[str, Any]:
        """The step, with the upper level at the end of the line."""
        with vendor(self.upper) as server:
            self.patch.setenv("CITYHUB_PROVINCE_URL", server.address)
            told: dict[str, Any] = upward.push(settings, day)["targets"]
            return told


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    folder = tmp_path / "office"
    folder.mkdir()
    monkeypatch.setenv("CITYHUB_EXTRACTS", str(folder / "extracts.yaml"))
    monkeypatch.setenv("CITYHUB_UPPER", str(folder))
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("extracts.push.run.PATIENCE", QUICK)
    made = Installation(folder, monkeypatch)
    made.at("01:00:00")
    made.template()
    made.says(push=["province"])
    return made


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "home")


def down(number: int, request: Any) -> Answer | None:
    return Answer(status=503)


def up(number: int, request: Any) -> Answer | None:
    return None


def stage(settings: Settings, name: str, day: date = DAY) -> dict[str, Any]:
    found = runs.stage(settings, day, name)
    assert found is not None
    return found


def alerts(settings: Settings) -> list[tuple[str, str, str]]:
    found, seen = conditions.present(settings, Limits(), (conditions.PUSH,))
    assert seen == {conditions.PUSH}
    return [(alert.key, alert.kind, alert.severity) for alert in found]


@pytest.fixture
def county(tmp_path: Path) -> County:
    """A month that can be published."""
    made = County(tmp_path / "home")
    made.manual_tables()
    made.scores(MONTH)
    made.indicators(MONTH, value=88.5)
    return made


def test_a_publication_goes_up_once_though_the_upper_level_was_away(office: Installation, county: County) -> None:
    settings = county.settings

    def equal() -> None:
        store = Store(root_of(settings))
        assert office.upper.rows() == records(store, "indicator_value", at=store.latest() or 0, limit=100_000)

    score_month(settings, MONTH, DAY)
    steps.publish(settings, DAY)
    office.upper.before = down
    with pytest.raises(Retry) as caught:
        office.push(settings)
    assert caught.value.code == "CH-PUSHUP-004"
    assert manifest.current(settings.publications) == 1
    assert stage(settings, "publication")["state"] == "success"
    record = stage(settings, "push")
    told = record["result"]["targets"]["province"]
    assert (record["state"], told["error"], told["whose_move"]) == ("failed", "CH-PUSHUP-004", "the upper level")
    assert told["waiting"] > 0 and told["records"] == 0

    office.upper.before = up
    office.at("01:05:00")
    assert office.push(settings)["province"] == {
        "records": told["waiting"], "batches": 1, "refused": 0, "waiting": 0, "unmapped": 0, "dead": 0, "error": None,
        "whose_move": None,
    }  # fmt: skip
    equal()
    asked = office.upper.count
    assert office.push(settings)["province"]["records"] == 0
    assert office.upper.count == asked, "nothing changed, and something was sent"

    county.run("UPDATE indicator_value SET value = 91.25 WHERE unit_code = 'juji'")
    score_month(settings, MONTH, NEXT)
    steps.publish(settings, NEXT)
    assert office.push(settings, NEXT)["province"]["records"] > 0
    assert {op for _, op, _ in office.upper.taken[told["waiting"] :]} == {"revise"}
    equal()


def test_an_upper_level_that_cannot_be_asked_keeps_no_other_waiting(office: Installation, shelf: Shelf) -> None:
    shelf.put(indicator_value=[value("A", "juji", 1.0)])
    office.template("city", address="city_url")
    office.patch.setenv("CITYHUB_CITY_URL", "http://127.0.0.1:9")
    office.says(push=["nobody", "city", "province"])
    with pytest.raises(Retry) as caught:  # the scheduler tries again: one of them is only away
        office.push(shelf.settings)
    assert caught.value.code == "CH-PULL-003"
    targets = stage(shelf.settings, "push")["result"]["targets"]
    assert {name: item["error"] for name, item in targets.items()} == {
        "nobody": "CH-PUSHUP-001", "city": "CH-PULL-003", "province": None,
    }  # fmt: skip
    assert office.upper.rows() == shelf.rows("indicator_value")


def test_rows_that_did_not_arrive_are_counted_and_told_and_the_night_is_well(
    office: Installation, shelf: Shelf
) -> None:  # fmt: skip
    fields = {name: {"from": name} for name in ("period", "code")} | {"unit": {"from": "unit", "codes": "u"}}
    office.template(
        datasets={"indicator_value": {"path": "/values", "fields": fields}}, codes={"u": {"juji": "1", "xuji": "2"}}
    )
    shelf.put(indicator_value=[value("A", unit, 1.0) for unit in ("juji", "xuji", "jincheng", "wulihe")])
    office.upper.reject = lambda record: record["unit"] == "2"
    night = nights.end(shelf.settings, DAY)
    told = office.push(shelf.settings)["province"]
    assert (told["records"], told["dead"], told["unmapped"], told["error"]) == (1, 1, 2, None)
    assert told["whose_move"] == "whoever runs the hub"
    assert alerts(shelf.settings) == [("push:province:rows", "push_refused", "warning")]
    assert night["upward"] == {}
    after = runs.newest(shelf.settings, runs.NIGHT, DAY)
    assert after is not None and after["state"] == "finished"
    assert after["upward"]["push"]["targets"]["province"] == told
    assert nights.hint(after).endswith(
        "push province: 1 records sent, 2 without a word upward, 1 dead letters (cityhub extract outbox list province)"
    )


def test_what_is_in_the_way_is_an_alert_until_it_is_over(office: Installation, shelf: Shelf) -> None:
    shelf.put(indicator_value=[value("A", "juji", 1.0)])
    assert alerts(shelf.settings) == []
    nights.end(shelf.settings, DAY)
    office.upper.before = down
    with pytest.raises(Retry):
        office.push(shelf.settings)
    office.at("01:00:10")
    with pytest.raises(Retry):  # not due yet: the trouble is the one of before, and so is its beginning
        office.push(shelf.settings)
    assert alerts(shelf.settings) == [("push:province", "push_waiting", "warning")]
    (alert,) = conditions.push(shelf.settings, Limits())
    assert (alert.code, alert.whose, alert.since) == ("CH-PUSHUP-004", "省平台", "2026-12-01T01:00:00+08:00")
    night = runs.newest(shelf.settings, runs.NIGHT, DAY)
    assert night is not None and (night["state"], night["failed"]) == ("finished with failures", ["upward"])
    assert "CH-PUSHUP-008" in nights.why(shelf.settings, DAY, "upward")
    office.at("01:10:00")
    office.upper.before = lambda number, request: Answer(status=401)
    with pytest.raises(Unauthorised):
        office.push(shelf.settings)
    assert alerts(shelf.settings) == [("push:province", "push_waiting", "critical")]
    office.at("01:20:00")
    office.upper.before = up
    office.push(shelf.settings)
    assert alerts(shelf.settings) == []
    night = runs.newest(shelf.settings, runs.NIGHT, DAY)
    assert night is not None and (night["state"], night["failed"]) == ("finished", [])


def test_the_night_has_the_step_where_somebody_asked_for_it(office: Installation, shelf: Shelf) -> None:
    specs = read_all(FEEDS)
    assert plan(specs)["upward"] == {"publication"}
    with_it = plan(specs)
    office.says()
    assert not config.asks_the_night()
    assert plan(specs) == {name: waits for name, waits in with_it.items() if name != "upward"}
    office.says(keep=3)
    assert "upward" in plan(specs)


@pytest.mark.parametrize("content", [{"push": "province"}, {"puhs": []}, {"keep": 0}, {"push": ["a", "a"]}])
def test_a_file_that_is_wrong_is_told_by_the_step_and_by_no_other(
    office: Installation, shelf: Shelf, content: dict[str, Any]
) -> None:  # fmt: skip
    office.says(**content)
    assert "upward" in plan(read_all(FEEDS))
    for step in (upward.push, upward.prune):
        with pytest.raises(Usage) as caught:
            step(shelf.settings, DAY)
        assert caught.value.code == "CH-EXT-020"
    assert alerts(shelf.settings) == [("push:extracts.yaml", "push_waiting", "critical")]


def test_a_secret_that_nobody_has_set_is_told_and_nothing_is_lost(office: Installation, shelf: Shelf) -> None:
    shelf.put(indicator_value=[value("A", "juji", 1.0)])
    office.template(address="unset_url")
    with pytest.raises(Stop) as caught:
        office.push(shelf.settings)
    assert caught.value.code == "CH-CONF-001"
    assert alerts(shelf.settings) == [("push:province", "push_waiting", "critical")]
    office.template()
    assert office.push(shelf.settings)["province"]["records"] == 1


@pytest.mark.parametrize(("said", "kept"), [({}, {1, 2, 3, 4}), ({"keep": 2}, {3, 4}), ({"keep": 9}, {1, 2, 3, 4})])
def test_old_extracts_lose_their_data_only_where_a_number_is_set(
    office: Installation, shelf: Shelf, said: dict[str, Any], kept: set[int]
) -> None:  # fmt: skip
    office.says(**said)
    for number in range(4):
        shelf.put(indicator_value=[value("A", "juji", float(number))])
    told = upward.prune(shelf.settings, DAY)
    folders: Callable[[int], Path] = shelf.store.folder
    assert {n for n in shelf.store.sequences() if list(folders(n).glob("*.parquet"))} == kept
    assert told.get("files", 0) == 3 * (4 - len(kept))
    assert shelf.store.sequences() == [1, 2, 3, 4], "a manifest is gone"


_TASKS = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("dags/upward.py")
assert not bag.import_errors, bag.import_errors
found = [task for dag in bag.dags.values() for task in dag.tasks]
tasks = {task.task_id: [sorted(task.upstream_task_ids), task.trigger_rule.value, task.retries] for task in found}
print("TASKS", json.dumps(tasks))
"""


@pytest.mark.parametrize("content", ["push: [province]", "push: province"])
def test_airflow_pushes_with_tries_of_its_own_then_prunes_whatever_came_of_it(
    office: Installation, shelf: Shelf, content: str
) -> None:  # fmt: skip
    (office.folder / "extracts.yaml").write_text(content)
    ours = os.environ | environment(shelf.settings) | {"CITYHUB_RETRIES": "3"}
    done = subprocess.run(
        [sys.executable, "-c", _TASKS], cwd=REPOSITORY, env=ours, capture_output=True, text=True, check=True
    )
    tasks = json.loads(done.stdout.split("TASKS ")[1])
    assert tasks == {  # a file that is wrong does not hide the task that says so
        "push": [[], "all_success", 3],
        "prune": [["push"], "all_done", 3],
        "verdict": [["prune", "push"], "one_failed", 0],
    }
