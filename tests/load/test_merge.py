"""Invariant 2: a second run adds nothing, a late row lands in its own interval, versions replace each other once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from cityhub.errors import Stop
from tests.load.kit import DAY, Hub, feed
from warehouse import lake
from warehouse.landing import Delivery
from warehouse.load import load

POSITION = feed(
    {"ts": {"from": "t", "type": "timestamp"}, "v": {"from": "v", "type": "double"}},
    identity={"key": ["id", "ts"], "day_from": "ts"},
)
CASE = feed(
    {
        "at": {"from": "at", "type": "timestamp"},
        "state": {"from": "s"},
        "changed": {"from": "c", "type": "timestamp"},
    },
    identity={"key": ["id"], "day_from": "at", "version": "changed"},
)
REGISTRY = feed({"name": {"from": "name"}}, identity={"key": ["id"], "deletes": "full_compare"})
NEXT = DAY + timedelta(days=1)


def rows(n: int, day: date = DAY, speed: float = 1.0) -> list[dict[str, Any]]:
    return [{"id": f"V{i}", "t": f"{day} 08:{i % 60:02d}:00", "v": speed} for i in range(n)]


def dirty(hub: Hub) -> list[tuple[Any, ...]]:
    return hub.rows("SELECT DISTINCT table_name, service_day FROM dirty_day ORDER BY service_day")


def test_second_run_writes_nothing_at_all(hub: Hub) -> None:
    hub.prepare(POSITION)
    manifest = hub.land(POSITION, rows(50))
    first = load(hub.settings, POSITION, manifest, con=hub.con)
    snapshot = hub.one("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")
    second = load(hub.settings, POSITION, manifest, con=hub.con)
    assert second.repeated and not first.repeated
    assert replace(second, repeated=False, days=first.days) == first
    assert hub.one("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')") == snapshot


def test_other_bytes_with_the_same_rows_rewrite_no_row(hub: Hub) -> None:
    hub.prepare(POSITION)
    hub.load(POSITION, rows(50))
    before = hub.rows("SELECT * FROM mk_trial ORDER BY ALL")
    again = hub.load(POSITION, rows(50)[25:], rows(50)[:25])
    assert (again.repeated, again.inserted, again.updated, again.unchanged) == (False, 0, 0, 50)
    assert again.days == ()
    assert hub.rows("SELECT * FROM mk_trial ORDER BY ALL") == before
    assert dirty(hub) == [("mk_trial", DAY)]


def test_late_rows_land_in_their_own_day_and_mark_it(hub: Hub) -> None:
    hub.prepare(POSITION)
    hub.load(POSITION, rows(3))
    late = hub.load(POSITION, [*rows(2, NEXT), *rows(5)[3:]], day=NEXT)
    assert (late.inserted, late.late, late.days) == (4, 2, (DAY, NEXT))
    assert hub.rows("SELECT service_day, count(*) FROM mk_trial GROUP BY 1 ORDER BY 1") == [(DAY, 5), (NEXT, 2)]
    marks = hub.rows("SELECT service_day, count(*) FROM dirty_day GROUP BY 1 ORDER BY 1")
    assert marks == [(DAY, 2), (NEXT, 1)]


def test_midnight_is_local(hub: Hub) -> None:
    hub.prepare(POSITION)
    hub.load(
        POSITION, [{"id": "a", "t": "2026-11-19T16:00:00Z", "v": 1}, {"id": "b", "t": "2026-11-20 23:59:59", "v": 1}]
    )
    assert hub.rows("SELECT DISTINCT service_day FROM mk_trial") == [(DAY,)]


def test_repeats_in_one_delivery_count_as_duplicates_and_the_newest_stays(hub: Hub) -> None:
    hub.prepare(CASE)
    newest = {"id": "1", "at": f"{DAY} 08:00:00", "s": "closed", "c": f"{DAY} 10:00:00"}
    older = newest | {"s": "open", "c": f"{DAY} 09:00:00"}
    tie = newest | {"s": "reopened"}
    result = hub.load(CASE, [newest, older, newest, older, tie])
    assert (result.inserted, result.duplicate) == (1, 4)
    assert hub.rows("SELECT state FROM mk_trial") == [("reopened",)]  # of equal versions the last in order


def test_an_older_version_never_replaces_a_newer_one(hub: Hub) -> None:
    hub.prepare(CASE)
    row = {"id": "1", "at": f"{DAY} 08:00:00", "s": "closed", "c": f"{DAY} 10:00:00"}
    hub.load(CASE, [row])
    late = hub.load(CASE, [row | {"s": "open", "c": f"{DAY} 09:00:00"}], day=NEXT)
    assert (late.duplicate, late.updated, late.days) == (1, 0, ())
    assert hub.rows("SELECT state FROM mk_trial") == [("closed",)]


def test_a_version_that_changes_its_day_does_not_stay_twice(hub: Hub) -> None:
    hub.prepare(CASE)
    hub.load(CASE, [{"id": "1", "at": f"{DAY} 23:59:00", "s": "open", "c": f"{DAY} 23:59:00"}])
    moved = hub.load(CASE, [{"id": "1", "at": f"{NEXT} 00:01:00", "s": "open", "c": f"{NEXT} 00:10:00"}], day=NEXT)
    assert (moved.updated, moved.inserted, moved.days) == (1, 0, (DAY, NEXT))
    assert hub.rows("SELECT id, service_day FROM mk_trial") == [("1", NEXT)]


def test_a_correction_of_the_same_day_replaces(hub: Hub) -> None:
    hub.prepare(POSITION)
    hub.load(POSITION, rows(10, speed=1))
    fixed = hub.load(POSITION, [*rows(10, speed=1)[:9], *rows(10, speed=7)[9:]])
    assert (fixed.updated, fixed.unchanged) == (1, 9)
    assert hub.rows("SELECT id FROM mk_trial WHERE v = 7") == [("V9",)]


def test_an_old_delivery_loaded_again_changes_nothing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.prepare(POSITION)
    old = hub.land(POSITION, rows(5, speed=1))
    load(hub.settings, POSITION, old, con=hub.con)
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T03:00:00+08:00")
    load(hub.settings, POSITION, hub.land(POSITION, rows(5, speed=2)), con=hub.con)
    assert load(hub.settings, POSITION, old, con=hub.con).repeated
    # Even where the history has been lost, or the spec has changed since.
    renamed = POSITION.model_copy(update={"source": POSITION.source.model_copy(update={"rate_per_s": 7.0})})
    again = load(hub.settings, renamed, old, con=hub.con)
    assert (again.repeated, again.updated, again.duplicate) == (False, 0, 5)
    assert hub.rows("SELECT DISTINCT v FROM mk_trial") == [(2.0,)]


def test_registry_rows_keep_the_day_of_their_last_change_and_lacking_ones_are_closed(hub: Hub) -> None:
    hub.prepare(REGISTRY)
    hub.load(REGISTRY, [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}, {"id": "c", "name": "C"}])
    result = hub.load(REGISTRY, [{"id": "a", "name": "A"}, {"id": "b", "name": "B2"}], day=NEXT)
    assert (result.unchanged, result.updated, result.days) == (1, 1, (NEXT,))
    assert hub.rows("SELECT id, name, service_day FROM mk_trial ORDER BY id") == [("a", "A", DAY), ("b", "B2", NEXT)]
    assert hub.one(f"SELECT findings FROM delivery WHERE service_day = DATE '{NEXT}'") == "closed:1"


def test_a_backfilled_registry_does_not_undo_newer_days(hub: Hub) -> None:
    hub.prepare(REGISTRY)
    hub.load(REGISTRY, [{"id": "a", "name": "new"}], day=NEXT)
    old = hub.load(REGISTRY, [{"id": "a", "name": "old"}, {"id": "gone", "name": "x"}], day=DAY)
    assert (old.duplicate, old.inserted) == (2, 0)
    assert hub.rows("SELECT id, name FROM mk_trial") == [("a", "new")]


def test_a_cut_off_registry_closes_nothing(hub: Hub) -> None:
    hub.prepare(REGISTRY)
    hub.load(REGISTRY, [{"id": str(i), "name": "x"} for i in range(5)])

    def stated(delivery: Delivery) -> None:
        delivery.stated_total = 5

    hub.load(REGISTRY, [{"id": "1", "name": "x"}], set_up=stated, day=NEXT)
    assert hub.one("SELECT count(*) FROM mk_trial") == 5
    assert hub.one(f"SELECT findings FROM delivery WHERE service_day = DATE '{NEXT}'") == "stated_total:5<>1"
    hub.load(REGISTRY, [], day=NEXT)
    assert hub.one("SELECT count(*) FROM mk_trial") == 5


def test_a_refused_row_is_not_a_lacking_one(hub: Hub) -> None:
    spec = feed({"n": {"from": "n", "type": "integer"}}, identity={"key": ["id"], "deletes": "full_compare"})
    hub.prepare(spec)
    hub.load(spec, [{"id": "a", "n": 1}, {"id": "b", "n": 1}])
    hub.load(spec, [{"id": "a", "n": 1}, {"id": "b", "n": "?"}], day=NEXT)
    assert hub.rows("SELECT id, n FROM mk_trial ORDER BY id") == [("a", 1), ("b", 1)]


def test_ledger_cursor_and_history_move_with_the_rows(hub: Hub) -> None:
    hub.prepare(POSITION)

    def cursor(delivery: Delivery) -> None:
        delivery.cursor = "2026-11-20T23:59:59"

    result = hub.load(POSITION, rows(3), set_up=cursor)
    assert hub.rows("SELECT state, landed, loaded, inserted, load_id, loads FROM delivery") == [
        ("loaded", 3, 3, 3, result.load_id, 1)
    ]
    assert hub.rows("SELECT position, load_id FROM feed_cursor") == [("2026-11-20T23:59:59", result.load_id)]
    assert hub.rows("SELECT load_id, landed FROM load_log") == [(result.load_id, 3)]


def test_nothing_delivered(hub: Hub) -> None:
    hub.prepare(POSITION)
    assert hub.load(POSITION, b"[]").landed == 0
    assert hub.rows("SELECT state, landed FROM delivery") == [("empty_confirmed", 0)]
    strict = POSITION.model_copy(update={"arrives": POSITION.arrives.model_copy(update={"min_rows": 5})})
    few = hub.load(strict, rows(2), day=NEXT)
    assert few.inserted == 2
    assert hub.rows(f"SELECT state, findings FROM delivery WHERE service_day = DATE '{NEXT}'") == [
        ("held", "below_min_rows:2<5")
    ]


def test_a_key_that_stands_twice_stops_the_load_and_leaves_all_as_it_was(hub: Hub) -> None:
    hub.prepare(POSITION)
    hub.load(POSITION, rows(2))
    with hub.connected() as con, lake.write(con, hub.settings, "another program"):
        con.execute("INSERT INTO mk_trial SELECT * FROM mk_trial WHERE id = 'V0'")
    before = hub.rows("SELECT * FROM mk_trial ORDER BY ALL")
    with pytest.raises(Stop, match="CH-LOAD-005"):
        hub.load(POSITION, rows(3))
    assert hub.rows("SELECT * FROM mk_trial ORDER BY ALL") == before
    assert hub.one("SELECT count(*) FROM load_log") == 1


def test_no_temporary_thing_is_left(hub: Hub) -> None:
    hub.prepare(POSITION)
    with hub.connected() as con:
        load(hub.settings, POSITION, hub.land(POSITION, rows(3)), con=con)
        left = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'temp'").fetchall()
        assert left == []
        assert con.execute("SELECT getvariable('cityhub_personal_key')").fetchall() == [(None,)]
    assert not [path for path in (hub.settings.home / "tmp").iterdir() if path.name.startswith("load-")]
