"""The run summary is the product of a run: of every run, whole, without secrets, with what was different."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cityhub.errors import HubError, Stop
from cityhub.settings import Settings
from flow import observed, steps
from flow.observe import nights, quietly, runs
from tests.observe.conftest import DAY, FEED, FIELDS, NEXT, City
from tests.sensors.mqtt_peer import write_feed
from tests.servers.http import Answer

GOOD = [{"id": "1", "n": "5"}, {"id": "2", "n": "6"}, {"id": "2", "n": "6"}, {"id": "3", "n": "-1"}]


def newest(city: City) -> runs.Summary:
    found = runs.last(city.settings, FEED)
    assert found is not None
    return found["run"]  # type: ignore[no-any-return]  # JSON


def test_a_run_says_what_came_and_what_became_of_it(city: City) -> None:
    city.sync(*GOOD)
    run = newest(city)
    assert {name: run["counts"][name] for name in ("landed", "loaded", "duplicate", "quarantined", "inserted")} == {
        "landed": 4, "loaded": 2, "duplicate": 1, "quarantined": 1, "inserted": 2,
    }  # fmt: skip
    assert (run["state"], run["attempt"], run["quarantine"]) == ("loaded", 1, {"out_of_range:count": 1})
    assert (run["requests"]["calls"], run["requests"]["bodies"], run["requests"]["retries"]) == (1, 1, 0)
    assert run["requests"]["bytes"] == len(json.dumps(GOOD, ensure_ascii=False).encode())
    assert run["columns"] == ["id", "n"]
    assert set(run["stages"]) == {"land", "load"}
    assert run["load_ids"] == [run["delivery"]["load_id"]]
    (file,) = run["delivery"]["files"]
    assert len(file["sha256"]) == len(run["delivery"]["content_sha256"]) == len(run["spec_sha256"]) == 64
    assert run["error"] is None and run["diff"] is None
    stored = runs.of_day(city.settings, FEED, DAY)
    assert [item["run_id"] for item in stored] == [run["run_id"]]


def test_the_next_run_tells_what_is_different(city: City) -> None:
    city.sync(*GOOD)
    city.at("2026-11-22T01:15")
    fields = FIELDS | {"count": FIELDS["count"] | {"max": 99}}
    write_feed(city.settings, city.spec(arrives={"min_rows": 3}, fields=fields))
    city.sync({"id": "1", "n": "5", "colour": "red"}, {"id": "", "n": "1"}, day=NEXT)
    change = newest(city)["diff"]
    assert change["against"]["service_day"] == "2026-11-20"
    assert (change["rows"]["landed"], change["rows"]["duplicate"], change["rows"]["quarantined"]) == (-2, -1, 0)
    assert (change["columns_added"], change["columns_gone"]) == (["colour"], [])
    assert (change["reasons_new"], change["reasons_gone"]) == (["missing_required:lamp_id"], ["out_of_range:count"])
    assert "below_min_rows:2<3" in change["findings_new"]
    assert (change["spec_changed"], change["content_same"], change["state"]) == (True, False, ["loaded", "held"])


def test_the_same_content_again_is_another_run_that_changed_nothing(city: City) -> None:
    city.sync(*GOOD)
    city.sync(*GOOD)
    first, again = runs.of_day(city.settings, FEED, DAY)
    assert (first["attempt"], again["attempt"], again["repeated"]) == (1, 2, True)
    assert first["id"] != again["id"]
    assert again["diff"]["content_same"] and not any(again["diff"]["rows"].values())


def test_a_failed_run_has_a_summary_with_its_error_and_the_next_success_says_since_when(city: City) -> None:
    city.sync(*GOOD)
    city.says = Answer(b"no", 500)
    city.at("2026-11-22T01:15")
    with pytest.raises(HubError):
        steps.sync(city.settings, FEED, NEXT)
    run = newest(city)
    assert (run["state"], run["error"]["family"], run["counts"]) == ("failed", "Retry", None)
    assert run["error"]["code"].startswith("CH-PULL-") and run["diff"]["error_new"] == run["error"]["code"]
    assert run["diff"]["rows"]["landed"] is None  # not known, which is not zero
    last = runs.last(city.settings, FEED)
    assert last is not None and last["last_success"]["service_day"] == "2026-11-20"


def test_the_terminal_says_why_a_feed_and_a_stage_did_not_succeed(city: City) -> None:
    city.says = Answer(b"gone", 404)
    with pytest.raises(HubError):
        steps.sync(city.settings, FEED, DAY)
    with pytest.raises(Stop), observed.stage(city.settings, "publication", DAY):
        raise PermissionError(13, "Permission denied", "publications/.000001.partial")
    assert "CH-PULL-" in nights.why(city.settings, DAY, f"feed.{FEED}")
    told = nights.why(city.settings, DAY, "publication").strip().splitlines()
    assert [line.split(":")[0].strip() for line in told] == ["CH-DISK-002", "why", "fix"]
    assert nights.hint({"failed": [f"feed.{FEED}"]}) == f"runs: cityhub runs show {FEED}"
    assert nights.why(city.settings, DAY, "scoring") == ""


def test_no_secret_stands_in_a_summary(city: City) -> None:
    city.secret("lamp_token", "t0p-s3cret-token")
    source = {"kind": "rest", "address": city.vendor.address, "retries": 0,
              "auth": {"kind": "bearer", "token": "lamp_token"}}  # fmt: skip
    write_feed(city.settings, city.spec(source=source))
    city.says = Answer(b'{"message": "token t0p-s3cret-token is wrong"}', 403)
    with pytest.raises(HubError):
        steps.sync(city.settings, FEED, DAY)
    assert newest(city)["error"]["family"] == "Stop"
    written = [
        path.read_text(encoding="utf-8") for path in city.settings.home.rglob("*") if path.suffix in {".json", ".prom"}
    ]
    assert written and not any("t0p-s3cret" in text for text in written)


def test_an_error_that_is_not_ours_is_named_and_passes_on(city: City) -> None:
    steps.open_day(city.settings, DAY)
    with pytest.raises(ZeroDivisionError), observed.landing(city.settings, city.spec(), DAY):
        raise ZeroDivisionError("with a value")
    assert newest(city)["error"] == {"code": None, "family": None, "what": "ZeroDivisionError", "where": {}}


def test_a_disk_that_cannot_be_written_costs_the_summary_not_the_load(city: City) -> None:
    city.settings.home.joinpath("runs").write_text("no folder")
    city.sync(*GOOD)
    assert steps.close(city.settings, FEED, DAY) == "loaded"
    assert quietly.failures["run summary"]


def test_landing_and_load_in_two_processes_are_one_run(city: City) -> None:
    city.says = list(GOOD)
    steps.land(city.settings, FEED, DAY)
    (half,) = runs.of_day(city.settings, FEED, DAY)
    assert (half["state"], half["finished_at"]) == ("landed", None)
    steps.load_landed(city.settings, FEED, DAY)
    (whole,) = runs.of_day(city.settings, FEED, DAY)
    assert (whole["run_id"], whole["state"]) == (half["run_id"], "loaded")
    assert whole["requests"] == half["requests"]
    steps.load_landed(city.settings, FEED, DAY)
    assert len(runs.of_day(city.settings, FEED, DAY)) == 2


def test_old_summaries_go_and_the_present_ones_stay(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_RUNS_KEEP", "3")
    monkeypatch.setenv("CITYHUB_RUNS_DAYS", "2")
    for day in (DAY, NEXT, NEXT.replace(day=22)):
        for _ in range(5):
            run = runs.begin(settings, FEED, day) | {"finished_at": "2026-11-21T01:15:00+08:00"}
            runs.finish(settings, run, success=True)
    assert runs.days(settings, FEED) == [NEXT.replace(day=22), NEXT]
    assert [run["attempt"] for run in runs.of_day(settings, FEED, NEXT)] == [3, 4, 5]


def test_a_half_written_summary_is_no_summary(settings: Settings) -> None:
    run = runs.begin(settings, FEED, DAY)
    path = runs.path_of(settings, run)
    path.write_text('{"run_id": "00')
    assert runs.newest(settings, FEED, DAY) is None
    assert runs.begin(settings, FEED, DAY)["attempt"] == 2
    assert not [name for name in os.listdir(path.parent) if name.endswith(".tmp")]  # noqa: PTH208
    assert isinstance(path, Path)
