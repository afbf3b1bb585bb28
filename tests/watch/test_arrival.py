"""What the ledger alone says: late, missing, too few, too many, the same again, a web page, times that cannot be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cityhub.errors import Stop
from tests.load.kit import DAY, Hub
from tests.warehouse.test_ledger import LOAD
from tests.watch.made import kinds, readings, spec, watched
from warehouse import lake, ledger


def record(hub: Hub, of: Any, ago: int, rows: int, content: str | None = None) -> None:
    """A line of the ledger `ago` days before `DAY`."""
    day = DAY - timedelta(days=ago)
    load = replace(
        LOAD, load_id=f"2026{ago:04d}T000000000-0000", landed=rows, loaded=0, duplicate=0, quarantined=rows,
        content_sha256=content or f"of {day}", manual=None,
    )  # fmt: skip
    with lake.write(hub.con, hub.settings, "history"):
        ledger.record_load(hub.con, of, day, load)


def history(hub: Hub, of: Any, *rows: int) -> None:
    for ago, count in enumerate(rows, 1):
        record(hub, of, ago, count)


def test_late_becomes_missing_and_closes_when_it_comes(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    of = spec()
    hub.prepare(of)
    record(hub, of, 2, 100)
    with lake.write(hub.con, hub.settings, "expect"):
        ledger.expect(hub.con, [of], DAY)
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T05:00:00+08:00")
    assert kinds(hub, of) == [], "it is not due yet"
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T07:00:00+08:00")
    late = watched(hub, of)["late"]
    assert (late.severity, late.row_count) == ("warning", 2)
    assert "due at 2026-11-21 06:00, nothing has come since 2026-11-18, 2 service days" in late.detail
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-22T07:00:00+08:00")
    assert watched(hub, of)["missing"].severity == "critical"
    assert kinds(hub, spec(watch={"off": ["late"]})) == []
    assert kinds(hub, of) == ["missing"]
    # the night after the next: the day has come meanwhile, and its finding closes though nobody asks for that day
    record(hub, of, 0, 100)
    with lake.write(hub.con, hub.settings, "expect"):
        ledger.expect(hub.con, [of], DAY + timedelta(days=1))
    kinds(hub, of, DAY + timedelta(days=1))
    assert hub.rows(f"SELECT DISTINCT state FROM finding WHERE service_day = DATE '{DAY}'") == [("closed",)]


def test_rows_are_judged_by_the_median_of_days_of_the_same_kind(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    # DAY is a Friday; of the fortnight before it ten are working days with 1000 rows, the week-ends have 100
    for ago in range(1, 15):
        free = (DAY - timedelta(days=ago)).isoweekday() > 5
        record(hub, of, ago, 100 if free else 1000)
    record(hub, of, 0, 400)
    few = watched(hub, of)["few_rows"]
    assert (few.severity, few.detail) == (
        "warning",
        "400 rows came, usual are 1000 rows, the median of 10 working days",
    )
    record(hub, of, 0, 40)
    assert watched(hub, of)["few_rows"].severity == "critical"
    record(hub, of, 0, 3100)
    assert kinds(hub, of) == ["many_rows"]
    record(hub, of, 0, 600)
    assert kinds(hub, of) == []
    assert kinds(hub, spec(watch={"rows_low": 0.9})) == ["few_rows"]
    assert kinds(hub, spec(watch={"rows_low": 0.9, "off": ["rows"]})) == []


def test_a_handful_of_events_is_never_too_few_and_no_history_is_no_usual(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    history(hub, of, 3, 5, 2, 4, 3, 4)
    record(hub, of, 0, 0)
    assert kinds(hub, of) == []
    record(hub, of, 0, 9)
    assert kinds(hub, of) == []
    short = spec(feed="muck.young")
    history(hub, short, 1000, 1000, 1000)
    record(hub, short, 0, 10)
    assert kinds(hub, short) == []


def test_more_than_max_rows_hold_the_day_with_their_own_error(hub: Hub) -> None:
    of = spec(arrives={"min_rows": 1, "max_rows": 60})
    hub.prepare(of)
    hub.load(of, readings(devices="A"))
    assert hub.rows("SELECT state, error_code FROM delivery") == [("loaded", None)]
    hub.load(of, readings(devices="AB"))
    ((state, code, error),) = hub.rows("SELECT state, error_code, error FROM delivery")
    assert (state, code) == ("held", "CH-LEDGER-004")
    assert "96 rows, at most 60" in error
    with lake.write(hub.con, hub.settings, "a quality run"):
        ledger.set_state(hub.con, of.feed, DAY, "checked")
    assert hub.one("SELECT state FROM delivery") == "held"
    assert watched(hub, of)["above_max_rows"].expected == "60"
    hub.load(of, readings(devices="A"))
    assert kinds(hub, of) == []
    assert hub.one("SELECT state FROM delivery") == "loaded"


def test_too_few_rows_are_a_critical_finding(hub: Hub) -> None:
    of = spec(arrives={"min_rows": 100})
    hub.prepare(of)
    hub.load(of, readings(devices="A"))
    found = watched(hub, of)["below_min_rows"]
    assert (found.severity, found.observed, found.expected) == ("critical", "48", "100")


def test_a_body_that_never_changes_is_seen_on_the_third_day(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    record(hub, of, 1, 50, "the same")
    record(hub, of, 0, 50, "the same")
    assert kinds(hub, of) == []
    record(hub, of, 2, 50, "the same")
    found = watched(hub, of)["same_body"]
    assert (found.severity, found.row_count) == ("critical", 3)
    assert kinds(hub, spec(watch={"off": ["same_body"]})) == []
    assert kinds(hub, spec(watch={"same_body_days": 4})) == []
    register = spec(identity={"key": ["id"]})
    assert kinds(hub, register) == [], "a register may stay as it is"
    assert kinds(hub, spec(identity={"key": ["id"]}, watch={"same_body_days": 3})) == ["same_body"]


def test_a_web_page_instead_of_data_is_named(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    page = Stop("CH-PULL-059", feed=of.feed, file="a.csv", format="csv", detail="请登录")
    ledger.record_failure(hub.settings, of, DAY, page)
    found = watched(hub, of)["web_page"]
    assert (found.severity, found.subject) == ("critical", "CH-PULL-059")
    assert "a.csv is a web page, not csv" in found.detail


def test_times_that_cannot_be_are_counted(hub: Hub) -> None:
    of = spec()
    hub.prepare(of)
    rows = readings(devices="AB")
    rows[3]["ts"] = rows[4]["ts"] = "2040-01-01 00:00:00"
    rows[5]["ts"] = "1970-01-01 08:00:00"
    hub.load(of, rows)
    found = watched(hub, of)
    assert {kind: item.row_count for kind, item in found.items()} == {"future_clock": 2, "dead_clock": 1}
    assert kinds(hub, spec(watch={"off": ["clock"]})) == []
