"""Retention deletes what the specs say and nothing else, proves it, and a kill anywhere is finished by the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.load.kit import Hub, feed, settings_in
from tests.personal.planted import found_in
from warehouse import lake
from warehouse.retention import raw
from warehouse.retention.plan import plan
from warehouse.retention.run import history, run

OLD, NEW = date(2026, 3, 10), date(2026, 11, 20)
KEY = "planted-key-4711"
FIELDS: dict[str, Any] = {
    "ts": {"from": "ts", "type": "timestamp", "required": True},
    "n": {"from": "n", "type": "integer"},
}
KEEP = {"raw_days": 60, "detail_days": 90, "aggregate_days": 90}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T03:00:00+08:00")
    hub = Hub(settings_in(tmp_path / "home"))
    yield hub
    hub.con.close()


def spec(name: str = "trial", **more: Any) -> Any:
    body = {"feed": f"muck.{name}", "table": f"mk_{name}", "identity": {"key": ["id"], "day_from": "ts"}}
    return feed(FIELDS, **(body | {"retention": KEEP} | more))


def rows(day: date, count: int = 40, mark: str = "a") -> list[dict[str, Any]]:
    good = [{"id": f"{mark}-{day}-{n:04d}", "ts": f"{day} 08:00:00", "n": n} for n in range(count)]
    return [*good, {"id": f"{mark}-bad", "ts": f"{day} 09:00:00", "n": "many"}]


def filled(hub: Hub, *specs: Any) -> dict[str, Any]:
    """Each feed with an old and a new day; the old one holds the planted key in its middle."""
    hub.prepare(*specs)
    for item in specs:
        planted = {"id": f"a-{OLD}-{KEY}", "ts": f"{OLD} 08:00:00", "n": 7}
        hub.load(item, [*rows(OLD), planted], day=OLD)
        hub.load(item, rows(NEW), day=NEW)
    return {item.feed: item for item in specs}


def settle(hub: Hub, month: str, status: str) -> None:
    with lake.write(hub.con, hub.settings, "publication"):
        number = hub.one("SELECT coalesce(max(number), 0) + 1 FROM publication")
        hub.con.execute(
            "INSERT INTO publication VALUES ($n, $m, $d, $s, 'test', NULL, 'x', now(), NULL, NULL)",
            {"n": number, "m": month, "d": date.fromisoformat(f"{month}-28"), "s": status},
        )


def counts(hub: Hub, name: str = "trial") -> dict[date, int]:
    return dict(hub.rows(f"SELECT service_day, count(*) FROM mk_{name} GROUP BY 1 ORDER BY 1"))


def test_old_days_go_and_new_ones_and_other_feeds_stay(hub: Hub) -> None:
    specs = filled(hub, spec(), spec("other", retention={}))
    (planned_raw, planned_detail, planned_bad) = sorted(
        plan(hub.con, hub.settings, specs), key=lambda i: "rdq".index(i.what[0])
    )
    assert (planned_raw.days, planned_detail.rows, planned_bad.rows) == (1, 41, 1)
    other, landed_other = counts(hub, "other"), sorted((hub.settings.landing / "muck.other").rglob("*"))
    done = run(hub.settings, specs)
    assert {(item.what, item.rows, item.remaining) for item in done.deleted} == {
        ("raw", 0, 0), ("detail", 41, 0), ("quarantine", 1, 0),
    }  # fmt: skip
    assert counts(hub) == {NEW: 40} and counts(hub, "other") == other
    assert sorted((hub.settings.landing / "muck.other").rglob("*")) == landed_other
    assert [path.name for path in (hub.settings.landing / "muck.trial").iterdir()] == [NEW.isoformat()]
    assert hub.one("SELECT count(*) FROM quarantine WHERE feed = 'muck.trial'") == 1
    assert done.bytes_until is not None
    logged = history(hub.con)
    assert {(item.what, item.sha256) for item in logged} == {(item.what, item.sha256) for item in done.deleted}
    again = run(hub.settings, specs)
    assert again.deleted == () and history(hub.con) == logged


def test_at_once_no_byte_of_a_deleted_row_remains(hub: Hub) -> None:
    specs = filled(hub, spec())
    assert found_in(hub.settings.home, (KEY,)), "else this test could not fail"
    hub.con.close()
    del hub.con
    run(hub.settings, specs, at_once=True)
    assert found_in(hub.settings.home, (KEY,)) == []
    assert counts(hub) == {NEW: 40}
    assert hub.one("SELECT count(*) FROM ducklake_snapshots('lake')") <= 3
    assert hub.rows(f"SELECT id FROM mk_trial WHERE id LIKE '%{KEY}%'") == []


@pytest.mark.parametrize(("status", "stays"), [("provisional", True), ("final", False), ("corrected", False)])
def test_a_month_whose_scores_are_not_final_keeps_everything(hub: Hub, status: str, stays: bool) -> None:
    specs = filled(hub, spec())
    settle(hub, "2026-03", status)
    done = run(hub.settings, specs)
    assert (OLD in counts(hub)) is stays
    assert ((hub.settings.landing / "muck.trial" / OLD.isoformat()).is_dir()) is stays
    if stays:
        assert done.deleted == ()
        assert {item.held_back for item in done.held_back} == {"the scores of 2026-03 are not final"}
        assert all(item.before_day == date(2026, 3, 1) for item in done.held_back)


def test_a_scored_month_that_was_never_published_keeps_everything(hub: Hub) -> None:
    specs = filled(hub, spec())
    with lake.write(hub.con, hub.settings, "score"):
        hub.con.execute(
            "INSERT INTO score (scheme, period, unit_code, component, state, as_of)"
            " VALUES ('s', '2026-03', 'u', 'c', 'ok', now())"
        )
    assert run(hub.settings, specs).deleted == ()


def test_a_delivery_that_is_not_loaded_stays(hub: Hub) -> None:
    specs = filled(hub, spec())
    later = OLD - timedelta(days=3)
    hub.land(specs["muck.trial"], rows(later), day=later)
    done = run(hub.settings, specs)
    assert f"a delivery of {later} is not loaded" in {item.held_back for item in done.held_back}
    assert (hub.settings.landing / "muck.trial" / later.isoformat()).is_dir()
    assert (hub.settings.landing / "muck.trial" / OLD.isoformat()).is_dir()


def test_a_register_keeps_its_rows_however_old(hub: Hub) -> None:
    register = feed(FIELDS, table="mk_register", feed="muck.register", retention=KEEP)
    hub.prepare(register)
    hub.load(register, rows(OLD), day=OLD)
    done = run(hub.settings, {"muck.register": register})
    assert {item.what for item in done.deleted} == {"raw", "quarantine"}
    assert hub.one("SELECT count(*) FROM mk_register") == 40


def test_a_shared_table_loses_only_the_rows_of_the_feed(hub: Hub) -> None:
    one, two = spec("one", table="mk_shared"), spec("two", table="mk_shared", retention={})
    hub.prepare(one)
    hub.load(one, rows(OLD, mark="one"), day=OLD)
    hub.load(two, rows(OLD, mark="two"), day=OLD)
    run(hub.settings, {one.feed: one, two.feed: two})
    assert hub.rows("SELECT DISTINCT left(id, 3) FROM mk_shared") == [("two",)]


def test_aggregates_go_when_all_feeds_behind_them_say_so(hub: Hub) -> None:
    specs = filled(hub, spec(), spec("other", retention={}))
    with lake.write(hub.con, hub.settings, "values"):
        for code, tables in (("mine", "mk_trial"), ("both", "mk_trial,mk_other")):
            hub.con.execute(
                "INSERT INTO indicator SELECT $c, 'muck', 'x', 'x', '', 'up', '', 'ratio', 'sum', NULL, NULL, NULL,"
                " NULL, NULL, $t, 'x'", {"c": code, "t": tables},
            )  # fmt: skip
            for kind, period in (("hour", f"{OLD}T08"), ("day", str(OLD)), ("day", str(NEW)), ("month", "2026-03")):
                hub.con.execute(
                    "INSERT INTO indicator_value"
                    " (code, unit_code, period_kind, period, state, as_of, definition_sha256)"
                    " VALUES ($c, 'u', $k, $p, 'ok', now(), 'x')", {"c": code, "k": kind, "p": period},
                )  # fmt: skip
    run(hub.settings, specs)
    assert hub.rows("SELECT period_kind, period FROM indicator_value WHERE code = 'mine' ORDER BY ALL") == [
        ("day", str(NEW)), ("month", "2026-03"),
    ]  # fmt: skip
    assert hub.one("SELECT count(*) FROM indicator_value WHERE code = 'both'") == 4


KILLED = """
import os, sys
from pathlib import Path
from tests.load.kit import settings_in
from tests.retention.test_retention import spec
from warehouse.retention import raw, run
module, name = sys.argv[2].split(".")
target = {"raw": raw, "run": run}[module]
inner = getattr(target, name)
def dying(*args, **kwargs):
    if sys.argv[3] == "after":
        inner(*args, **kwargs)
    os.kill(os.getpid(), 9)
