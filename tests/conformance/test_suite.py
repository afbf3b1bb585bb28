"""The suite over the canned feed, over all shipped feeds, and what it must leave alone."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from cityhub.settings import REPOSITORY
from cityhub.settings import load as load_settings
from cityhub.spec.read import read_all
from conformance.cases import CASES
from conformance.run import run, run_all
from tests.conformance.kit import BODY, installation, outcome, spec

SPECS = read_all(REPOSITORY / "feeds")
NAMES = sorted(SPECS)
QUICK = ["examples", "second_run", "deletes"]
# One of each transport; the rest of the cases over all the others is `-m full`.
WHOLE = ["gas.pressure", "gas.alarm", "landscaping.task"]


def broken(results: Any) -> list[str]:
    return [f"{item.feed} {item.case}: {item.detail}" for item in results if item.outcome == "failed"]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_shipped_feeds_keep_the_quick_cases(part: int) -> None:
    found = run_all(load_settings(), [SPECS[name] for name in NAMES[part::4]], only=QUICK)
    assert broken(found) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_one_feed_of_each_transport_keeps_all_cases(name: str) -> None:
    assert broken(run(load_settings(), SPECS[name])) == []


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in NAMES if name not in WHOLE])
def test_every_shipped_feed_keeps_all_cases(name: str) -> None:
    assert broken(run(load_settings(), SPECS[name])) == []


def test_the_canned_feed_keeps_all_cases_and_none_is_without_meaning_for_it(tmp_path: Path) -> None:
    results = run(installation(tmp_path), spec())
    assert broken(results) == []
    assert [item.case for item in results if item.outcome != "passed"] == []
    assert [item.case for item in results] == list(CASES)


def test_tombstones_are_kept_as_declared(tmp_path: Path) -> None:
    buried = {**BODY["identity"], "deletes": "tombstone", "tombstone": {"state": ["removed"]}}
    result = outcome(tmp_path, "deletes", spec(identity=buried))
    assert (result.outcome, result.detail.split(",")[0]) == ("passed", "tombstone: removed"), result.detail
    assert "not brought back by an older one" in result.detail


def test_nothing_but_loopback_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def only_loopback(self: socket.socket, address: Any) -> None:
        assert self.family == socket.AF_UNIX or address[0] == "127.0.0.1", f"{address} is not loopback"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", only_loopback)
    assert outcome(tmp_path, "secrets").outcome == "passed"


def test_the_installation_and_the_environment_stay_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_CANNED_PASSWORD", "the real one")
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T01:15:00+08:00")
    before = dict(os.environ)
    result = outcome(tmp_path, "second_run")
    assert result.outcome == "passed", result.detail
    assert dict(os.environ) == before
    assert [path.name for path in tmp_path.rglob("*")] == ["feeds"]


def test_a_recording_is_what_the_suite_plays(tmp_path: Path) -> None:
    settings = installation(tmp_path)
    folder = settings.feeds / "samples" / "muck.canned"
    folder.mkdir(parents=True)
    rows = [
        {"bh": f"R{number:03d}", "sj": f"2026-11-18 08:{number:02d}:00", "gx": "2026-11-18 09:00:00"}
        for number in range(30)
    ]
    meta = {"feed": "muck.canned", "envelope": {"code": 0, "data": {"total": 30, "list": [], "node": "a7"}}}
    (folder / "recording.json").write_text(json.dumps(meta), encoding="utf-8")
    (folder / "records.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (result,) = run(settings, spec(examples=[]), only=["second_run"])
    assert (result.outcome, result.detail) == ("passed", "24 rows landed, 24 loaded, 0 refused; again: nothing")
