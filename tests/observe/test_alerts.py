"""What is told: once when it begins, again after hours, worse when it grows, once when it is over."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import HubError
from cityhub.files import write_json
from cityhub.settings import Settings
from flow import alerts, steps
from flow.notify import conditions, outbox, state
from flow.notify.alert import Alert
from flow.notify.config import Config, Limits
from flow.notify.night import end_of_night, look_and_send
from tests.observe.conftest import DAY, FEED, NEXT, City
from tests.observe.test_runs import GOOD
from tests.servers.http import Answer, as_json, vendor
from tests.warehouse.made import snapshots
from warehouse import lake
from warehouse.findings import Finding, record

LATE = Alert("feed:a", "feed_late", "warning", "甲：数据迟到", department="甲局")
MISSING = Alert("feed:a", "feed_missing", "critical", "甲：数据缺失", department="甲局")


def chosen(**more: Any) -> Config:
    return Config.model_validate({
        "channels": {"ops": {"kind": "json", "url": "duty_url"}, "jia": {"kind": "json", "url": "duty_url"}},
        "rules": [{"to": ["ops"]}, {"to": ["owner"], "severity": "critical"}],
        "owners": {"甲局": {"channels": ["jia"]}}, **more,
    })  # fmt: skip


def told(settings: Settings) -> list[tuple[str, str, str]]:
    """(channel, event, kind) of what waits, then forget it."""
    found = []
    for place, item in list(outbox.waiting(settings)):
        assert place == "outbox"
        found.append((item["channel"], item["event"], item["content"]["kind"]))
        (outbox.root(settings) / place / item["channel"] / f"{item['id']}.json").unlink()
    return sorted(found)


def test_the_same_trouble_is_told_once_then_again_after_hours_and_once_when_it_is_over(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at(moment: str, *present: Alert) -> list[tuple[str, str, str]]:
        monkeypatch.setenv("CITYHUB_NOW", f"2026-11-{moment}:00+08:00")
        state.update(settings, chosen(), list(present), {"feed"})
        return told(settings)

    assert at("21T08:00", LATE) == [("ops", "new", "feed_late")]
    assert at("21T08:10", LATE) == []
    assert at("22T07:59", LATE) == []
    assert at("22T08:00", LATE) == [("ops", "repeat", "feed_late")]
    assert at("22T09:00", MISSING) == [("jia", "worse", "feed_missing"), ("ops", "worse", "feed_missing")]
    # over goes to everybody who was told, and only once
    assert at("22T10:00") == [("jia", "over", "feed_missing"), ("ops", "over", "feed_missing")]
    assert at("22T10:10") == []
    assert at("22T11:00", LATE) == [("ops", "new", "feed_late")]


def test_what_was_not_looked_at_is_not_over(settings: Settings) -> None:
    state.update(settings, chosen(), [LATE], {"feed"})
    told(settings)
    state.update(settings, chosen(), [], {"gateway"})
    assert told(settings) == []
    assert [item["key"] for item in state.current(settings)] == ["feed:a"]


def test_what_only_happened_is_told_once_and_never_over(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    happened = Alert("deadline:gas", "deadline_missed", "critical", "超时", passing=True)
    for _ in range(2):
        state.update(settings, chosen(), [happened], set())
    assert told(settings) == [("ops", "new", "deadline_missed")]
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-24T01:15:00+08:00")
    state.update(settings, chosen(), [], {"deadline", "feed"})
    assert told(settings) == [] and state.current(settings) == []


def test_without_channels_nothing_is_written(settings: Settings) -> None:
    assert state.update(settings, Config(), [LATE], {"feed"}) == 0
    assert look_and_send(settings) is None
    assert end_of_night(settings, DAY) == {}
    assert not (settings.home / "alerts").exists()


def feeds(city: City) -> list[Alert]:
    return list(conditions.feeds(city.settings, Limits()))


def test_a_feed_is_late_then_missing_then_failed_and_a_good_day_ends_it(city: City) -> None:
    city.at("2026-11-21T01:15")
    steps.open_day(city.settings, DAY)
    assert feeds(city) == []
    city.at("2026-11-21T06:01")
    (late,) = feeds(city)
    assert (late.key, late.kind, late.severity, late.department) == (f"feed:{FEED}", "feed_late", "warning", "城管局")
    city.at("2026-11-22T06:01")
    steps.open_day(city.settings, NEXT)
    city.says = Answer(b"no", 500)
    with pytest.raises(HubError):
        steps.sync(city.settings, FEED, NEXT)
    (failed,) = feeds(city)
    assert (failed.kind, failed.severity, failed.day) == ("feed_failed", "critical", "2026-11-21")
    assert failed.code and failed.code.startswith("CH-PULL-") and failed.detail and "已 2 天" in failed.detail
    steps.opened.cache_clear()
    # the day that is only beginning ends no trouble
    steps.open_day(city.settings, NEXT.replace(day=22))
    assert [item.key for item in feeds(city)] == [f"feed:{FEED}"]
    city.sync(*GOOD, day=NEXT)
    assert feeds(city) == []


def test_a_critical_finding_about_the_newest_delivery_is_told_and_ends_with_the_next(city: City) -> None:
    city.sync(*GOOD)
    con = lake.connect(city.settings)
    with lake.write(con, city.settings, "finding"):
        found = [Finding("column_missing", "critical", "JD is gone", "JD"), Finding("frozen", "warning", "x")]
        record(con, found, feed=FEED, day=DAY, origin="drift", owner="张三")
    (alert,) = conditions.critical_findings(city.settings, Limits())
    assert (alert.kind, alert.feed, alert.title) == ("critical_finding", FEED, f"灯具（{FEED}）：column_missing JD")
    city.at("2026-11-22T01:15")
    city.sync({"id": "9", "n": "1"}, day=NEXT)
    assert list(conditions.critical_findings(city.settings, Limits())) == []
    con.close()


def test_gateways_disk_publication_and_the_dead_man(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def present(**limits: Any) -> dict[str, str]:
        families = (conditions.GATEWAY, conditions.DISK, conditions.PUBLICATION, conditions.DEADMAN)
        found, seen = conditions.present(settings, Limits(**limits), families)
        assert seen == set(families)
        return {alert.key: alert.kind for alert in found}

    assert present(disk_free_percent=0) == {}
    gateway = settings.home / "gateways" / "hj212.json"
    write_json(gateway, {"kind": "hj212", "state": "ready", "error": None})
    assert present(disk_free_percent=0) == {}
    os.utime(gateway, (time.time() - 600, time.time() - 600))
    assert present(disk_free_percent=0) == {"gateway:hj212": "gateway_silent"}
    write_json(gateway, {"kind": "hj212", "state": "degraded", "error": {"code": "CH-PUSH-001", "what": "disk"}})
    assert present(disk_free_percent=0) == {"gateway:hj212": "gateway_degraded"}
    write_json(gateway, {"kind": "hj212", "state": "stopped"})
    os.utime(gateway, (0, 0))
    assert present(disk_free_percent=100) == {"disk": "disk_full"}
    write_json(settings.home / "heartbeat.json", {"published_at": "2026-11-20T02:00:00+08:00"})
    assert present(disk_free_percent=0) == {}  # 23 hours
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T04:01:00+08:00")
    assert present(disk_free_percent=0) == {"deadman": "deadman"}


def test_a_night_tells_its_failures_and_the_next_one_that_they_are_over(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with vendor(lambda _: as_json({})) as duty:
        city.secret("duty_url", duty.address)
        path = tmp_path / "alerts.yaml"
        path.write_text(json.dumps({
            "channels": {"ops": {"kind": "json", "url": "duty_url"}}, "rules": [{"to": ["ops"]}],
            "limits": {"disk_free_percent": 0}}))  # fmt: skip
        monkeypatch.setenv("CITYHUB_ALERTS", str(path))
        city.says = Answer(b"no", 500)
        with pytest.raises(HubError):
            steps.sync(city.settings, FEED, DAY)
        assert end_of_night(city.settings, DAY) == {"sent": 1, "alerts": 1, "waiting": 0}
        assert end_of_night(city.settings, DAY)["sent"] == 0
        city.sync(*GOOD)
        assert end_of_night(city.settings, DAY)["alerts"] == 1
        first, second = (json.loads(request.body)["alerts"][0] for request in duty.requests)
        assert (first["event"], first["kind"], second["event"]) == ("new", "feed_failed", "over")
        alerts.deadline_missed("gas.alarm", {})
        assert json.loads(duty.requests[2].body)["alerts"][0]["kind"] == "deadline_missed"
        assert "deadline_missed" in (city.settings.home / "alerts.ndjson").read_text()


def test_looking_writes_nothing_into_the_warehouse(city: City) -> None:
    city.sync(*GOOD)
    con = lake.connect(city.settings)
    before = snapshots(con)
    conditions.present(city.settings, Limits())
    assert snapshots(con) == before
    con.close()
