"""The engine's promises: missing is never zero, a second run writes nothing, late rows find their day."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from cityhub.settings import Settings
from indicators import engine
from indicators.definitions import FOLDER, read_all
from tests.indicators import city
from tests.indicators.city import COUNTY, DAY, TERRITORIES
from warehouse import lake

FEEDS = (
    "sanitation.route_task",
    "sanitation.vehicle",
    "sanitation.position",
    "sanitation.weigh",
    "enforcement.case",
)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def hub(tmp_path: Path) -> Settings:
    return city.build(tmp_path, FEEDS)


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """The definitions of two platforms: enough for the engine, and quick."""
    folder = tmp_path / "indicators"
    folder.mkdir()
    for name in ("sanitation.yaml", "enforcement.yaml"):
        shutil.copy(FOLDER / name, folder / name)
    return folder


@pytest.fixture
def con(hub: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    con = lake.connect(hub)
    yield con
    con.close()


def value(con: duckdb.DuckDBPyConnection, code: str, unit: str = COUNTY, period: str = str(DAY)) -> tuple[object, ...]:
    found = con.execute(
        "SELECT numerator, denominator, value, state FROM indicator_value"
        " WHERE code = ? AND unit_code = ? AND period = ?",
        [code, unit, period],
    ).fetchall()
    assert len(found) == 1, f"{code} {unit} {period}: {found}"
    return tuple(found[0])


def snapshots(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
    assert row
    return int(row[0])


def roads(con: duckdb.DuckDBPyConnection, day: date, done: float, task: str = "a", unit: str | None = "juji") -> None:
    city.put(
        con,
        "san_route_task",
        unit,
        [{"task_id": task, "task_date": day, "planned_km": 10, "done_km": done}],
        day,
    )
    city.deliver(con, ["sanitation.route_task"], day)


def test_every_indicator_has_a_row_for_every_unit_in_scope_even_with_nothing_delivered(
    hub: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    summary = engine.compute_day(hub, DAY)
    assert not summary.errors
    for definition in read_all().values():
        units = {COUNTY}
        units |= set(city.TERRITORIES) if "territory" in definition.unit_columns else set()
        units |= set(city.DEPARTMENTS) if "department" in definition.unit_columns else set()
        rows = con.execute(
            "SELECT unit_code, count(*) FROM indicator_value WHERE code = ? AND period_kind = 'day' GROUP BY ALL",
            [definition.code],
        ).fetchall()
        assert dict(rows) == dict.fromkeys(units, 1), definition.code


def test_a_missing_delivery_gives_no_value_and_names_the_feed(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    city.deliver(con, ["sanitation.route_task"], DAY, state="failed", loaded=0)
    engine.compute_day(hub, DAY, folder=few)
    rows = con.execute(
        "SELECT numerator, denominator, value, n_valid, coverage, state, reason FROM indicator_value"
        " WHERE code = 'SAN-03'"
    ).fetchall()
    assert len(rows) == 5
    assert set(rows) == {(None, None, None, 0, 0.0, "missing", "sanitation.route_task failed")}
    hubless = con.execute(
        "SELECT count(*) FROM indicator_value v JOIN indicator i USING (code)"
        " WHERE v.state = 'missing' AND (value IS NOT NULL OR numerator IS NOT NULL)"
    ).fetchone()
    assert hubless == (0,)


def test_one_dead_feed_leaves_the_others_alone(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 5)
    city.deliver(con, ["sanitation.position"], DAY, state="failed", loaded=0)
    engine.compute_day(hub, DAY, folder=few)
    assert value(con, "SAN-03") == (5, 10, 50, "ok")
    assert value(con, "SAN-08")[3] == "missing"


def test_nothing_to_count_is_not_zero_percent(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 5)
    engine.compute_day(hub, DAY, folder=few)
    assert value(con, "SAN-03", "jincheng") == (None, None, None, "no_denominator")


def test_rows_of_no_unit_count_for_the_county_only(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 5)
    roads(con, DAY, 10, task="b", unit=None)
    engine.compute_day(hub, DAY, folder=few)
    assert value(con, "SAN-03") == (15, 20, 75, "ok")
    assert [value(con, "SAN-03", unit)[0] for unit in TERRITORIES] == [None, 5, None, None]


def test_a_second_run_writes_nothing(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 5)
    engine.compute_night(hub, DAY, folder=few)
    before, held = snapshots(con), con.execute("SELECT * FROM indicator_value ORDER BY ALL").fetchall()
    again = engine.compute_night(hub, DAY, folder=few)
    assert again.changed == 0
    assert snapshots(con) == before
    assert con.execute("SELECT * FROM indicator_value ORDER BY ALL").fetchall() == held


def test_only_changed_values_are_written_again(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 5)
    engine.compute_day(hub, DAY, folder=few)
    con.execute("UPDATE san_route_task SET done_km = 8")
    assert engine.compute_day(hub, DAY, folder=few).changed == 2  # the territory and the county
    assert value(con, "SAN-03", "juji")[2] == 80
    assert con.execute("SELECT count(*) FROM indicator_value WHERE code = 'SAN-03'").fetchone() == (5,)


def test_a_month_adds_numerators_and_denominators_and_is_provisional_with_a_gap(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    roads(con, DAY, 5, task="a")
    roads(con, DAY + timedelta(days=2), 10, task="c")
    for offset in range(3):
        engine.compute_day(hub, DAY + timedelta(days=offset), folder=few)
    engine.compute_month(hub, "2026-11", NEXT + timedelta(days=1), folder=few)
    assert value(con, "SAN-03", period="2026-11") == (15, 20, 75, "provisional")
    row = con.execute(
        "SELECT reason, coverage FROM indicator_value WHERE code = 'SAN-03' AND period = '2026-11' AND unit_code = ?",
        [COUNTY],
    ).fetchone()
    assert row == ("sanitation.route_task lacks 1 of 3 days", pytest.approx(2 / 3))


def test_a_fresh_installation_is_not_to_blame_for_the_days_before_it(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    roads(con, DAY, 5)
    engine.compute_night(hub, DAY, folder=few)
    assert value(con, "SAN-03", period="2026-11") == (5, 10, 50, "ok")


def test_a_delivered_day_that_nobody_computed_makes_the_month_provisional(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    roads(con, DAY, 5)
    roads(con, NEXT, 5, task="b")
    engine.compute_day(hub, DAY, folder=few)
    engine.compute_month(hub, "2026-11", NEXT, folder=few)
    assert value(con, "SAN-03", period="2026-11") == (5, 10, 50, "provisional")


def test_a_held_day_is_provisional_with_its_reason(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 5)
    city.deliver(con, ["sanitation.route_task"], DAY, state="held")
    engine.compute_night(hub, DAY, folder=few)
    assert value(con, "SAN-03") == (5, 10, 50, "provisional")
    assert value(con, "SAN-03", period="2026-11")[3] == "provisional"


def test_low_coverage_is_provisional(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 5)
    city.put(con, "san_route_task", "juji", [{"task_id": "x", "task_date": DAY, "planned_km": 3}], DAY)
    engine.compute_day(hub, DAY, folder=few)
    assert value(con, "SAN-03") == (5, 10, 50, "provisional")  # the task without a report is not a zero


def test_an_earlier_registry_serves_when_todays_did_not_come(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    city.put(con, "san_vehicle", "juji", [{"vehicle_id": "v", "status": "active"}], DAY)
    city.put(con, "san_position", "juji", [{"vehicle_id": "v", "ts": city.at("08:00", NEXT)}], NEXT)
    city.deliver(con, ["sanitation.vehicle"], DAY)
    city.deliver(con, ["sanitation.position"], NEXT)
    city.deliver(con, ["sanitation.vehicle"], NEXT, state="failed", loaded=0)
    engine.compute_day(hub, NEXT, folder=few)
    assert value(con, "SAN-08", period=str(NEXT)) == (1, 1, 100, "provisional")


def test_a_late_row_recomputes_its_day_and_month_and_clears_its_mark(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    roads(con, DAY, 5)
    roads(con, NEXT, 10, task="b")
    engine.compute_night(hub, DAY, folder=few)
    engine.compute_night(hub, NEXT, folder=few)
    con.execute("UPDATE san_route_task SET done_km = 7 WHERE task_id = 'a'")
    con.execute("INSERT INTO dirty_day VALUES ('san_route_task', ?, 'load-9', now())", [DAY])
    engine.compute_dirty(hub, folder=few)
    assert value(con, "SAN-03") == (7, 10, 70, "ok")
    assert value(con, "SAN-03", period="2026-11") == (17, 20, 85, "ok")
    assert con.execute("SELECT count(*) FROM dirty_day").fetchone() == (0,)
    before = snapshots(con)
    engine.compute_dirty(hub, folder=few)
    assert snapshots(con) == before


def test_a_case_updated_late_changes_the_later_days_on_which_it_counts(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    case = {
        "case_no": "1",
        "reported_at": city.at("08:00"),
        "dispatched_at": city.at("09:00"),
        "dept_code": "cgj",
    }
    city.put(con, "enf_case", "juji", [{**case, "deadline": city.at("09:00", plus=1)}], DAY)
    for day in (DAY, NEXT):
        city.deliver(con, ["enforcement.case"], day)
        engine.compute_night(hub, day, folder=few)
    assert value(con, "ENF-05", "cgj", str(NEXT)) == (0, 1, 0, "ok")
    con.execute("UPDATE enf_case SET handled_at = ?", [city.at("08:30", plus=1)])
    con.execute("INSERT INTO dirty_day VALUES ('enf_case', ?, 'load-9', now())", [DAY])
    engine.compute_dirty(hub, folder=few)
    assert value(con, "ENF-05", "cgj", str(NEXT)) == (1, 1, 100, "ok")
    assert value(con, "ENF-05", "juji", "2026-11") == (1, 1, 100, "ok")


def test_quarantined_rows_of_the_feed_are_named_beside_the_value(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    roads(con, DAY, 5)
    con.execute(
        "INSERT INTO quarantine (id, feed, service_day, load_id, reason, raw, state, owner, spec_sha256, seen_at)"
        " VALUES ('q', 'sanitation.route_task', ?, 'l', 'r', '{}', 'open', 'o', 's', now())",
        [DAY],
    )
    engine.compute_day(hub, DAY, folder=few)
    found = con.execute("SELECT DISTINCT quarantined FROM indicator_value WHERE code = 'SAN-03'").fetchall()
    assert found == [(1,)]


def test_a_broken_spec_costs_its_own_indicators_only(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 5)
    city.deliver(con, ["sanitation.weigh"], DAY)
    (hub.feeds / "sanitation.weigh.yaml").write_text("feed: [", encoding="utf-8")
    engine.compute_day(hub, DAY, folder=few)
    assert value(con, "SAN-03")[3] == "ok"
    assert value(con, "SAN-04")[3] == "missing"


def test_the_catalogue_table_holds_every_definition_with_its_words(
    hub: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    engine.compute_day(hub, DAY)
    rows = con.execute("SELECT code, definition_sha256, title_zh, formula FROM indicator").fetchall()
    assert {row[0]: row[1] for row in rows} == {code: item.sha256 for code, item in read_all().items()}
    assert all(row[2] and row[3] for row in rows)


def test_a_year_adds_its_days_and_a_late_row_of_an_earlier_month_does_not_shorten_it(
    hub: Settings, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "yearly"
    folder.mkdir()
    text = (FOLDER / "sanitation.yaml").read_text(encoding="utf-8")
    start, end = text.index("- code: SAN-03"), text.index("- code: SAN-04")
    yearly = text[start:end].replace("time: [day, month]", "time: [day, month, quarter, year]")
    (folder / "sanitation.yaml").write_text(f"platform: sanitation\nindicators:\n{yearly}", encoding="utf-8")
    october = date(2026, 10, 20)
    for day, done in ((october, 2), (DAY, 5)):
        roads(con, day, done, task=str(day))
        engine.compute_night(hub, day, folder=folder)
    assert value(con, "SAN-03", period="2026")[:3] == (7, 20, 35)
    assert value(con, "SAN-03", period="2026-Q4")[:3] == (7, 20, 35)
    roads(con, october, 9, task="late")
    con.execute("INSERT INTO lake.main.dirty_day VALUES ('san_route_task', ?, 'L2', now())", [october])
    engine.compute_dirty(hub, folder=folder)
    assert value(con, "SAN-03", period="2026-10")[:2] == (11, 20)
    assert value(con, "SAN-03", period="2026")[:2] == (16, 30)


def test_a_road_has_values_where_rows_name_it_and_none_where_nothing_came(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    for day, road, done in ((DAY, "r1", 4), (DAY, "r2", 10), (NEXT, "r1", 6)):
        row = {"task_id": f"{day}{road}", "road_id": road, "task_date": day, "planned_km": 10, "done_km": done}
        city.put(con, "san_route_task", "juji", [row], day)
        city.deliver(con, ["sanitation.route_task"], day)
    for day in (DAY, NEXT):
        engine.compute_night(hub, day, folder=few)
    assert value(con, "SAN-03", "road:r2") == (10, 10, 100, "ok")
    assert value(con, "SAN-03", "road:r1", "2026-11")[:2] == (10, 20)
    assert value(con, "SAN-03", "road:r2", "2026-11")[:2] == (10, 10)
    assert value(con, "SAN-03", period="2026-11")[:2] == (20, 30)
    rows = con.execute("SELECT count(*) FROM indicator_value WHERE unit_code = 'road:r2' AND period = ?", [str(NEXT)])
    assert rows.fetchone() == (0,)
    city.deliver(con, ["sanitation.route_task"], NEXT, state="failed", loaded=0)
    engine.compute_again(hub, [NEXT], folder=few)
    assert value(con, "SAN-03", period=str(NEXT))[3] == "missing"
    gone = con.execute("SELECT count(*) FROM indicator_value WHERE unit_code = 'road:r1' AND period = ?", [str(NEXT)])
    assert gone.fetchone() == (0,)


def test_a_week_and_a_heating_season_grow_day_by_day_and_take_late_rows(
    hub: Settings, con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "weekly"
    folder.mkdir()
    text = (FOLDER / "sanitation.yaml").read_text(encoding="utf-8")
    start, end = text.index("- code: SAN-03"), text.index("- code: SAN-04")
    weekly = text[start:end].replace("time: [day, month]", "time: [day, week, month, season]")
    (folder / "sanitation.yaml").write_text(f"platform: sanitation\nindicators:\n{weekly}", encoding="utf-8")
    sunday, monday = date(2026, 11, 15), date(2026, 11, 16)  # the season's first day ends a week
    for day, done in ((date(2026, 11, 14), 1), (sunday, 2), (monday, 5)):
        roads(con, day, done, task=str(day))
        engine.compute_night(hub, day, folder=folder)
    assert value(con, "SAN-03", period="2026-W46")[:2] == (3, 20)
    assert value(con, "SAN-03", period="2026-W47")[:2] == (5, 10)
    assert value(con, "SAN-03", period="2026-2027")[:2] == (7, 20)
    roads(con, sunday, 9, task="late")
    con.execute("INSERT INTO lake.main.dirty_day VALUES ('san_route_task', ?, 'L2', now())", [sunday])
    engine.compute_dirty(hub, folder=folder)
    assert value(con, "SAN-03", period="2026-W46")[:2] == (12, 30)
    assert value(con, "SAN-03", period="2026-W47")[:2] == (5, 10)
    assert value(con, "SAN-03", period="2026-2027")[:2] == (16, 30)
