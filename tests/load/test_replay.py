"""Replay: refused rows tried again from landing under the present spec, in their own interval, counts and all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhub.settings import REPOSITORY
from cityhub.spec.read import parse_spec
from cli.main import app
from tests.load.kit import NOW, Hub
from tests.load.test_killed import state
from warehouse.load import load
from warehouse.quarantine import Which
from warehouse.replay import replay

TEXT = """# the spec of a test
feed: muck.trial
title: {zh: 试, en: trial}
platform: muck
table: mk_trial
description: Rows of a test.
owner: {department: 城管局, person: 张三, phone: "0371-0000"}
source: {kind: rest, address: "http://127.0.0.1"}
arrives: {min_rows: 0}
identity: {key: [id, ts], day_from: ts}
fields:
  id: {from: id}
  ts: {from: ts, type: timestamp}
  v: {from: v, type: double, max: 90} # the most that the gauge shows
  tel: {from: tel, personal: hash}
"""


def row(name: str, v: Any, day: str = "2026-11-20") -> dict[str, Any]:
    return {"id": name, "ts": f"{day} 08:00:00", "v": v, "tel": "13812345678"}


ROWS = [row("A", 100), row("B", 900), row("C", 1), row("D", 150, "2026-11-18")]


@pytest.fixture
def trial(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A feed one of whose deliveries has three refused rows, two of them for a rule that is too strict."""
    monkeypatch.setenv("CITYHUB_HOME", str(hub.settings.home))
    monkeypatch.setenv("CITYHUB_FEEDS", str(hub.settings.feeds))
    monkeypatch.setenv("CITYHUB_CATALOG", hub.settings.catalog)
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", "a key of the tests")
    hub.settings.feeds.mkdir(parents=True)
    write(hub, TEXT)
    spec = parse_spec(hub.settings.feeds / "muck.trial.yaml")
    hub.prepare(spec)
    hub.load(spec, ROWS)
    hub.con.execute("DELETE FROM dirty_day")
    yield hub
    shutil.rmtree(hub.settings.feeds)


def write(hub: Hub, text: str) -> None:
    (hub.settings.feeds / "muck.trial.yaml").write_text(text, encoding="utf-8")


def relax(hub: Hub) -> None:
    write(hub, TEXT.replace("max: 90", "max: 200"))


def run(*arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.output)


def test_what_passes_lands_in_its_own_day_and_the_counts_add_up(trial: Hub) -> None:
    relax(trial)
    done = run("quarantine", "replay", "--feed", "muck.trial")
    assert [item["result"]["released"] for item in done["deliveries"]] == [2]
    assert done["days"] == ["2026-11-18", "2026-11-20"]
    assert trial.rows("SELECT id, service_day FROM mk_trial ORDER BY id") == [
        ("A", date(2026, 11, 20)), ("C", date(2026, 11, 20)), ("D", date(2026, 11, 18)),
    ]  # fmt: skip
    assert trial.rows("SELECT landed, loaded, duplicate, quarantined FROM delivery") == [(4, 3, 0, 1)]
    assert trial.rows("SELECT natural_key[1], state FROM quarantine ORDER BY 1") == [
        ("A", "released"), ("B", "open"), ("D", "released"),
    ]  # fmt: skip
    assert trial.rows("SELECT DISTINCT table_name, service_day FROM dirty_day ORDER BY ALL") == [
        ("delivery", date(2026, 11, 20)), ("mk_trial", date(2026, 11, 18)), ("mk_trial", date(2026, 11, 20)),
    ]  # fmt: skip
    hashed = trial.one("SELECT count(DISTINCT tel) FROM mk_trial"), trial.one("SELECT any_value(tel) FROM mk_trial")
    assert hashed[0] == 1 and "138" not in hashed[1][:3]  # read from landing, not from the masked row


def test_a_dry_run_says_the_same_and_writes_nothing(trial: Hub) -> None:
    relax(trial)
    before = state(trial)
    told = run("quarantine", "replay", "--dry-run")
    assert state(trial) == before and told["dry_run"]
    done = run("quarantine", "replay")
    assert {**told, "dry_run": False} == done


def test_a_second_replay_changes_nothing(trial: Hub) -> None:
    relax(trial)
    run("quarantine", "replay")
    before = state(trial)
    again = run("quarantine", "replay")
    assert again["deliveries"][0]["result"]["repeated"] and state(trial) == before


