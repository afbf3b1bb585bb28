"""Readers never block the writer and never see half of what it does."""

from __future__ import annotations

import json
import subprocess
import sys

import duckdb

from cityhub.settings import REPOSITORY, Settings
from tests.warehouse.made import spec
from warehouse import lake, tables

Con = duckdb.DuckDBPyConnection
BATCH, BATCHES = 50, 12

# Polls until all batches are there; prints every state of the two tables that it saw. `count(DISTINCT …)`
# and not max, because DuckLake 1.0 answers max from statistics that may be a commit newer than the snapshot.
READER = """
import json, sys
from pathlib import Path
from tests.warehouse.conftest import settings_in
from warehouse import lake
con = lake.connect(settings_in(Path(sys.argv[1])), read_only=True)
print("ready", flush=True)
seen = []
while not seen or seen[-1][0] < int(sys.argv[2]):
    seen.append(con.execute(
        "SELECT (SELECT count(*) FROM city_lamp), (SELECT count(*) FROM city_pole),"
        " (SELECT coalesce(sum(count), 0) FROM city_lamp), (SELECT count(DISTINCT count) FROM city_pole)"
    ).fetchone())
print(json.dumps(seen, default=int))
"""


def test_a_polling_process_sees_whole_commits_only_and_never_goes_back(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "tables"):
        for feed in ("city.lamp", "city.pole"):
            tables.ensure(con, spec(feed))
    command = [sys.executable, "-c", READER, str(settings.home), str(BATCH * BATCHES)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for batch in range(1, BATCHES + 1):
        with lake.write(con, settings, f"batch {batch}"):
            for table in ("city_lamp", "city_pole"):
                con.execute(
                    f"INSERT INTO {table} (service_day, lamp_id, count)"
                    f" SELECT DATE '2026-11-20', '{batch}-' || range, {batch} FROM range({BATCH})"
                )
    for reader in readers:
        seen = json.loads(reader.communicate(timeout=60)[0])
        assert reader.returncode == 0
        assert seen == sorted(seen), "a reader never goes back"
        for lamps, poles, total, newest in seen:
            assert lamps == poles == newest * BATCH, "the two tables of a transaction show together"
            assert total == BATCH * sum(range(newest + 1)), "a batch shows as a whole"


def test_a_reader_that_stays_in_its_transaction_keeps_its_picture_and_stops_nobody(
    con: Con, settings: Settings
) -> None:
    with lake.write(con, settings, "tables"):
        tables.ensure(con, spec())
    reader = lake.connect(settings, read_only=True)
    reader.execute("BEGIN")
    count = "SELECT count(*) FROM city_lamp"
    assert reader.execute(count).fetchone() == (0,)
    for _ in range(3):
        with lake.write(con, settings, "rows"):
            con.execute("INSERT INTO city_lamp (service_day, lamp_id) SELECT DATE '2026-11-20', 'a' FROM range(20)")
    assert reader.execute(count).fetchone() == (0,)
    reader.execute("ROLLBACK")
    assert reader.execute(count).fetchone() == (60,)
    reader.close()


def test_what_is_not_committed_is_seen_by_nobody(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "tables"):
        tables.ensure(con, spec())
    reader = lake.connect(settings, read_only=True)
    with lake.write(con, settings, "rows"):
        con.execute("INSERT INTO city_lamp (service_day, lamp_id) SELECT DATE '2026-11-20', 'a' FROM range(20)")
        assert reader.execute("SELECT count(*) FROM city_lamp").fetchone() == (0,)
    assert reader.execute("SELECT count(*) FROM city_lamp").fetchone() == (20,)
    reader.close()
