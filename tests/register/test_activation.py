"""From a draft to a feed that runs, and off again: what is refused, what stays in the file, what is told beforehand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cityhub.spec.read import parse_spec
from cli.main import app
from tests.load import kit
from tests.register.sources import DAY, settings
from tests.register.typed import GOOD

COMMENT = "# 王工 2026-11-03: the vendor's column YL is gauge pressure\n"
DRAFT = GOOD.replace("platform: gas\n", f"active: false\n{COMMENT}platform: gas\n", 1)
ROWS = [{"CDBH": f"P{i}", "CJSJ": f"2026-11-20 08:00:0{i}", "YL": f"0.{i}", "ZT": "01"} for i in range(1, 6)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation with one draft and nothing else."""
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path))
    monkeypatch.setenv("CITYHUB_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T08:00:00+08:00")
    write(tmp_path, DRAFT)
    yield tmp_path


def write(home: Path, text: str) -> Path:
    path = home / "feeds" / "drafts" / "gas.trial.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["feed", *words])


def told(*words: str) -> Any:
    return json.loads(run(*words, "--json").stdout)


def active(home: Path) -> Path:
    return home / "feeds" / "gas.trial.yaml"


def test_a_draft_becomes_a_feed_with_its_comments(home: Path) -> None:
    result = run("activate", "gas.trial")
    assert result.exit_code == 0, result.output
    text = active(home).read_text(encoding="utf-8")
    assert text == DRAFT.replace("active: false", "active: true")
    assert not (home / "feeds" / "drafts" / "gas.trial.yaml").exists()
    for words in ("DAG feed.gas.trial", "gas_trial", "2026-11-21", "06:00", "cityhub sync gas.trial"):
        assert words in result.output
    assert run("activate", "gas.trial").exit_code == 0  # again: the same file
    assert active(home).read_text(encoding="utf-8") == text


LACKS = [
    ("department: 县住房和城乡建设局, ", "", "owner.department"),
    ("张三", '" - "', "owner.person"),
    ('phone: "0371-00000001"', 'phone: ""', "owner.phone"),
    (', expected_by: "06:00"', "", "arrives.expected_by"),
    (GOOD[GOOD.index("examples:") :], "", "examples"),
    ("    expect: {point_id: P1, kpa: 200, state: normal}", "    expect: {kpa: 3}", "examples[0]"),
    ("    expect: {point_id: P1, kpa: 200, state: normal}", "    quarantine: pattern", "examples[0]"),
    ("min_rows: 10", "min_rows: 10, max_rows: 1", "arrives.min_rows"),
]


@pytest.mark.parametrize(("old", "new", "key"), LACKS)
def test_what_is_missing_is_refused(home: Path, old: str, new: str, key: str) -> None:
    assert old in DRAFT
    path = write(home, DRAFT.replace(old, new, 1))
    result = run("activate", "gas.trial", "--json")
    assert result.exit_code == 2
    assert key in [item["key"] for item in json.loads(result.stdout)["error"]["problems"]]
    assert path.is_file()
    assert not active(home).exists()


def test_all_reasons_at_once(home: Path) -> None:
    text = DRAFT
    for old, new, _ in LACKS:
        text = text.replace(old, new, 1)
    write(home, text + "# TODO checks\n")
    keys = {item["key"] for item in told("activate", "gas.trial")["error"]["problems"]}
    assert keys >= {"owner.department", "owner.person", "owner.phone", "arrives.expected_by", "examples", ""}


def test_an_example_of_a_refusal_alone_is_not_enough(home: Path) -> None:
    given = 'given: {CDBH: P1, CJSJ: "2026-11-20 08:00:00", YL: "0.2", ZT: "01"}'
    text = DRAFT.replace(given, given.replace("CDBH: P1", 'CDBH: ""'))
    write(home, text.replace("expect: {point_id: P1, kpa: 200, state: normal}", "quarantine: missing_required"))
    assert [item["key"] for item in told("activate", "gas.trial")["error"]["problems"]] == ["examples"]


def test_a_draft_takes_no_running_feeds_place_unasked(home: Path) -> None:
    run("activate", "gas.trial")
    write(home, DRAFT.replace(COMMENT, ""))
    refused = run("activate", "gas.trial")
    assert refused.exit_code == 2
    assert "--replace" in refused.output
    assert COMMENT in active(home).read_text(encoding="utf-8")
    assert run("activate", "gas.trial", "--replace").exit_code == 0
    assert COMMENT not in active(home).read_text(encoding="utf-8")


def test_off_needs_a_reason_and_leaves_it_in_the_file(home: Path) -> None:
    run("activate", "gas.trial")
    before = active(home).read_text(encoding="utf-8")
    assert run("disable", "gas.trial").exit_code == 2
    assert active(home).read_text(encoding="utf-8") == before
    assert run("disable", "gas.trial", "--why", "供应商\n升级").exit_code == 0
    text = active(home).read_text(encoding="utf-8")
    note = next(line for line in text.splitlines() if "switched off" in line)
    assert note.startswith("# switched off 2026-11-21 08:00 by ")
    assert note.endswith(": 供应商 升级")
    assert text.replace(note + "\n", "") == before.replace("active: true", "active: false")
    assert told("disable", "gas.trial", "--why", "x")["changed"] is False
    assert run("enable", "gas.trial").exit_code == 0
    assert parse_spec(active(home)).active
    assert note in active(home).read_text(encoding="utf-8")


