"""A recording holds what the source sends, no value of a person and no secret, and can be played."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from cityhub.errors import Stop
from conformance.record import record
from conformance.run import run
from conformance.stand.rest import RestStand
from tests.conformance.kit import FIELDS, GOOD, installation, spec

DAY = date(2026, 11, 20)


def test_a_recording_protects_people_keeps_no_secret_and_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path))
    monkeypatch.setenv("CITYHUB_CANNED_USER", "hub-user-77")
    monkeypatch.setenv("CITYHUB_CANNED_PASSWORD", "hub-password-77")
    settings, feed = installation(tmp_path), spec()
    stand = RestStand(feed, {"code": 0, "data": {"list": [], "node": "a7", "sessionToken": "abcdef"}})
    try:
        stand.offer([{**GOOD, "bh": f"A{i:04d}", "姓名": "张三丰", "dh": f"1391234{i:04d}"} for i in range(25)], DAY)
        source = {**feed.source.model_dump(mode="json"), **stand.source()}
        done = record(settings, spec(source=source), DAY, rows=20)
    finally:
        stand.close()
    assert (done.rows, done.service_day) == (20, DAY)
    texts = "".join(path.read_text(encoding="utf-8") for path in done.folder.iterdir())
    for word in ("张三丰", "1391234", "hub-user-77", "hub-password-77", "abcdef", stand.door.token):
        assert word not in texts
    (result,) = run(settings, spec(examples=[]), only=["second_run"])
    assert result.outcome == "passed", result.detail
    assert "20 rows" in result.detail or "24 rows" in result.detail
    assert not (tmp_path / "landing").exists()


def test_the_envelope_of_the_answer_is_recorded_without_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path))
    monkeypatch.setenv("CITYHUB_CANNED_USER", "hub-user-77")
    monkeypatch.setenv("CITYHUB_CANNED_PASSWORD", "hub-password-77")
    fields = {name: field for name, field in FIELDS.items() if name != "phone"}
    stand = RestStand(spec(), {"code": 0, "data": {"list": [], "node": "a7", "sessionToken": "abcdef"}})
    try:
        stand.offer([GOOD], DAY)
        source = {**spec().source.model_dump(mode="json"), **stand.source()}
        done = record(installation(tmp_path), spec(source=source, fields=fields), DAY)
    finally:
        stand.close()
    envelope = json.loads((done.folder / "recording.json").read_text(encoding="utf-8"))["envelope"]
    assert envelope["data"] == {"list": [], "node": "a7", "sessionToken": "***", "total": 1}


def test_a_source_without_rows_leaves_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path))
    monkeypatch.setenv("CITYHUB_CANNED_USER", "hub-user-77")
    monkeypatch.setenv("CITYHUB_CANNED_PASSWORD", "hub-password-77")
    settings, feed = installation(tmp_path), spec()
    stand = RestStand(feed, None)
    try:
        source = {**feed.source.model_dump(mode="json"), **stand.source()}
        with pytest.raises(Stop, match="CH-CONFORM-003"):
            record(settings, spec(source=source), DAY)
    finally:
        stand.close()
    assert not (settings.feeds / "samples").exists()
