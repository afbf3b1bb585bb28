"""Upkeep: fewer files, the same rows, and nothing taken from those who still need it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from cityhub.errors import Retry, Usage
from cityhub.settings import Settings
from tests.warehouse.made import snapshots, spec
from warehouse import lake, tables
from warehouse.maintain import maintain

Con = duckdb.DuckDBPyConnection


@pytest.fixture
def con(settings: Settings) -> Iterator[Con]:
    """A lake with nothing in it: upkeep visits every table."""
    con = lake.connect(settings)
    yield con
    con.close()


ROWS = "SELECT service_day, lamp_id, count FROM city_lamp ORDER BY ALL"


def files(settings: Settings) -> list[Path]:
    return sorted(Path(settings.data).rglob("*.parquet"))


def fill(con: Con, settings: Settings, loads: int = 3) -> None:
    """Loads of 20 rows (a file each) and of one row (kept in the catalog), with rows deleted again."""
    with lake.write(con, settings, "table"):
        tables.ensure(con, spec())
    for load in range(loads):
        for rows in (20, 1):
            with lake.write(con, settings, f"load {load}"):
                con.execute(
                    "INSERT INTO city_lamp (service_day, lamp_id, count)"
                    f" SELECT DATE '2026-11-20', '{load}-{rows}-' || range, {load} FROM range({rows})"
                )
    with lake.write(con, settings, "delete"):
        con.execute("DELETE FROM city_lamp WHERE lamp_id LIKE '1-20-1%'")


def test_small_files_become_one_and_the_rows_stay(con: Con, settings: Settings) -> None:
    fill(con, settings)
    before = con.execute(ROWS).fetchall()
    done = maintain(settings)
    assert done.files_merged > done.files_made > 0
    assert (done.snapshots_expired, done.files_removed) == (0, 0), "younger than a reader may need"
    assert con.execute(ROWS).fetchall() == before
    now = con.execute("SELECT file_count FROM ducklake_table_info('lake') WHERE table_name = 'city_lamp'").fetchone()
    assert now == (1,)


def test_a_second_run_finds_nothing(con: Con, settings: Settings) -> None:
    fill(con, settings, loads=2)
    assert maintain(settings, flush=True).rows_flushed >= 2
    before = snapshots(con)
    done = maintain(settings, flush=True)
    assert (done.rows_flushed, done.files_merged, done.files_made) == (0, 0, 0)
    assert snapshots(con) == before


def test_a_reader_in_the_middle_keeps_its_snapshot(con: Con, settings: Settings) -> None:
    fill(con, settings)
    reader = lake.connect(settings, read_only=True)
    reader.execute("BEGIN")
    before = reader.execute(ROWS).fetchall()
    with lake.write(con, settings, "more"):
        con.execute("DELETE FROM city_lamp")
    maintain(settings)
    assert reader.execute(ROWS).fetchall() == before
    reader.execute("ROLLBACK")
    assert reader.execute(ROWS).fetchall() == []


def test_small_writes_are_not_flushed_while_a_night_is_under_way(con: Con, settings: Settings) -> None:
    fill(con, settings, loads=1)
    before = con.execute(ROWS).fetchall()
    with lake.lock(settings, "nightly"), pytest.raises(Retry) as busy:
        maintain(settings, flush=True)
    assert busy.value.code == "CH-LAKE-004"
    maintain(settings, flush=True)
    assert con.execute(ROWS).fetchall() == before


def test_files_of_a_write_under_way_are_not_taken_for_rests(con: Con, settings: Settings) -> None:
    fill(con, settings, loads=1)
    rest = Path(settings.data) / "main" / "city_lamp" / "service_day=2026-11-20" / "rest-of-a-killed-process.parquet"
    young = rest.with_name("being-written-right-now.parquet")
    for path in (rest, young):
        path.write_bytes(files(settings)[0].read_bytes())
    two_days_ago = time.time() - 2 * 86400
    os.utime(rest, (two_days_ago, two_days_ago))
    assert maintain(settings).files_removed == 1
    assert (rest.exists(), young.exists()) == (False, True)


def test_snapshots_live_a_day_at_least(settings: Settings) -> None:
    with pytest.raises(Usage) as refused:
        maintain(settings, keep_days=0)
    assert refused.value.code == "CH-LAKE-006"
