"""Contracts: what a new, missing, renamed or retyped column does, by default and as the spec says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import parse_spec
from tests.load.kit import Hub, feed
from warehouse import findings
from warehouse.load import load

TEXT = """# kept: the first line
feed: muck.trial
title: {zh: 试, en: trial}
platform: muck
table: mk_trial
description: Rows of a test.
owner: {department: 城管局, person: 张三, phone: "0371-0000"}
source: {kind: rest, address: "http://127.0.0.1"}
arrives: {min_rows: 0}
identity: {key: [id]}

fields:
  id: {from: id}
  kpa: {from: pressureKpa, type: double} # kept: what a gauge says
  at:
    from: "seenAt" # kept: quotes too
    type: timestamp
  note: {from: note}

# kept: about checks
checks: []
"""
GOOD = [{"id": str(i), "pressureKpa": i, "seenAt": "2026-11-20 08:00:00", "note": "x"} for i in range(6)]


def spec_in(hub: Hub, **contract: Any) -> FeedSpec:
    """The spec of TEXT as a file of the hub, with this contract."""
    hub.settings.feeds.mkdir(parents=True, exist_ok=True)
    path = hub.settings.feeds / "muck.trial.yaml"
    words = ", ".join(f"{key}: {value}" for key, value in contract.items())
    path.write_text(TEXT + (f"contract: {{{words}}}\n" if contract else ""), encoding="utf-8")
    spec = parse_spec(path)
    hub.prepare(spec)
    return spec


@pytest.fixture(autouse=True)
def no_specs_left(hub: Hub) -> Any:
    yield
    shutil.rmtree(hub.settings.feeds, ignore_errors=True)


def renamed(old: str, new: str) -> list[dict[str, Any]]:
    return [{new if key == old else key: value for key, value in row.items()} for row in GOOD]


def without(name: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != name} for row in GOOD]


ADDED = [row | ({"extra": "new thing"} if i % 2 else {}) for i, row in enumerate(GOOD)]
RETYPED = [row | {"pressureKpa": "high" if i else 1} for i, row in enumerate(GOOD)]
RENAMED = renamed("pressureKpa", "pressure_kpa_2")


def kinds(hub: Hub) -> list[tuple[str, str | None]]:
    return [(item.kind, item.subject) for item in findings.stored(hub.con, feed="muck.trial", origin="drift")]


def stored(hub: Hub) -> dict[str, float | None]:
    return dict(hub.rows("SELECT id, kpa FROM mk_trial"))


def test_a_new_column_is_accepted_and_recorded(hub: Hub) -> None:
    result = hub.load(spec_in(hub, new="accept"), ADDED)
    assert (result.inserted, result.quarantined) == (6, 0)
    assert kinds(hub) == [("column_added", "extra")]
    assert hub.one("SELECT findings FROM delivery") == "column_added:extra"


def test_rows_with_a_value_of_a_new_column_wait(hub: Hub) -> None:
    result = hub.load(spec_in(hub, new="quarantine"), ADDED)
    assert (result.inserted, result.quarantined) == (3, 3)
    assert hub.reasons() == dict.fromkeys(("1", "3", "5"), ("new_column", "extra"))
    assert hub.one("SELECT count(*) FROM quarantine WHERE value = 'new thing' AND (raw ->> 'extra') = 'new thing'") == 3
    assert set(stored(hub)) == {"0", "2", "4"}


def test_a_new_column_stops_the_feed(hub: Hub) -> None:
    spec = spec_in(hub, new="stop")
    with pytest.raises(Stop, match="CH-LOAD-009"):
        hub.load(spec, ADDED)
    assert stored(hub) == {} and kinds(hub) == [("column_added", "extra")]
    assert hub.one("SELECT count(*) FROM load_log") == 0


def test_a_missing_column_is_left_empty(hub: Hub) -> None:
    result = hub.load(spec_in(hub, missing="accept"), without("pressureKpa"))
    assert (result.inserted, result.quarantined) == (6, 0)
    assert set(stored(hub).values()) == {None}
    assert kinds(hub) == [("column_missing", "pressureKpa")]


def test_rows_without_a_missing_column_wait(hub: Hub) -> None:
    result = hub.load(spec_in(hub, missing="quarantine"), without("pressureKpa"))
    assert (result.inserted, result.quarantined) == (0, 6)
    assert set(hub.reasons().values()) == {("missing_column", "kpa")}


@pytest.mark.parametrize("column", ["pressureKpa", "id"])
def test_a_missing_column_stops_the_feed(hub: Hub, column: str) -> None:
    spec = spec_in(hub, missing="stop")
    with pytest.raises(Stop, match="CH-LOAD-009" if column == "pressureKpa" else "CH-LOAD-004"):
        hub.load(spec, without(column))
    assert stored(hub) == {} and kinds(hub) == [("column_missing", column)]


def test_a_renamed_column_is_read_by_its_new_name(hub: Hub) -> None:
    result = hub.load(spec_in(hub, renamed="accept"), RENAMED)
    assert (result.inserted, result.quarantined) == (6, 0)
    assert stored(hub) == {str(i): float(i) for i in range(6)}
    assert kinds(hub) == [("column_renamed", "pressureKpa")]


def test_no_new_name_is_read_where_two_are_like_it(hub: Hub) -> None:
    rows = [row | {"pressure_kpa_3": 7} for row in RENAMED]
    assert hub.load(spec_in(hub, renamed="accept"), rows).inserted == 6
    assert set(stored(hub).values()) == {None}
    assert ("column_missing", "pressureKpa") in kinds(hub)


def test_a_new_column_that_is_nothing_like_it_is_not_its_new_name(hub: Hub) -> None:
    assert hub.load(spec_in(hub, renamed="accept"), renamed("pressureKpa", "remark")).inserted == 6
    assert set(kinds(hub)) == {("column_missing", "pressureKpa"), ("column_added", "remark")}


def test_rows_of_a_renamed_column_wait(hub: Hub) -> None:
    result = hub.load(spec_in(hub, renamed="quarantine"), RENAMED)
    assert (result.inserted, result.quarantined) == (0, 6)
    assert set(hub.reasons().values()) == {("renamed_column", "kpa")}


def test_a_renamed_column_stops_the_feed(hub: Hub) -> None:
    spec = spec_in(hub, renamed="stop")
    with pytest.raises(Stop, match="CH-LOAD-009"):
        hub.load(spec, RENAMED)
    assert stored(hub) == {} and kinds(hub) == [("column_renamed", "pressureKpa")]


def test_a_retyped_column_is_emptied_and_flagged(hub: Hub) -> None:
    result = hub.load(spec_in(hub, retyped="accept"), RETYPED)
    assert (result.inserted, result.quarantined, result.flagged) == (6, 0, 5)
    assert stored(hub) == {"0": 1.0} | {str(i): None for i in range(1, 6)}
    assert kinds(hub) == [("column_retyped", "pressureKpa")]


def test_rows_of_a_retyped_column_wait_even_where_one_bad_value_would_be_emptied(hub: Hub) -> None:
    spec = spec_in(hub, retyped="quarantine")
    soft = spec.model_copy(update={"fields": spec.fields | {"kpa": spec.fields["kpa"].model_copy(
        update={"if_bad": "null"})}})  # fmt: skip
    few = [row | ({"pressureKpa": "high"} if i == 0 else {}) for i, row in enumerate(GOOD)]
    assert hub.load(soft, few).quarantined == 0
    result = hub.load(soft, RETYPED)
    assert result.quarantined == 5
    assert set(hub.reasons().values()) == {("not_a_number", "kpa")}


def test_a_retyped_column_stops_the_feed(hub: Hub) -> None:
    spec = spec_in(hub, retyped="stop")
    with pytest.raises(Stop, match="CH-LOAD-009"):
        hub.load(spec, RETYPED)
    assert stored(hub) == {} and kinds(hub) == [("column_retyped", "pressureKpa")]


@pytest.mark.parametrize(("rows", "good"), [(ADDED, 6), (without("pressureKpa"), 6), (RENAMED, 6), (RETYPED, 1)])
def test_by_default_no_good_row_is_lost(hub: Hub, rows: list[dict[str, Any]], good: int) -> None:
    result = hub.load(spec_in(hub), rows)
    assert (result.inserted, result.quarantined) == (good, 6 - good)
    assert kinds(hub)


def test_findings_close_when_the_drift_is_gone(hub: Hub) -> None:
    from datetime import timedelta

    from tests.load.kit import DAY

    spec = spec_in(hub)
    hub.load(spec, ADDED, day=DAY - timedelta(days=1))
    assert kinds(hub) == [("column_added", "extra")]
    hub.load(spec, GOOD, day=DAY)
    assert kinds(hub) == []
    assert [item.state for item in findings.stored(hub.con, state=None)] == ["closed"]


def test_a_clean_delivery_notes_nothing(hub: Hub) -> None:
    hub.load(spec_in(hub, new="stop", missing="stop", renamed="stop", retyped="stop"), GOOD)
    assert hub.one("SELECT count(*) FROM finding") == 0


@pytest.mark.parametrize(("rows", "line"), [
    (ADDED, "+  extra: {from: extra} #"),
    (without("note"), "-  note: {from: note}"),
    (without("id"), "+contract: {missing: quarantine}"),
    (RENAMED, "+  kpa: {from: pressure_kpa_2, type: double} # kept: what a gauge says"),
    (RETYPED, "+  kpa: {from: pressureKpa, if_bad: \"null\", type: double} # kept: what a gauge says"),
    ([row | {"seenAt": "20261120080000"} for row in GOOD], "+    format: compact"),
])  # fmt: skip
def test_the_suggestion_is_a_diff_that_applies_and_keeps_comments(
    hub: Hub, tmp_path: Path, rows: list[dict[str, Any]], line: str
) -> None:
    spec = spec_in(hub)
    try:
        hub.load(spec, rows)
    except Stop as error:
        assert error.code == "CH-LOAD-004"
    (found,) = findings.stored(hub.con, feed=spec.feed) if rows is not RENAMED else [
        item for item in findings.stored(hub.con, feed=spec.feed) if item.kind == "column_missing"
    ]  # fmt: skip
    assert found.suggestion is not None and line in found.suggestion
    (tmp_path / "feeds").mkdir()
    shutil.copy(hub.settings.feeds / "muck.trial.yaml", tmp_path / "feeds")
    subprocess.run(["patch", "-p1", "--fuzz=0"], input=found.suggestion, text=True, cwd=tmp_path, check=True)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-R"], input=found.suggestion, text=True, cwd=tmp_path, check=True)
    assert (tmp_path / "feeds" / "muck.trial.yaml").read_text(encoding="utf-8") == TEXT
    subprocess.run(["git", "apply"], input=found.suggestion, text=True, cwd=tmp_path, check=True)
    after = (tmp_path / "feeds" / "muck.trial.yaml").read_text(encoding="utf-8")
    assert after.count("kept:") == TEXT.count("kept:")
    parse_spec(tmp_path / "feeds" / "muck.trial.yaml")


def test_a_value_of_a_new_column_is_withheld_where_the_feed_holds_persons(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", "k" * 20)
    spec = feed({"tel": {"from": "tel", "personal": "hash"}}, contract={"new": "quarantine"})
    hub.prepare(spec)
    assert hub.load(spec, [{"id": "1", "tel": "13812345678", "tel2": "13987654321"}]).quarantined == 1
    ((value, raw),) = hub.rows("SELECT value, raw FROM quarantine")
    assert "13987654321" not in f"{value}{raw}" and value == "****"


def test_a_changed_contract_is_another_way_to_load(hub: Hub) -> None:
    spec = spec_in(hub, new="quarantine")
    manifest = hub.land(spec, ADDED)
    assert load(hub.settings, spec, manifest, con=hub.con).quarantined == 3
    result = load(hub.settings, spec_in(hub), manifest, con=hub.con)
    assert (result.quarantined, result.released, result.inserted) == (0, 3, 3)
