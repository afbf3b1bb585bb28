"""A warehouse that a released version wrote becomes one of today, with every row, also when it is killed half-way."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import Stop
from cityhub.settings import REPOSITORY, Settings
from scoring.publish import publish
from tests.load.kit import NOW, Hub, feed, settings_in
from warehouse import lake
from warehouse.ledger import row
from warehouse.migrate import migrate, migrations, version

RELEASED = Path(__file__).parent / "released"
VERSIONS = (1, 2)
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.load.kit import settings_in
from warehouse import lake, migrate
left, sync = int(sys.argv[2]), lake._sync_new_files
def dying(*args):  # the last step inside a transaction
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(*args)
lake._sync_new_files = dying
settings = settings_in(Path(sys.argv[1]))
migrate.migrate(lake.connect(settings), settings)
"""


@pytest.fixture(params=VERSIONS)
def released(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, Settings]:
    """A stored old warehouse, unpacked in another folder than it was made in."""
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    settings = settings_in(tmp_path / "somewhere else")
    with tarfile.open(RELEASED / f"v{request.param}.tar.gz") as archive:
        archive.extractall(settings.home, filter="data")
    with closing(sqlite3.connect(settings.catalog)) as con:
        con.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [settings.data + "/"])
        con.commit()
        con.execute("PRAGMA journal_mode = WAL")
    return request.param, settings


@pytest.fixture
def hub(released: tuple[int, Settings]) -> Iterator[Hub]:
    made = Hub(released[1])
    yield made
    made.con.close()


def content(hub: Hub) -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    """Table → columns of now and rows."""
    found = {}
    for (name,) in hub.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'"):
        if str(name).startswith("ducklake_") or name == "schema_version":
            continue
        columns = [str(r[0]) for r in hub.rows(f"SELECT column_name FROM (DESCRIBE {name})")]
        found[str(name)] = (columns, hub.rows(f"SELECT * FROM {name} ORDER BY ALL"))
    return found


def assert_kept(before: dict[str, tuple[list[str], list[tuple[Any, ...]]]], hub: Hub) -> None:
    for table, (columns, rows) in before.items():
        assert hub.rows(f"SELECT {', '.join(columns)} FROM {table} ORDER BY ALL") == rows, table


def test_every_row_is_there_after_the_migration(released: tuple[int, Settings], hub: Hub) -> None:
    number, settings = released
    assert version(hub.con) == number
    before = content(hub)
    assert [len(before[name][1]) for name in ("san_task", "gas_pressure", "mk_vehicle")] == [18, 12, 40]
    assert len(before["quarantine"][1]) == 6
    assert migrate(hub.con, settings) == migrations()[-1][0] == version(hub.con)
    assert_kept(before, hub)
    snapshots = hub.one("SELECT count(*) FROM ducklake_snapshots('lake')")
    migrate(hub.con, settings)
    assert hub.one("SELECT count(*) FROM ducklake_snapshots('lake')") == snapshots


def test_todays_code_reads_it_and_goes_on_with_it(released: tuple[int, Settings], hub: Hub) -> None:
    _, settings = released
    migrate(hub.con, settings)
    env = {**os.environ, "CITYHUB_HOME": str(settings.home), "CITYHUB_NOW": NOW}
    env["CITYHUB_FEEDS"] = str(settings.home / "feeds")
    (settings.home / "feeds").mkdir()

    def told(*words: str) -> Any:
        command = [sys.executable, "-m", "cli.main", *words, "--json"]
        done = subprocess.run(command, cwd=REPOSITORY, env=env, text=True, capture_output=True, check=False)
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        assert "error" not in json.loads(done.stdout), done.stdout
        return json.loads(done.stdout)

    refused = {(item["feed"], item["natural_key"], item["state"]) for item in told("quarantine", "list")}
    assert refused == {(f, f"{f[0].replace('s', 't')}{d}x", "open") for f in ("gas.pressure", "sanitation.task")
                       for d in (18, 19, 20)}  # fmt: skip
    told("status", "--day", "2026-11-20")

    spec = feed(
        {"kpa": {"from": "kpa", "type": "double", "min": 0, "max": 10}},
        feed="gas.pressure", platform="gas", table="gas_pressure",
    )  # fmt: skip
    hub.prepare(spec)
    # the platform corrects the refused row of the 20th, and delivers another day
    day = date(2026, 11, 20)
    rows = [{"id": f"g20{i}", "kpa": 2.5} for i in range(4)]
    hub.load(spec, [*rows, {"id": "g20x", "kpa": 3.5}], day=day)
    assert hub.one("SELECT kpa FROM gas_pressure WHERE id = 'g20x'") == 3.5
    result = hub.load(spec, [{"id": "g21", "kpa": 1.5}, {"id": "g21x", "kpa": "?"}], day=date(2026, 11, 21))
    assert (result.loaded, result.quarantined) == (1, 1)
    assert hub.one("SELECT count(*) FROM gas_pressure") == 14
    known = row(hub.con, "gas.pressure", date(2026, 11, 21))
    assert known is not None
    assert known.state == "loaded"


