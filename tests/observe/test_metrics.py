"""The metrics file: what Prometheus can read, and the numbers that are true."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cityhub.errors import HubError
from cityhub.settings import Settings
from flow import steps
from flow.observe import heartbeat, metrics
from tests.observe.conftest import DAY, FEED, NEXT, City
from tests.observe.test_runs import GOOD
from tests.servers.http import Answer
from tests.serving.service import served


def values(settings: Settings) -> dict[tuple[str, ...], float]:
    """(name, labels in order …) → value of everything in the file."""
    text = metrics.path(settings).read_text(encoding="utf-8")
    return {
        (sample.name, *(sample.labels[key] for key in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def families(settings: Settings) -> dict[str, Any]:
    text = metrics.path(settings).read_text(encoding="utf-8")
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_every_metric_has_help_type_and_a_name_by_the_conventions(city: City) -> None:
    city.sync(*GOOD)
    metrics.measure(city.settings)
    found = families(city.settings)
    assert len(found) > 30
    for name, family in found.items():
        assert name.startswith("cityhub_") and name == name.lower(), name
        assert family.documentation and family.type in {"gauge", "counter"}, name
        assert all(sample.name.endswith("_total") for sample in family.samples) or family.type == "gauge", name
        assert all(sample.timestamp is None for sample in family.samples), "a textfile must not hold timestamps"
        assert "milliseconds" not in name and "minutes" not in name, name


def test_a_load_is_seen_without_a_query_and_the_warehouse_when_it_is_measured(city: City) -> None:
    city.sync(*GOOD)
    seen = values(city.settings)
    assert seen["cityhub_feed_last_run_rows", FEED, "landed"] == 4
    assert seen["cityhub_feed_last_run_rows", FEED, "quarantined"] == 1
    assert seen["cityhub_feed_last_success_timestamp_seconds", FEED, "city"] == 1795194900  # 2026-11-21 01:15
    assert ("cityhub_rows_total", FEED, "landed") not in seen
    metrics.measure(city.settings)
    seen = values(city.settings)
    assert seen["cityhub_rows_total", FEED, "landed"] == 4
    assert seen["cityhub_quarantine_open_rows", FEED] == 1
    assert (seen["cityhub_feed_state", FEED, "fresh"], seen["cityhub_feed_state", FEED, "missing"]) == (1, 0)
    assert seen["cityhub_lake_snapshots",] > 1 and seen["cityhub_lake_tables",] > 10
    assert seen["cityhub_feed_lateness_seconds", FEED] == 0


def test_what_is_not_known_is_left_out_not_zero(settings: Settings) -> None:
    metrics.write(settings)
    seen = values(settings)
    assert ("cityhub_publication_number",) not in seen
    assert ("cityhub_deadman_timestamp_seconds",) not in seen
    assert ("cityhub_lake_files",) not in seen


def test_lateness_grows_while_nothing_comes(city: City) -> None:
    steps.open_day(city.settings, DAY)
    metrics.measure(city.settings)
    assert values(city.settings)["cityhub_feed_state", FEED, "expected"] == 1
    city.at("2026-11-21T08:00")  # due at six
    metrics.write(city.settings)
    seen = values(city.settings)
    assert seen["cityhub_feed_lateness_seconds", FEED] == 7200
    assert seen["cityhub_feed_state", FEED, "late"] == 1
    city.sync(*GOOD)  # a run knows better than what was measured before
    assert values(city.settings)["cityhub_feed_lateness_seconds", FEED] == 0


def test_a_failure_keeps_the_last_success(city: City) -> None:
    city.sync(*GOOD)
    before = values(city.settings)
    city.at("2026-11-22T01:15")
    city.says = Answer(b"no", 500)
    with pytest.raises(HubError):
        steps.sync(city.settings, FEED, NEXT)
    seen = values(city.settings)
    assert (before["cityhub_feed_last_run_success", FEED], seen["cityhub_feed_last_run_success", FEED]) == (1, 0)
    key = "cityhub_feed_last_success_timestamp_seconds", FEED, "city"
    assert seen[key] == before[key]


def test_the_dead_man_is_the_last_published_night(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat.beat(settings, {"service_day": "2026-11-20", "published": True, "seconds": 50, "failed": []})
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-22T01:15:00+08:00")
    heartbeat.beat(settings, {"service_day": "2026-11-21", "published": False, "seconds": 40, "failed": ["quality"]})
    metrics.write(settings)
    seen = values(settings)
    assert seen["cityhub_deadman_timestamp_seconds",] == 1795194900
    assert seen["cityhub_night_last_finished_timestamp_seconds",] == 1795194900 + 86400
    assert seen["cityhub_night_last_failed_dags",] == 1


def test_the_service_answers_the_file_to_anybody_and_says_when_there_is_none(settings: Settings) -> None:
    with served(settings) as url:
        with pytest.raises(urllib.error.HTTPError) as none:
            urllib.request.urlopen(f"{url}/metrics", timeout=30)
        assert none.value.code == 503
        none.value.close()
        metrics.write(settings)
        with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert answer.read() == metrics.path(settings).read_bytes()
