"""Migrations: in order, once each, whole or not at all, and never into a newer lake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from cityhub.errors import Stop
from cityhub.settings import REPOSITORY, Settings
from tests.warehouse.made import snapshots
from warehouse import lake
from warehouse.migrate import migrate, migrations, version

Con = duckdb.DuckDBPyConnection

STARTER = """
import sys
from pathlib import Path
from tests.warehouse.conftest import settings_in
from warehouse import lake
from warehouse.migrate import migrate
settings = settings_in(Path(sys.argv[1]))
con = lake.connect(settings)
print(migrate(con, settings))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "migrations"
    made.mkdir()
    (made / "001_first.sql").write_text(
        "CREATE TABLE schema_version (version INTEGER, name VARCHAR, applied_at TIMESTAMPTZ);CREATE TABLE a (x INTEGER)"
    )
    return made


def test_a_second_run_writes_nothing(con: Con, settings: Settings) -> None:
    before = snapshots(con)
    assert migrate(con, settings) == len(migrations()) == version(con)
    assert snapshots(con) == before


def test_several_processes_starting_at_once_apply_each_migration_once(settings: Settings) -> None:
    command = [sys.executable, "-c", STARTER, str(settings.home)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) for _ in range(3)]
    answers = [process.communicate(timeout=60)[0].strip() for process in started]
    assert answers == [str(len(migrations()))] * 3
    con = lake.connect(settings, read_only=True)
    applied = con.execute("SELECT version FROM schema_version ORDER BY version").fetchall()
    assert applied == [(number,) for number, _ in migrations()]


def test_a_later_migration_is_applied_alone(settings: Settings, folder: Path) -> None:
    con = lake.connect(settings)
    assert migrate(con, settings, folder=folder) == 1
    (folder / "002_second.sql").write_text("ALTER TABLE a ADD COLUMN y VARCHAR")
    assert migrate(con, settings, folder=folder) == 2
    con.execute("SELECT x, y FROM a")


def test_a_migration_that_fails_leaves_no_half(settings: Settings, folder: Path) -> None:
    con = lake.connect(settings)
    migrate(con, settings, folder=folder)
    (folder / "002_second.sql").write_text("CREATE TABLE b (x INTEGER); CREATE TABLE a (x INTEGER)")
    with pytest.raises(duckdb.CatalogException):
        migrate(con, settings, folder=folder)
    assert version(con) == 1
    assert con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'b'").fetchone() == (0,)


def test_a_newer_lake_is_refused(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "from the future"):
        con.execute("INSERT INTO schema_version VALUES (99, '099_future', current_timestamp)")
    with pytest.raises(Stop) as stopped:
        migrate(con, settings)
    assert stopped.value.code == "CH-LAKE-005"
    assert stopped.value.place["found"] == 99


def test_numbers_without_a_gap_are_demanded(folder: Path) -> None:
    (folder / "003_third.sql").write_text("SELECT 1")
    with pytest.raises(ValueError, match="numbered"):
        migrations(folder)