def test_enable_is_no_way_round_the_checks(home: Path) -> None:
    active(home).write_text(DRAFT.replace("person: 张三", 'person: ""'), encoding="utf-8")
    assert run("enable", "gas.trial").exit_code == 2
    assert not parse_spec(active(home)).active


def test_the_list_names_drafts_and_broken_files(home: Path) -> None:
    shutil.copy(home / "feeds" / "drafts" / "gas.trial.yaml", home / "feeds" / "gas.other.yaml")
    (home / "feeds" / "gas.broken.yaml").write_text("feed: [", encoding="utf-8")
    found = {(item["feed"], item["state"]) for item in told("list")}
    assert found == {("gas.trial", "off"), ("gas.broken", "broken"), ("gas.trial", "draft")}


def loaded(home: Path) -> None:
    """The feed is active and one day of it is loaded."""
    from warehouse import spec_archive

    run("activate", "gas.trial")
    hub, spec = kit.Hub(settings(home)), parse_spec(active(home))
    hub.prepare(spec)
    spec_archive.remember(settings(home), spec)
    hub.load(spec, ROWS, day=DAY)
    hub.con.close()


def edit(home: Path, old: str, new: str) -> None:
    text = active(home).read_text(encoding="utf-8")
    assert old in text
    active(home).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_diff_says_what_changes_data_and_what_only_words(home: Path) -> None:
    assert run("diff", "gas.trial").exit_code == 2  # nothing was loaded yet
    loaded(home)
    assert run("diff", "gas.trial").exit_code == 0
    edit(home, "张三", "李四")
    edit(home, "min_rows: 10", "min_rows: 20")
    found = told("diff", "gas.trial")
    assert found["changes_data"] is False
    assert {(item["key"], item["old"], item["new"], item["effect"]) for item in found["changes"]} == {
        ("owner.person", "张三", "李四", "words"),
        ("arrives.min_rows", "10", "20", "watching"),
    }
    edit(home, "max: 1000", "max: 300")
    found = told("diff", "gas.trial", "--loaded")
    assert found["changes_data"] is True
    assert ("fields.kpa.max", "data") in {(item["key"], item["effect"]) for item in found["changes"]}


def test_diff_against_another_file_and_against_git(home: Path) -> None:
    import subprocess

    run("activate", "gas.trial")
    draft = write(home, DRAFT.replace("unit: MPa", "unit: bar"))
    found = told("diff", "gas.trial", str(draft))
    assert ("fields.kpa.unit", "MPa", "bar") in {(item["key"], item["old"], item["new"]) for item in found["changes"]}
    assert run("diff", "gas.trial", "--git").exit_code == 2
    git = ["git", "-C", str(home / "feeds"), "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["init", "-q"], ["add", "gas.trial.yaml"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    edit(home, "unit: MPa", "unit: bar")
    assert [item["key"] for item in told("diff", "gas.trial", "--git")["changes"]] == ["fields.kpa.unit"]


def test_plan_replays_a_change_on_what_is_archived(home: Path) -> None:
    """Newly refused, released and changed rows with their values, before anybody switches anything on."""
    loaded(home)
    edit(home, "min: 0, max: 1000", "min: 0, max: 300")
    edit(home, '"01": normal', '"01": ok')
    before = files(home)
    found = told("plan", "gas.trial")
    effect = found["effect"]
    assert (effect["days"], effect["rows"]) == (["2026-11-20"], 5)
    assert (effect["newly_refused"], effect["released"], effect["changed"]) == (2, 0, 3)
    assert effect["reasons"] == [{"reason": "out_of_range", "field": "kpa", "rows": 2}]
    assert effect["changed_columns"] == {"state": 3}
    assert ("state", "normal", "ok") in {(item["column"], item["now"], item["then"]) for item in effect["samples"]}
    assert files(home) == before


def files(home: Path) -> dict[str, bytes]:
    """Every file's content; what SQLite keeps for whoever reads the catalog is no content."""
    found = [path for path in home.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {str(path): path.read_bytes() for path in found}


def test_activating_a_changed_feed_shows_its_effect(home: Path) -> None:
    loaded(home)
    write(home, DRAFT.replace("max: 1000", "max: 300"))
    result = run("activate", "gas.trial", "--replace")
    assert result.exit_code == 0
    assert "2 newly refused" in result.output


def test_plan_of_a_new_feed_names_table_and_columns(home: Path) -> None:
    found = told("plan", "gas.trial")
    assert found["table"] == "new"
    assert found["columns"]["kpa"] == "DOUBLE"
    assert found["effect"] is None
    loaded(home)
    edit(home, "type: double, unit: MPa, to: kPa", "type: decimal, unit: MPa, to: kPa")
    refused = run("plan", "gas.trial", "--json")
    assert json.loads(refused.stdout)["error"]["code"] == "CH-TABLE-002"
    assert refused.exit_code == 1
