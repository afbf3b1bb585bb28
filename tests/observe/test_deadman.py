"""The dead man: seen from the same machine and from another, told, and told again when the hub lives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhub.settings import Settings
from cli.main import app
from flow.observe import heartbeat, metrics
from tests.servers.http import Answer, Vendor, as_json, vendor

NIGHT = {"service_day": "2026-11-20", "published": True, "seconds": 50, "failed": []}


@pytest.fixture
def duty(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vendor]:
    """Somebody who is told."""
    with vendor(lambda _: as_json({})) as running:
        path = tmp_path / "alerts.yaml"
        path.write_text("{channels: {ops: {kind: json, url: duty_url}}, rules: [{to: [ops]}]}")
        monkeypatch.setenv("CITYHUB_ALERTS", str(path))
        monkeypatch.setenv("CITYHUB_DUTY_URL", running.address)
        yield running


def run(*args: str) -> tuple[int, Any]:
    done = CliRunner().invoke(app, ["deadman", *args, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_hub_that_never_published_is_dead_and_one_that_did_is_alive(settings: Settings) -> None:
    code, said = run()
    assert (code, said["alive"], said["error"]["code"]) == (1, False, "CH-OBS-002")
    heartbeat.beat(settings, NIGHT)
    assert run()[0] == 0


def test_a_night_that_stayed_away_is_told_once_and_the_next_one_too(
    settings: Settings, duty: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat.beat(settings, NIGHT)
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-22T03:14:00+08:00")
    assert run("--max-hours", "26")[0] == 0
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-22T03:16:00+08:00")
    assert run("--max-hours", "26")[0] == 1
    assert run("--max-hours", "26")[0] == 1
    heartbeat.beat(settings, NIGHT | {"published": False})  # a night that was not published is no sign of life
    assert run("--max-hours", "26")[0] == 1
    heartbeat.beat(settings, NIGHT)
    assert run("--max-hours", "26")[0] == 0
    told = [json.loads(request.body)["alerts"][0] for request in duty.requests]
    assert [(item["event"], item["kind"], item["code"]) for item in told] == [
        ("new", "deadman", "CH-OBS-002"), ("over", "deadman", "CH-OBS-002"),
    ]  # fmt: skip


def test_it_is_seen_from_another_machine(settings: Settings, duty: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat.beat(settings, NIGHT)
    metrics.write(settings)
    text = metrics.path(settings).read_bytes()
    with vendor(lambda _: Answer(text, 200, {"Content-Type": "text/plain"})) as hub:
        monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T20:00:00+08:00")
        code, said = run("--url", f"{hub.address}/metrics")
        assert (code, said["last"]) == (0, "2026-11-21T01:15:00+08:00")
        monkeypatch.setenv("CITYHUB_NOW", "2026-11-23T20:00:00+08:00")
        assert run("--url", f"{hub.address}/metrics")[0] == 1
    code, said = run("--url", f"{hub.address}/metrics")
    assert (code, said["error"]["code"]) == (1, "CH-OBS-004")
    with vendor(lambda _: Answer(b"<html>", 200, {"Content-Type": "text/html"})) as other:
        assert run("--url", other.address)[1]["error"]["code"] == "CH-OBS-004"


def test_a_published_night_calls_the_service_and_one_that_failed_does_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with vendor(lambda _: Answer(b"OK")) as service:
        monkeypatch.setenv("CITYHUB_HEARTBEAT_URL", f"{service.address}/ping/s3cret-uuid")
        heartbeat.beat(settings, NIGHT | {"published": False})
        assert service.requests == []
        heartbeat.beat(settings, NIGHT)
        assert [request.path for request in service.requests] == ["/ping/s3cret-uuid"]
    heartbeat.beat(settings, NIGHT)  # nobody listens any more: logged, nothing else
    assert "heartbeat_not_taken" in caplog.text and "s3cret-uuid" not in caplog.text
