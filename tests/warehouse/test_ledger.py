"""The ledger: what is expected, what came, what went wrong, whose move it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import duckdb
import pytest

from cityhub import secrets
from cityhub.clock import SHANGHAI
from cityhub.errors import Retry, Stop
from cityhub.settings import Settings
from tests.warehouse.made import snapshots, spec
from warehouse import lake, ledger

Con = duckdb.DuckDBPyConnection
DAY = date(2026, 11, 20)
NIGHT = datetime(2026, 11, 21, 1, 15, tzinfo=SHANGHAI)
LOAD = ledger.Load(
    load_id="20261121T011500000-aaaa", landed=10, loaded=7, duplicate=2, quarantined=1, inserted=7, updated=0,
    unchanged=0, late=0, flagged=1, content_sha256="c", spec_sha256="s", started_at=NIGHT, finished_at=NIGHT,
    landing_folder="/landing/x", stated_total=10, findings=("column added: y",),
)  # fmt: skip


@pytest.fixture(autouse=True)
def tonight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_NOW", NIGHT.isoformat())


def record(con: Con, settings: Settings, load: ledger.Load = LOAD, **changes: object) -> ledger.Row:
    with lake.write(con, settings, "load"):
        return ledger.record_load(con, spec(**changes), DAY, load)


def stored(con: Con) -> ledger.Row:
    found = ledger.row(con, "city.lamp", DAY)
    assert found is not None
    return found


def test_active_feeds_are_expected_once(con: Con, settings: Settings) -> None:
    specs = [spec(), spec("city.pole"), spec("city.idle", active=False)]
    with lake.write(con, settings, "expect"):
        assert ledger.expect(con, specs, DAY) == 2
    before = snapshots(con)
    with lake.write(con, settings, "again"):
        assert ledger.expect(con, {each.feed: each for each in specs}, DAY) == 0
    assert snapshots(con) == before
    rows = ledger.delivery_rows(con, DAY)
    assert [(row.feed, row.state) for row in rows] == [("city.lamp", "expected"), ("city.pole", "expected")]
    assert rows[0].expected_by == rows[0].since == datetime(2026, 11, 21, 6, tzinfo=SHANGHAI)
    assert rows[0].whose_move == "城管局 张三 0371-1"


def test_a_monthly_delivery_is_due_after_its_month() -> None:
    monthly = spec(arrives={"per": "month", "expected_by": "09:30"})
    assert ledger.expected_by(monthly, DAY) == datetime(2026, 12, 1, 9, 30, tzinfo=SHANGHAI)
    assert ledger.expected_by(monthly, date(2026, 12, 31)) == datetime(2027, 1, 1, 9, 30, tzinfo=SHANGHAI)


def test_a_load_stands_in_ledger_and_log(con: Con, settings: Settings) -> None:
    row = record(con, settings)
    assert stored(con) == row
    assert (row.state, row.landed, row.loaded, row.loads) == ("loaded", 10, 7, 1)
    assert row.findings == "column added: y"
    again = record(con, settings, replace(LOAD, load_id="20261121T020000000-bbbb", inserted=0, unchanged=7))
    assert (again.loads, again.inserted, again.load_id) == (2, 0, "20261121T020000000-bbbb")
    log = con.execute("SELECT load_id, landed, landing_folder FROM load_log ORDER BY load_id").fetchall()
    assert log == [(LOAD.load_id, 10, "/landing/x"), ("20261121T020000000-bbbb", 10, "/landing/x")]
    assert len(ledger.delivery_rows(con, DAY)) == 1


def test_counts_that_do_not_add_up_roll_the_load_back(con: Con, settings: Settings) -> None:
    with pytest.raises(Stop) as stopped:
        record(con, settings, replace(LOAD, loaded=8))
    assert stopped.value.code == "CH-LEDGER-002"
    assert ledger.delivery_rows(con, DAY) == []


def test_too_few_rows_hold_the_day_whatever_later_checks_say(con: Con, settings: Settings) -> None:
    row = record(con, settings, arrives={"min_rows": 11})
    assert (row.state, row.error_code, row.whose_move) == ("held", "CH-LEDGER-001", "城管局 张三 0371-1")
    with lake.write(con, settings, "check"):
        ledger.set_state(con, "city.lamp", DAY, "checked")
    assert stored(con).state == "held"
    assert record(con, settings, arrives={"min_rows": 10}).state == "loaded"


def test_no_rows_where_none_are_demanded_confirm_the_day_empty(con: Con, settings: Settings) -> None:
    empty = replace(LOAD, landed=0, loaded=0, duplicate=0, quarantined=0, inserted=0)
    assert record(con, settings, empty, arrives={"min_rows": 0}).state == "empty_confirmed"
    assert record(con, settings, empty).state == "held"


def test_a_failure_names_error_place_and_owner_since_the_first_time(
    con: Con, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.record_failure(settings, spec(), DAY, Stop("CH-FEED-002", feed="city.lamp", folder="/f", near="x"))
    row = stored(con)
    assert (row.state, row.error_code, row.since) == ("failed", "CH-FEED-002", NIGHT)
    assert row.whose_move == "城管局 张三 0371-1"
    assert row.error is not None
    assert "folder=/f" in row.error
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T05:00:00+08:00")
    ledger.record_failure(settings, spec(), DAY, Retry("CH-LAKE-004", lock="x", seconds=1))
    row = stored(con)
    assert (row.error_code, row.since) == ("CH-LAKE-004", NIGHT)
    assert row.whose_move is not None
    assert row.whose_move.startswith("data engineer")


def test_what_belongs_to_the_people_of_the_hub_is_not_asked_of_the_owner() -> None:
    missing = Stop("CH-CONF-001", name="x", variable="CITYHUB_X", file="/f")
    assert ledger.whose_move(spec(), missing) == "whoever runs the hub"


def test_no_secret_reaches_the_ledger(con: Con, settings: Settings) -> None:
    secrets.remember("hunter2-very-secret")
    error = Stop("CH-REF-001", file="http://u:pw12@host/x", detail="login hunter2-very-secret refused")
    ledger.record_failure(settings, spec(), DAY, error)
    text = str(con.execute("SELECT * FROM delivery").fetchall())
    assert "hunter2" not in text
    assert "pw12" not in text


def test_a_failure_after_a_good_load_keeps_the_rows_and_a_good_answer_clears_it(con: Con, settings: Settings) -> None:
    record(con, settings)
    ledger.record_failure(settings, spec(), DAY, Retry("CH-LAKE-004", lock="x", seconds=1))
    row = stored(con)
    assert (row.state, row.landed, row.error_code) == ("loaded", 10, "CH-LAKE-004")
    assert ledger.recovered(con, settings, "city.lamp", DAY)
    row = stored(con)
    assert (row.state, row.error_code, row.error, row.whose_move, row.since) == (
        "loaded",
        None,
        None,
        None,
        None,
    )
    before = snapshots(con)
    assert not ledger.recovered(con, settings, "city.lamp", DAY)
    assert snapshots(con) == before


def test_a_load_after_a_failure_ends_it(con: Con, settings: Settings) -> None:
    ledger.record_failure(settings, spec(), DAY, Retry("CH-LAKE-004", lock="x", seconds=1))
    row = record(con, settings)
    assert (row.state, row.error_code, row.error, row.whose_move, row.since) == (
        "loaded",
        None,
        None,
        None,
        None,
    )


def test_a_held_day_keeps_its_reason_when_the_source_fails_too(con: Con, settings: Settings) -> None:
    record(con, settings, arrives={"min_rows": 11})
    for _ in range(2):
        ledger.record_failure(settings, spec(), DAY, Retry("CH-LAKE-004", lock="x", seconds=1))
    row = stored(con)
    assert (row.state, row.error_code) == ("held", "CH-LEDGER-001")
    assert row.findings == "column added: y; failure:CH-LAKE-004"


def test_states_move_and_a_hold_has_its_reason(con: Con, settings: Settings) -> None:
    record(con, settings)
    with lake.write(con, settings, "checks"):
        ledger.set_state(con, "city.lamp", DAY, "held", reason="mean out of range")
    assert (stored(con).state, stored(con).error, stored(con).since) == ("held", "mean out of range", NIGHT)
    with lake.write(con, settings, "checks"):
        ledger.set_state(con, "city.lamp", DAY, "checked")
    assert (stored(con).state, stored(con).error, stored(con).since) == ("checked", None, None)
    before = snapshots(con)
    with lake.write(con, settings, "checks"):
        ledger.set_state(con, "city.lamp", DAY, "checked")
    assert snapshots(con) == before


def test_only_known_deliveries_and_states_move(con: Con, settings: Settings) -> None:
    with pytest.raises(Stop) as stopped, lake.write(con, settings, "checks"):
        ledger.set_state(con, "city.lamp", DAY, "checked")
    assert stopped.value.code == "CH-LEDGER-003"
    with pytest.raises(ValueError, match="unknown delivery state"):
        ledger.set_state(con, "city.lamp", DAY, "gone")  # type: ignore[arg-type]  # what the test is about


def test_what_never_came_is_overdue_from_its_time_on(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "expect"):
        ledger.expect(con, [spec(), spec("city.pole")], DAY)
        ledger.record_load(con, spec(), DAY, LOAD)
    at = datetime(2026, 11, 21, 6, tzinfo=SHANGHAI)
    assert ledger.overdue(con, at) == []
    assert [row.feed for row in ledger.overdue(con, at.replace(minute=1))] == ["city.pole"]


def test_bytes_in_landing_show_in_the_ledger_until_the_load(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "expect"):
        ledger.expect(con, [spec()], DAY)
    assert ledger.record_landed(con, settings, "city.lamp", DAY)
    assert stored(con).state == "landed"
    record(con, settings)
    before = snapshots(con)
    assert not ledger.record_landed(con, settings, "city.lamp", DAY), "a loaded day does not go back"
    assert stored(con).state == "loaded"
    assert snapshots(con) == before


def test_a_publication_moves_the_checked_days_of_its_month(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "expect"):
        ledger.expect(con, [spec(), spec("city.pole")], DAY)
    record(con, settings)
    assert ledger.record_published(con, settings, "2026-11", DAY) == 0, "a day that was not checked stays"
    with lake.write(con, settings, "check"):
        ledger.set_state(con, "city.lamp", DAY, "checked")
    assert ledger.record_published(con, settings, "2026-10", date(2026, 10, 31)) == 0
    assert ledger.record_published(con, settings, "2026-11", date(2026, 11, 19)) == 0
    assert ledger.record_published(con, settings, "2026-11", DAY) == 1
    assert stored(con).state == "published"
    before = snapshots(con)
    assert ledger.record_published(con, settings, "2026-11", DAY) == 0
    assert snapshots(con) == before, "nothing to move writes nothing"
