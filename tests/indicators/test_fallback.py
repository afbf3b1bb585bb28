"""A fallback value is never zero and never unmarked: carried forward since a day, or uploaded by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from cityhub.settings import Settings
from indicators import engine
from indicators.definitions import FOLDER
from tests.indicators import city
from tests.indicators.city import COUNTY, DAY
from tests.indicators.test_engine import NEXT, roads, snapshots, value
from warehouse import lake

FEED = "sanitation.route_task"
LATER = NEXT + timedelta(days=1)


@pytest.fixture
def hub(tmp_path: Path) -> Settings:
    hub = city.build(tmp_path, [FEED])
    file = hub.feeds / f"{FEED}.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        re.sub(r"^(arrives:.*\n)?", "arrives: {fallback: carry_forward}\n", text, count=1), encoding="utf-8"
    )
    return hub


@pytest.fixture
def few(tmp_path: Path) -> Path:
    folder = tmp_path / "indicators"
    folder.mkdir()
    shutil.copy(FOLDER / "sanitation.yaml", folder / "sanitation.yaml")
    return folder


@pytest.fixture
def con(hub: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    con = lake.connect(hub)
    yield con
    con.close()


def reason(con: duckdb.DuckDBPyConnection, period: str) -> str:
    sql = "SELECT reason FROM indicator_value WHERE code = 'SAN-03' AND unit_code = ? AND period = ?"
    return str(con.execute(sql, [COUNTY, period]).fetchall()[0][0])


def test_the_last_good_value_is_carried_forward_marked_and_follows_a_restatement(
    hub: Settings, con: duckdb.DuckDBPyConnection, few: Path
) -> None:
    code = "SAN-03"
    roads(con, DAY, 8)
    engine.compute_night(hub, DAY, folder=few)
    own = value(con, code)
    assert (own[2], own[3]) == (80.0, "ok")
    engine.compute_night(hub, NEXT, folder=few)
    assert value(con, code, period=str(NEXT)) == (8.0, 10.0, 80.0, "provisional")
    assert f"carried forward since {DAY} (沿用)" in reason(con, str(NEXT))
    month = value(con, code, period=f"{DAY:%Y-%m}")
    assert month[:2] == (8.0, 10.0), "a day that never came does not count twice"
    before = snapshots(con)
    engine.compute_night(hub, NEXT, folder=few)
    assert snapshots(con) == before
    # the good day is corrected: what was carried from it follows
    roads(con, DAY, 9, task="b")
    con.execute("INSERT INTO dirty_day VALUES ('san_route_task', ?, 'l', now())", [DAY])
    engine.compute_dirty(hub, folder=few)
    assert value(con, code, period=str(NEXT))[:3] == value(con, code)[:3] == (17.0, 20.0, 85.0)
    # the day comes after all: its own value, and no mark
    roads(con, NEXT, 5)
    con.execute("INSERT INTO dirty_day VALUES ('san_route_task', ?, 'l2', now())", [NEXT])
    engine.compute_dirty(hub, folder=few)
    assert value(con, code, period=str(NEXT)) == (5.0, 10.0, 50.0, "ok")


def test_nothing_good_before_is_missing_not_zero(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    engine.compute_night(hub, DAY, folder=few)
    assert value(con, "SAN-03")[2:] == (None, "missing")


def test_an_uploaded_days_value_says_so(hub: Settings, con: duckdb.DuckDBPyConnection, few: Path) -> None:
    roads(con, DAY, 8)
    con.execute("UPDATE delivery SET manual = 'upload', manual_by = '王五'")
    engine.compute_night(hub, DAY, folder=few)
    assert value(con, "SAN-03")[2:] == (80.0, "provisional")
    assert reason(con, str(DAY)) == f"{FEED} uploaded by hand (人工补录)"
    engine.compute_night(hub, NEXT, folder=few)
    assert value(con, "SAN-03", period=str(NEXT))[3] == "missing", "what was uploaded is not carried on"
