"""Devices that were silent: between two messages, at the ends of the day, and all day."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityhub.clock import SHANGHAI
from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cli.main import app
from flow import steps
from sensors.envelope import encode
from sensors.spool import Spool
from tests.sensors.mqtt_peer import write_feed
from warehouse.gaps import gaps

FEED, DAY = "water.level", date(2026, 11, 19)
START = datetime(2026, 11, 19, tzinfo=SHANGHAI)
HOUR = 3600.0


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    home = tmp_path / "home"
    made = Settings(home, tmp_path / "feeds", str(home / "lake" / "c.sqlite"), str(home / "lake" / "data"))
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    monkeypatch.setenv("CITYHUB_FEEDS", str(made.feeds))
    monkeypatch.setenv("CITYHUB_CATALOG", made.catalog)
    monkeypatch.setenv("CITYHUB_DATA", made.data)
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-20T08:00:00.000+08:00")
    yield made
    for cached in (steps.opened, steps._connection):
        cached.cache_clear()


def spec(**arrives: object) -> FeedSpec:
    return FeedSpec.model_validate(
        {
            "feed": FEED,
            "platform": "water",
            "table": "water_level",
            "title": {"zh": "水位", "en": "Level"},
            "description": "Water level of a point",
            "owner": {"department": "slj", "person": "x", "phone": "1"},
            "source": {"kind": "mqtt", "address": "mqtt://127.0.0.1:1", "topic": "t/+"},
            "arrives": arrives,
            "identity": {"key": ["point", "at"], "day_from": "at"},
            "fields": {"point": {"from": "p"}, "at": {"from": "t", "type": "timestamp", "required": True}},
        }
    )


def arrive(settings: Settings, *sent: tuple[str, float]) -> None:
    """Load messages of devices, each so many hours after the day's beginning."""
    spool = Spool(settings.spool)
    for point, hours in sent:
        moment = (START + timedelta(hours=hours)).isoformat()
        payload = json.dumps({"p": point, "t": moment}).encode()
        spool.append(FEED, encode("t/1", payload, moment, qos=1, retain=False, dup=False))
    spool.close()
    steps.sync(settings, FEED, DAY)


def test_what_is_missing_is_counted_between_messages_and_at_both_ends(settings: Settings) -> None:
    write_feed(settings, spec(device_interval_s=HOUR))
    good = [("good", hour + 0.5) for hour in range(24)]
    hole = [("hole", hour + 0.5) for hour in range(24) if hour not in {8, 9, 10}]
    jitter = [("jitter", hour + (0.7 if hour % 2 else 0.3)) for hour in range(24)]
    late = [("late", hour + 0.5) for hour in range(6, 24)]
    gone = [("gone", hour + 0.5) for hour in range(20)]
    silent = [("silent", -2.0)]
    arrive(settings, *good, *hole, *jitter, *late, *gone, *silent)
    found = {gap.device["point"]: gap for gap in gaps(settings, spec(device_interval_s=HOUR), DAY)}
    assert {name: (gap.came, gap.missing) for name, gap in found.items()} == {
        "good": (24, 0),
        "hole": (21, 3),
        "jitter": (24, 0),
        "late": (18, 6),
        "gone": (20, 4),
        "silent": (0, 24),
    }
    assert found["hole"].longest_s == 4 * HOUR
    assert found["hole"].longest_from == START + timedelta(hours=7.5)
    assert found["silent"].last_seen == START - timedelta(hours=2)
    assert next(iter(found)) == "silent"


def test_a_day_that_goes_on_is_judged_until_now(settings: Settings) -> None:
    write_feed(settings, spec(device_interval_s=HOUR))
    arrive(settings, *[("a", 24 + hour + 0.5) for hour in range(8)])
    (gap,) = gaps(settings, spec(device_interval_s=HOUR), date(2026, 11, 20))
    assert (gap.came, gap.missing) == (8, 0)


def test_the_command_prints_json_and_finds_by_its_exit_code(settings: Settings) -> None:
    write_feed(settings, spec())
    arrive(settings, ("a", 0.5), ("a", 3.5))
    done = CliRunner().invoke(app, ["gateway", "gaps", FEED, "--day", DAY.isoformat(), "--interval", "10800", "--json"])
    assert done.exit_code == 1, done.output
    (told,) = json.loads(done.stdout)
    assert (told["device"], told["came"], told["missing"]) == ({"point": "a"}, 2, 6)


def test_a_feed_that_does_not_say_how_often_is_refused(settings: Settings) -> None:
    with pytest.raises(HubError, match="device_interval_s") as refused:
        gaps(settings, spec(), DAY)
    assert refused.value.code == "CH-PUSH-025"
