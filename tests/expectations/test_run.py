"""The quality run's promises: what it finds, what it holds, and that a second run writes nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import duckdb

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from expectations import report, results, run
from tests.indicators import city
from tests.indicators.city import DAY
from warehouse import ledger

Specs = dict[str, FeedSpec]


def tasks(con: duckdb.DuckDBPyConnection, *rows: tuple[str, float, float | None]) -> None:
    made = [{"task_id": t, "task_date": DAY, "planned_km": p, "done_km": d} for t, p, d in rows]
    city.put(con, "san_route_task", "juji", made)
    city.deliver(con, ["sanitation.route_task"], DAY)


def by_id(found: list[results.QualityResult], feed: str) -> dict[str, results.QualityResult]:
    return {item.check_id: item for item in found if item.feed == feed}


def state(con: duckdb.DuckDBPyConnection, feed: str) -> ledger.Row:
    row = ledger.row(con, feed, DAY)
    assert row
    return row


def snapshots(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
    assert row
    return int(row[0])


def test_good_rows_make_the_day_checked_and_a_second_run_writes_nothing(
    hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection
) -> None:
    tasks(con, ("a", 10, 9), ("b", 10, 10))
    found = run.check_day(hub, specs, DAY)
    assert {item.feed for item in found} == {"sanitation.route_task"}  # the others did not deliver
    assert all(item.success for item in found)
    wanted = {"min_rows", "required", "key_unique", "service_day", "sql"}
    wanted |= {"between.done_km", "mean_between.planned_km", "not_null.done_km"}
    assert {item.check_id for item in found} == wanted
    assert state(con, "sanitation.route_task").state == "checked"
    before = snapshots(con)
    assert run.check_day(hub, specs, DAY) == found
    assert snapshots(con) == before
    assert results.read(con, DAY) == found


def test_a_failed_critical_check_holds_the_day_and_says_whose_move_it_is(
    hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection
) -> None:
    tasks(con, ("a", 1000, 9), ("a", 2000, 30), ("c", 500, None), ("d", 500, 1))
    found = by_id(run.check_day(hub, specs, DAY), "sanitation.route_task")
    assert not found["mean_between.planned_km"].success
    assert found["mean_between.planned_km"].observed == "1000"
    assert (found["key_unique"].success, found["key_unique"].unexpected_count) == (False, 1)
    assert not found["not_null.done_km"].success
    assert (found["not_null.done_km"].unexpected_count, found["not_null.done_km"].element_count) == (1, 4)
    assert found["not_null.done_km"].severity == "warning"
    row = state(con, "sanitation.route_task")
    assert (row.state, row.error_code, row.whose_move) == ("held", "CH-QUAL-002", "d p 1")
    assert "key_unique, mean_between.planned_km" in (row.error or "")
    before = snapshots(con)
    run.check_day(hub, specs, DAY)
    assert snapshots(con) == before


def test_a_corrected_day_is_released(hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection) -> None:
    tasks(con, ("a", 1000, 9), ("b", 10, 1))
    run.check_day(hub, specs, DAY)
    assert state(con, "sanitation.route_task").state == "held"
    con.execute("UPDATE san_route_task SET planned_km = 10")
    run.check_day(hub, specs, DAY)
    row = state(con, "sanitation.route_task")
    assert (row.state, row.error_code, row.error, row.whose_move) == ("checked", None, None, None)
    assert all(item.success for item in results.read(con, DAY))


def test_a_warning_does_not_hold(hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection) -> None:
    tasks(con, ("a", 10, 30), ("b", 10, 10))
    found = by_id(run.check_day(hub, specs, DAY), "sanitation.route_task")
    assert (found["sql"].success, found["sql"].unexpected_count) == (False, 1)
    assert state(con, "sanitation.route_task").state == "checked"


def test_a_check_that_raises_is_errored_and_does_not_hold(
    hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection
) -> None:
    city.put(con, "gas_pressure", "juji", [{"point_id": "p", "ts": city.at("08:00"), "kpa": 2}])
    city.deliver(con, ["gas.pressure"], DAY)
    found = by_id(run.check_day(hub, specs, DAY), "gas.pressure")
    assert (found["sql"].errored, found["sql"].success) == (True, False)
    assert "CH-QUAL-001" in (found["sql"].detail or "")
    assert found["row_count"].success
    assert state(con, "gas.pressure").state == "checked"


def test_rows_of_another_day_are_found(hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection) -> None:
    tasks(con, ("a", 10, 9), ("b", 10, 10))
    wrong = {"task_id": "x", "task_date": DAY + timedelta(days=1), "planned_km": 10, "done_km": 9}
    city.put(con, "san_route_task", "juji", [wrong])
    found = by_id(run.check_day(hub, specs, DAY), "sanitation.route_task")
    assert (found["service_day"].success, found["service_day"].unexpected_count) == (False, 1)


def test_an_empty_key_is_found(hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection) -> None:
    tasks(con, ("a", 10, 9), ("b", 10, 10))
    con.execute("UPDATE san_route_task SET task_id = NULL WHERE task_id = 'a'")
    found = by_id(run.check_day(hub, specs, DAY), "sanitation.route_task")
    assert (found["required"].success, found["required"].unexpected_count) == (False, 1)


def test_a_register_is_checked_whole(hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection) -> None:
    before = DAY - timedelta(days=1)
    city.put(con, "san_vehicle", "juji", [{"vehicle_id": "a", "status": "active"}], before)
    city.put(con, "san_vehicle", "juji", [{"vehicle_id": "b", "status": "sold"}])
    city.deliver(con, ["sanitation.vehicle"], DAY)
    found = by_id(run.check_day(hub, specs, DAY), "sanitation.vehicle")
    assert found["distinct_at_least.vehicle_id"].success
    assert (found["in_set.status"].success, found["in_set.status"].unexpected_count) == (False, 1)


def test_a_day_held_for_too_few_rows_stays_held(hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection) -> None:
    tasks(con, ("a", 10, 9))
    con.execute("UPDATE delivery SET state = 'held', error_code = 'CH-LEDGER-001', error = 'few'")
    found = by_id(run.check_day(hub, specs, DAY), "sanitation.route_task")
    assert not found["min_rows"].success
    row = state(con, "sanitation.route_task")
    assert (row.state, row.error_code, row.error) == ("held", "CH-LEDGER-001", "few")


def test_suites_are_kept_and_the_page_stands_alone(hub: Settings, specs: Specs, con: duckdb.DuckDBPyConnection) -> None:
    tasks(con, ("a", 1000, 9), ("<b>", 10, 1))
    city.deliver(con, ["muck.position"], DAY, state="failed", loaded=0)
    run.check_day(hub, specs, DAY)
    kept = hub.home / "quality" / str(DAY) / "suites" / "sanitation.route_task.json"
    suite = json.loads(kept.read_text(encoding="utf-8"))
    assert {item["severity"] for item in suite["expectations"]} == {"critical", "warning"}
    page = hub.home / "quality" / str(DAY) / "index.html"
    text = page.read_text(encoding="utf-8")
    assert report.write(hub, DAY) == page
    assert page.read_text(encoding="utf-8") == text
    assert 'lang="zh-CN"' in text
    assert "里程应合理" in text
    assert "muck.position" in text and "失败" in text
    for elsewhere in ("http://", "https://", "<script", "src=", "@import", "url("):
        assert elsewhere not in text
