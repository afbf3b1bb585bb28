"""Findings open, stay, change and close with what their origin sees."""

from datetime import date

import pytest

from tests.load.kit import Hub, settings_in
from warehouse import findings, lake
from warehouse.findings import Finding

DAY = date(2026, 11, 20)
GONE = Finding("column_missing", "warning", "no row has JD", subject="JD")
NEW = Finding("column_added", "info", "a column JD2 that the spec does not know", subject="JD2", row_count=3)


@pytest.fixture
def hub(tmp_path) -> Hub:
    made = Hub(settings_in(tmp_path))
    made.prepare()
    return made


def put(hub: Hub, *found: Finding, day: date = DAY) -> int:
    with lake.write(hub.con, hub.settings, "findings"):
        return findings.record(
            hub.con, found, feed="muck.trial", day=day, origin="drift", owner="城管局", load_id="20261121T01-a"
        )


def test_the_same_findings_again_write_nothing(hub):
    assert put(hub, GONE, NEW) == 2
    before = findings.stored(hub.con)
    assert put(hub, NEW, GONE) == 0
    assert findings.stored(hub.con) == before
    assert {(item.kind, item.subject, item.owner) for item in before} == {
        ("column_missing", "JD", "城管局"),
        ("column_added", "JD2", "城管局"),
    }


def test_what_is_not_found_any_more_closes_and_may_open_again(hub):
    put(hub, GONE, NEW)
    assert put(hub, NEW) == 1
    assert [item.kind for item in findings.stored(hub.con)] == ["column_added"]
    (closed,) = findings.stored(hub.con, state="closed")
    assert closed.kind == "column_missing" and closed.closed_at is not None
    assert put(hub, NEW, GONE) == 1
    assert len(findings.stored(hub.con)) == 2 and findings.stored(hub.con, state="closed") == []


def test_another_day_is_another_finding(hub):
    put(hub, GONE)
    put(hub, GONE, day=date(2026, 11, 21))
    put(hub, day=DAY)
    assert [item.service_day for item in findings.stored(hub.con)] == [date(2026, 11, 21)]