def test_an_older_delivery_replayed_leaves_the_line_of_the_newer_one(
    trial: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = parse_spec(trial.settings.feeds / "muck.trial.yaml")
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T03:15:00+08:00")
    newer = trial.load(spec, [row("C", 2), row("E", 3)])
    relax(trial)
    run("quarantine", "replay")
    assert trial.rows("SELECT load_id, landed, loaded FROM delivery") == [(newer.load_id, 2, 2)]
    assert trial.one("SELECT v FROM mk_trial WHERE id = 'C'") == 2  # what is newer stays
    logged = trial.rows("SELECT landed, loaded, duplicate, quarantined FROM load_log ORDER BY ALL")
    assert logged == [(2, 2, 0, 0), (4, 1, 0, 3), (4, 2, 1, 1)]


def test_a_delivery_whose_bytes_are_gone_is_named_and_keeps_no_other_waiting(trial: Hub) -> None:
    relax(trial)
    shutil.rmtree(trial.settings.landing)
    done = run("quarantine", "replay", code=1)
    assert done["deliveries"][0]["error"]["code"] == "CH-QUAR-003"
    assert trial.one("SELECT count(*) FROM quarantine WHERE state = 'open'") == 3


def test_a_day_that_a_check_holds_stays_held(trial: Hub) -> None:
    trial.con.execute("UPDATE delivery SET state = 'held', error = 'row_count failed'")
    relax(trial)
    run("quarantine", "replay")
    assert trial.rows("SELECT state, error, loaded FROM delivery") == [("held", "row_count failed", 3)]


@pytest.mark.parametrize("point", ["merged", "recorded", "synced"])
def test_killed_in_a_replay_leaves_old_or_new(trial: Hub, point: str) -> None:
    relax(trial)
    before = state(trial)
    died = subprocess.run(
        [sys.executable, "-m", "tests.load.killed_replay", point],
        cwd=REPOSITORY, env=os.environ | {"CITYHUB_NOW": NOW}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert died.returncode == -9, died.stderr
    assert state(trial) == before
    spec = parse_spec(trial.settings.feeds / "muck.trial.yaml")
    (done,) = replay(trial.con, trial.settings, {spec.feed: spec}, Which())
    assert done.result is not None and done.result.released == 2


def test_list_show_export_and_waive(trial: Hub, tmp_path: Path) -> None:
    assert {item["reason"] for item in run("quarantine", "list", "--reason", "out_of_range")} == {"out_of_range"}
    assert run("quarantine", "list", "--day", "2026-11-19") == []
    (line,) = run("quarantine", "summary", "--feed", "muck.trial")
    assert line["rows"] == 3
    name = run("quarantine", "list")[0]["id"]
    shown = run("quarantine", "show", name[:12])
    assert shown["meaning_zh"] == "超出合理范围" and shown["remedy"] and shown["spec_changed"] is False
    assert Path(shown["file"]).is_file() and "13812345678" not in shown["raw"]
    relax(trial)
    assert run("quarantine", "show", name[:12])["spec_changed"] is True
    sheet = tmp_path / "城管局.csv"
    assert run("quarantine", "export", str(sheet), "--department", "城管局")["rows"] == 3
    assert sheet.read_bytes().startswith(b"\xef\xbb\xbf\xe7\xbc\x96")  # the mark, then Chinese
    assert run("quarantine", "export", str(tmp_path / "no.xlsx"), "--department", "水利局")["rows"] == 0
    assert run("quarantine", "export", str(tmp_path / "x.pdf"), code=2)["error"]["code"] == "CH-QUAR-004"
    for missing in (["--by", "李四"], ["--why", "sensor gone"]):
        assert run("quarantine", "waive", name, *missing, code=2)["error"]["code"] == "CH-QUAR-002"
    assert run("quarantine", "waive", "--by", "李四", "--why", "x", code=2)["error"]["code"] == "CH-QUAR-002"
    assert run("quarantine", "waive", name[:12], "--by", "李四", "--why", "sensor gone") == {"waived": 1}
    assert len(run("quarantine", "list")) == 2 and len(run("quarantine", "list", "--state", "waived")) == 1
    assert run("quarantine", "show", "zzz", code=2)["error"]["code"] == "CH-QUAR-001"


def test_a_value_that_a_spreadsheet_would_run_stays_text(trial: Hub, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    spec = parse_spec(trial.settings.feeds / "muck.trial.yaml")
    trial.load(spec, [row("F", "=HYPERLINK(1)"), row("G", "\x01-1x")])
    run("quarantine", "export", str(tmp_path / "x.xlsx"))
    run("quarantine", "export", str(tmp_path / "x.csv"))
    (sheet,) = load_workbook(tmp_path / "x.xlsx").worksheets
    assert {cell.data_type for cell in sheet["I"]} == {"s"} and "=HYPERLINK(1)" in {cell.value for cell in sheet["I"]}
    assert "'=HYPERLINK(1)" in (tmp_path / "x.csv").read_text(encoding="utf-8-sig")


def test_drift_applied_keeps_comments_and_what_waited_is_released(trial: Hub) -> None:
    write(trial, TEXT + "contract: {new: quarantine}\n")
    spec = parse_spec(trial.settings.feeds / "muck.trial.yaml")
    manifest = trial.land(spec, [row("H", 5) | {"newOne": "x", "另一列": "y"}, row("I", 5)])
    assert load(trial.settings, spec, manifest, con=trial.con).quarantined == 1
    found = run("feed", "drift", "muck.trial", code=1)
    assert [item["kind"] for item in found] == ["column_added", "column_added"]
    done = run("feed", "drift", "muck.trial", "--apply")
    assert len(done["taken"]) == 2 and done["known"] == []
    text = (trial.settings.feeds / "muck.trial.yaml").read_text(encoding="utf-8")
    assert "# the spec of a test" in text and "# the most that the gauge shows" in text
    assert "  new_one: {from: newOne} #" in text and "from: 另一列" in text
    assert len(run("feed", "drift", "muck.trial", "--apply")["known"]) == 2
    run("quarantine", "replay", "--reason", "new_column")
    assert trial.rows("SELECT new_one FROM mk_trial WHERE id = 'H'") == [("x",)]
    assert run("feed", "drift", "muck.trial") == []


def test_a_suggestion_is_refused_when_the_file_has_changed(trial: Hub) -> None:
    spec = parse_spec(trial.settings.feeds / "muck.trial.yaml")
    trial.load(spec, [row("H", 5) | {"newOne": "x"}])
    other = TEXT.replace("  tel: {from: tel, personal: hash}", "  tel: {from: phone, personal: hash}")
    write(trial, other)
    assert run("feed", "drift", "muck.trial", "--apply", code=2)["error"]["code"] == "CH-DRIFT-002"
    assert (trial.settings.feeds / "muck.trial.yaml").read_text(encoding="utf-8") == other
