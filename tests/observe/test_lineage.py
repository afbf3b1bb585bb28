"""OpenLineage events: to a file and to a real receiver, with what the standard demands, never at a night's cost."""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import HubError, Usage
from cityhub.settings import Settings
from flow import observed, steps
from flow.observe import lineage, metrics
from tests.observe.conftest import DAY, FEED, City
from tests.observe.test_metrics import values
from tests.observe.test_runs import GOOD
from tests.sensors.mqtt_peer import write_feed
from tests.servers.http import Answer, vendor

Event = dict[str, Any]


def events(path: Path) -> list[Event]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def valid(event: Event) -> None:
    """What the OpenLineage object model requires of a run event and of each facet."""
    assert datetime.fromisoformat(event["eventTime"]).tzinfo is not None
    assert event["eventType"] in {"START", "COMPLETE", "FAIL"}
    assert event["producer"] and event["schemaURL"].endswith("#/$defs/RunEvent")
    uuid.UUID(event["run"]["runId"])
    assert event["job"]["namespace"] and event["job"]["name"]
    facets = [*event["run"]["facets"].values(), *event["job"]["facets"].values()]
    for dataset in (*event["inputs"], *event["outputs"]):
        assert dataset["namespace"] and dataset["name"]
        for kind in ("facets", "inputFacets", "outputFacets"):
            facets += dataset.get(kind, {}).values()
    for facet in facets:
        assert facet["_producer"] and facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/")


@pytest.fixture
def told(city: City, tmp_path: Path) -> Path:
    path = tmp_path / "lineage" / "events.ndjson"
    city.patch.setenv("CITYHUB_LINEAGE", f"file:{path}")
    return path


def test_a_feed_tells_its_way_from_the_source_to_its_table(city: City, told: Path) -> None:
    city.sync(*GOOD)
    found = events(told)
    for event in found:
        valid(event)
    assert [(event["job"]["name"], event["eventType"]) for event in found] == [
        (f"{FEED}.land", "START"), (f"{FEED}.land", "COMPLETE"),
        (f"{FEED}.load", "START"), (f"{FEED}.load", "COMPLETE"),
    ]  # fmt: skip
    assert found[0]["run"]["runId"] == found[1]["run"]["runId"] != found[2]["run"]["runId"]
    landed, loaded = found[1], found[3]
    (source,), (folder,) = landed["inputs"], landed["outputs"]
    assert (source["namespace"], source["name"]) == ("cityhub.source.rest", FEED)
    assert [item["name"] for item in source["facets"]["schema"]["fields"]] == ["id", "n"]
    assert folder["name"].endswith(f"landing/{FEED}/2026-11-20")
    assert folder["outputFacets"]["outputStatistics"]["size"] > 0
    (read,), (table, quarantine) = loaded["inputs"], loaded["outputs"]
    assert read["name"] == folder["name"]
    quality = read["inputFacets"]["dataQualityMetrics"]
    assert (quality["rowCount"], quality["fileCount"], quality["columnMetrics"]) == (4, 1, {})
    (refused,) = read["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (refused["assertion"], refused["column"], refused["actual"]) == ("out_of_range", "count", "1")
    assert (table["namespace"], table["name"]) == ("cityhub", "lake.main.city_lamp")
    assert [(item["name"], item["type"]) for item in table["facets"]["schema"]["fields"]] == [
        ("lamp_id", "text"), ("count", "integer"),
    ]  # fmt: skip
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert quarantine["outputFacets"]["outputStatistics"]["rowCount"] == 1


def test_steps_of_one_night_have_one_parent_and_attempts_differ(city: City, told: Path) -> None:
    city.patch.setenv("CITYHUB_NIGHT", "2026-11-20 0001")
    city.sync(*GOOD)
    city.sync(*GOOD)
    found = events(told)
    assert {event["run"]["facets"]["parent"]["run"]["runId"] for event in found} == {
        lineage.night_of(DAY, "2026-11-20 0001").run_id
    }
    assert len({event["run"]["runId"] for event in found}) == 4


def test_a_failure_is_told_without_its_secrets(city: City, told: Path) -> None:
    city.secret("lamp_url", "http://user:pa55word@127.0.0.1:1/lamps")
    write_feed(city.settings, city.spec(source={"kind": "rest", "address": "${lamp_url}", "retries": 0}))
    with pytest.raises(HubError):
        steps.land(city.settings, FEED, DAY)
    failed = events(told)[-1]
    valid(failed)
    assert failed["eventType"] == "FAIL"
    assert failed["run"]["facets"]["errorMessage"]["message"].startswith("CH-PULL-")
    assert failed["run"]["facets"]["errorMessage"]["programmingLanguage"] == "python"
    assert "pa55word" not in told.read_text(encoding="utf-8")


def test_stages_tell_tables_assertions_and_publication(city: City, told: Path) -> None:
    city.sync(*GOOD)
    steps.check(city.settings, DAY)
    with observed.stage(city.settings, "publication", DAY) as watched:
        watched.told = {"publication": 7}
    found = {(event["job"]["name"], event["eventType"]): event for event in events(told)}
    for event in found.values():
        valid(event)
    quality = found["quality", "COMPLETE"]
    assert [item["name"] for item in quality["outputs"]] == ["lake.main.quality_result"]
    (table,) = quality["inputs"]
    assert table["name"] == "lake.main.city_lamp"
    assert {item["success"] for item in table["inputFacets"]["dataQualityAssertions"]["assertions"]} == {True}
    assert found["publication", "COMPLETE"]["outputs"][0]["name"].endswith("publications/000007")


def test_events_go_to_a_receiver_with_its_key(city: City) -> None:
    with vendor(lambda _: Answer(b"{}", 201)) as receiver:
        city.patch.setenv("CITYHUB_LINEAGE", receiver.address)
        city.secret("lineage_api_key", "k3y-of-lineage")
        city.sync(*GOOD)
        assert [request.path for request in receiver.requests] == ["/api/v1/lineage"] * 4
        assert {request.headers["authorization"] for request in receiver.requests} == {"Bearer k3y-of-lineage"}
        for request in receiver.requests:
            valid(json.loads(request.body))


def test_a_receiver_that_fails_is_counted_and_left_alone_and_the_load_goes_on(
    city: City, caplog: pytest.LogCaptureFixture
) -> None:
    with vendor(lambda _: Answer(b"broken", 500)) as receiver:
        city.patch.setenv("CITYHUB_LINEAGE", receiver.address)
        city.sync(*GOOD)
        assert steps.close(city.settings, FEED, DAY) == "loaded"
        assert len(receiver.requests) == 1  # then it is left alone for a minute
        counted = lineage.counted(city.settings)
        assert (counted["failed"], counted["dropped"]) == (1, 3)
        assert sum("lineage_not_sent" in record.message for record in caplog.records) == 1
        city.at("2026-11-21T01:17")
        job = lineage.Job("x", "y", DAY)
        assert not lineage.emit(city.settings, "START", job)
        assert len(receiver.requests) == 2
    metrics.write(city.settings)
    assert values(city.settings)["cityhub_lineage_events_lost_total", "failed"] == 2


def test_without_a_target_nothing_is_told_and_nonsense_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = lineage.Job("x", "y", date(2026, 11, 20))
    assert not lineage.emit(settings, "START", job)
    monkeypatch.setenv("CITYHUB_LINEAGE", "kafka")
    with pytest.raises(Usage) as error:
        lineage.target()
    assert error.value.code == "CH-OBS-001"