setattr(target, name, dying)
run.run(settings_in(Path(sys.argv[1])), {"muck.trial": spec()})
"""


PLACES = ("run._proof", "run._log", "raw.note", "raw.take", "raw.forget", "run.purge")
SAMPLE = {("run._log", "after"), ("raw.take", "before"), ("run.purge", "after")}


@pytest.mark.parametrize(
    ("place", "when"),
    [
        pytest.param(place, when, marks=() if (place, when) in SAMPLE else pytest.mark.full)
        for place in PLACES
        for when in ("before", "after")
    ],
)
def test_killed_anywhere_the_next_run_completes(hub: Hub, place: str, when: str) -> None:
    specs = filled(hub, spec())
    code = subprocess.run(
        [sys.executable, "-c", KILLED, str(hub.settings.home), place, when], env=os.environ, check=False
    ).returncode
    assert code == -9
    run(hub.settings, specs)
    assert counts(hub) == {NEW: 40}
    assert {(item.what, item.rows or item.files) for item in history(hub.con)} == {
        ("raw", 2), ("detail", 41), ("quarantine", 1),
    }  # fmt: skip
    assert len(history(hub.con)) == 3, "each once"
    assert raw.noted(hub.settings, "muck.trial") == []
    assert [path.name for path in (hub.settings.landing / "muck.trial").iterdir()] == [NEW.isoformat()]
    assert run(hub.settings, specs).deleted == ()
