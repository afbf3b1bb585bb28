"""Derived tables on hand-made rows, and how the engine keeps them: by day, once, and again where a row came late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from cityhub.errors import Stop
from cityhub.settings import Settings
from indicators import derived, engine
from indicators.period import of_day, of_month
from tests.indicators import city
from tests.indicators.city import COUNTY, DAY, at, put
from tests.indicators.conftest import Ask, fill
from tests.indicators.test_engine import snapshots, value
from warehouse import lake

Con = duckdb.DuckDBPyConnection
NEXT = DAY + timedelta(days=1)


def test_the_steps_of_a_case_in_office_hours(con: Con) -> None:
    # DAY is a Friday; the offices work 08:30-12:00 and 14:30-18:00.
    put(con, "enf_case", "juji", [
        {"case_no": "lunch", "dispatched_at": at("11:00"), "handled_at": at("15:00")},
        {"case_no": "night", "dispatched_at": at("17:00", plus=-1), "handled_at": at("09:30")},
        {"case_no": "at night", "dispatched_at": at("20:00"), "handled_at": at("22:00")},
        {"case_no": "backwards", "dispatched_at": at("11:00"), "handled_at": at("10:00")},
        {"case_no": "later", "dispatched_at": at("11:00"), "handled_at": at("09:00", plus=3)},
    ])  # fmt: skip
    fill(con, "enf_stage", of_day(DAY))
    rows = con.execute(
        "SELECT case_no, in_order, CAST(elapsed_h AS DOUBLE), CAST(working_h AS DOUBLE) FROM lake.main.enf_stage"
        " ORDER BY case_no"
    ).fetchall()
    assert rows == [
        ("at night", True, 2, 0),
        ("backwards", False, 0, 0),
        ("lunch", True, 4, 1.5),
        ("night", True, 16.5, 2),
    ]
    fill(con, "enf_stage", of_day(DAY + timedelta(days=3)))
    later = con.execute("SELECT CAST(working_h AS DOUBLE) FROM lake.main.enf_stage WHERE case_no = 'later'").fetchall()
    assert later == [(5,)]  # Friday 1 + 3.5, no weekend, Monday 0.5


def test_enf_02_11_working_time_of_registering_and_handling(con: Con, ask: Ask) -> None:
    def case(number: str, registered: str, handled: str, **more: object) -> dict[str, object]:
        return {
            "case_no": number, "dept_code": "cgj", "reported_at": at("08:00"), "accepted_at": at("09:00"),
            "registered_at": at(registered), "dispatched_at": at("11:00"), "handled_at": at(handled), **more,
        }  # fmt: skip

    put(con, "enf_case", "juji", [
        case("1", "11:00", "12:00"),  # 2 h to register, 1 h to handle
        case("2", "11:01", "16:30"),  # too late, 3 h
        case("3", "09:10", "18:00", suspended=True),
        case("4", "08:50", "10:00"),  # both out of order
    ])  # fmt: skip
    assert ask("ENF-02")["juji"] == (2, 3, 4, 3)
    assert ask("ENF-11", kind="department")["cgj"] == (4, 2, 3, 2)
    month = of_month("2026-11", NEXT)
    assert ask("ENF-11", period=month)[COUNTY] == (4, 2, 3, 2)


@pytest.fixture
def hub(tmp_path: Path) -> Settings:
    return city.build(tmp_path, ["gas.alarm"])


@pytest.fixture
def held(hub: Settings) -> Iterator[Con]:
    con = lake.connect(hub)
    yield con
    con.close()


@pytest.fixture
def gas(tmp_path: Path) -> Path:
    """One definition, which reads a derived table that looks back a day."""
    folder = tmp_path / "indicators"
    folder.mkdir()
    text = (engine.catalogue.FOLDER / "gas.yaml").read_text(encoding="utf-8")
    start, end = text.index("- code: GAS-02"), text.index("- code: GAS-03")
    (folder / "gas.yaml").write_text(f"platform: gas\nindicators:\n{text[start:end]}", encoding="utf-8")
    return folder


def alarm(con: Con, number: str, raised: str, cleared: str | None, plus: int = 0) -> None:
    day = DAY + timedelta(days=plus)
    row = {"alarm_id": number, "detector_id": "a", "level": 1, "raised_at": at(raised, plus=plus)}
    put(con, "gas_alarm", "juji", [{**row, "cleared_at": cleared}], day)
    city.deliver(con, ["gas.alarm"], day)


def test_a_second_run_writes_no_derived_row_and_a_late_row_reaches_the_next_day(
    hub: Settings, held: Con, gas: Path
) -> None:
    alarm(held, "1", "00:10", at("00:20", plus=1), plus=1)
    city.deliver(held, ["gas.alarm"], DAY)
    engine.compute_night(hub, DAY, folder=gas)
    engine.compute_night(hub, NEXT, folder=gas)
    assert value(held, "GAS-02", "juji", str(NEXT)) == (1, None, 1, "ok")
    before = snapshots(held)
    assert engine.compute_night(hub, NEXT, folder=gas).changed == 0
    assert snapshots(held) == before

    # The evening before, the same detector had raised and not yet cleared: the early alarm was that episode.
    alarm(held, "0", "23:50", at("00:30", plus=1))
    held.execute("INSERT INTO lake.main.dirty_day VALUES ('gas_alarm', ?, 'L2', now())", [DAY])
    engine.compute_dirty(hub, folder=gas)
    assert value(held, "GAS-02", "juji") == (1, None, 1, "ok")
    assert value(held, "GAS-02", "juji", str(NEXT)) == (0, None, 0, "ok")
    rows = held.execute("SELECT service_day, detector_id, alarms FROM lake.main.gas_episode").fetchall()
    assert rows == [(DAY, "a", 1)]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("FROM gas_alarm", "FROM lamp", "CH-IND-002"),
        ("key: [", "keys: [", "CH-IND-001"),
        ("table: gas_episode", "table: gas_other", "CH-IND-001"),
    ],
)
def test_a_bad_derived_table_is_refused_with_its_file(tmp_path: Path, old: str, new: str, code: str) -> None:
    text = (derived.FOLDER / "gas_episode.yaml").read_text(encoding="utf-8")
    (tmp_path / "gas_episode.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(Stop, match=code):
        derived.read_all(tmp_path)


def test_a_derived_table_that_cannot_be_made_leaves_no_value_and_no_zero(
    hub: Settings, held: Con, gas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarm(held, "1", "08:00", None)
    broken = derived.read_all()["gas_episode"].model_copy(update={"sql": "SELECT level AS nothing FROM gas_alarm"})
    monkeypatch.setattr(derived, "read_all", lambda: {"gas_episode": broken})
    summary = engine.compute_night(hub, DAY, folder=gas)
    assert value(held, "GAS-02", "juji") == (None, None, None, "missing")
    assert any("CH-IND-003" in error for error in summary.errors)


def test_the_columns_of_a_key_exist_and_no_row_stands_twice(con: Con) -> None:
    for table in derived.read_all().values():
        columns = {row[0] for row in con.execute(f"DESCRIBE lake.main.{table.table}").fetchall()}
        assert set(table.key) <= columns