@pytest.mark.parametrize("after", [pytest.param(0, marks=pytest.mark.full), 3, pytest.param(7, marks=pytest.mark.full)])
def test_killed_between_and_inside_migrations_it_goes_on(
    released: tuple[int, Settings], tmp_path: Path, after: int
) -> None:
    number, settings = released
    first = Hub(settings)
    before = content(first)
    first.con.close()
    command = [sys.executable, "-c", KILLED, str(settings.home), str(after)]
    assert subprocess.run(command, cwd=REPOSITORY, check=False).returncode == -signal.SIGKILL
    hub = Hub(settings)
    assert version(hub.con) == number + after
    assert_kept(before, hub)
    migrate(hub.con, settings)
    assert hub.rows("SELECT version FROM schema_version ORDER BY 1") == [(n,) for n, _ in migrations()]
    assert_kept(before, hub)
    hub.con.close()


def test_code_of_then_does_not_write_into_it_afterwards(
    released: tuple[int, Settings], hub: Hub, tmp_path: Path
) -> None:
    """The released code has the same refusal: a folder of migrations that ends where it ended."""
    number, settings = released
    migrate(hub.con, settings)
    then = tmp_path / "migrations"
    then.mkdir()
    for n, path in migrations():
        if n <= number:
            (then / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    before = hub.one("SELECT count(*) FROM ducklake_snapshots('lake')")
    with pytest.raises(Stop) as stopped:
        migrate(hub.con, settings, folder=then)
    assert stopped.value.code == "CH-LAKE-005"
    assert hub.one("SELECT count(*) FROM ducklake_snapshots('lake')") == before


def test_a_stored_warehouse_stands_for_each_released_version() -> None:
    assert sorted(path.name for path in RELEASED.glob("*.tar.gz")) == [f"v{number}.tar.gz" for number in VERSIONS]
    assert all(path.stat().st_size < 200_000 for path in RELEASED.glob("*.tar.gz"))


@pytest.mark.parametrize("words", ["status", "quarantine list", "issues list"])
def test_an_old_catalog_says_so_when_it_is_only_read(released: tuple[int, Settings], words: str) -> None:
    command = [sys.executable, "-m", "cli.main", *words.split(), "--json"]
    env = {**os.environ, "CITYHUB_HOME": str(released[1].home), "CITYHUB_NOW": NOW}
    done = subprocess.run(command, cwd=REPOSITORY, env=env, text=True, capture_output=True, check=False)
    assert json.loads(done.stdout)["error"]["code"] == "CH-LAKE-008", done.stdout + done.stderr


def test_publishing_is_a_write_and_brings_an_old_warehouse_up_to_date_first(released: tuple[int, Settings]) -> None:
    settings = released[1]
    with pytest.raises(Stop) as stopped:  # nobody scored a month in these
        publish(settings, "2026-09", date(2026, 9, 30))
    assert stopped.value.code == "CH-PUB-002"
    with closing(lake.connect(settings)) as con:
        assert version(con) == len(migrations())
