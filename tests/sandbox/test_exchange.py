"""The exchange database is a real one: SQLAlchemy reads it, days add up, a killed run leaves no server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from sandbox import exchange, exchange_mariadb, exchange_postgres
from sandbox.child import listening
from sandbox.exchange_table import ExchangeTable
from tests.sandbox.cities import DAY, world
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("exchange")  # one server of each kind is enough
KINDS = [
    pytest.param(
        "postgresql",
        marks=pytest.mark.skipif(exchange_postgres.binaries() is None, reason="PostgreSQL is not installed"),
    ),
    pytest.param(
        "mariadb",
        marks=pytest.mark.skipif(exchange_mariadb.binaries() is None, reason="MariaDB is not installed"),
    ),
    "sqlite",
]


def engine_of(addresses: dict[str, str], **other: str) -> sa.Engine:
    known = {**addresses, **other}
    url = sa.make_url(known["exchange_url"])
    if "exchange_user" in known:
        url = url.set(username=known["exchange_user"], password=known["exchange_password"])
    return sa.create_engine(url, poolclass=sa.NullPool)


def scalar(engine: sa.Engine, query: str) -> object:
    with engine.connect() as con:
        return con.execute(sa.text(query)).scalar()


@pytest.fixture(scope="module", params=KINDS)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[exchange.Exchange]:
    database = exchange.start(world(scale=0.05), tmp_path_factory.mktemp("city"), request.param)
    yield database
    database.stop()


def test_every_table_is_there_with_the_rows_of_the_truth(running: exchange.Exchange) -> None:
    engine = engine_of(running)
    truth = running.world.truth
    assert scalar(engine, "SELECT count(*) FROM rq_yl WHERE rksj >= '2026-11-20' AND rksj < '2026-11-21'") == (
        truth.feed("gas.pressure").rows
    )
    for table, feed in (
        ("rq_cd", "gas.point"),
        ("rl_rlz", "heat.station_info"),
        ("v_ajxx", "enforcement.case"),
    ):
        assert scalar(engine, f"SELECT count(*) FROM {table}") == truth.feed(feed).rows


def test_another_day_adds_to_series_replaces_registers_and_never_ages_a_case(
    running: exchange.Exchange,
) -> None:
    engine = engine_of(running)
    before = scalar(engine, "SELECT count(*) FROM rl_sssj")
    points, cases = (scalar(engine, f"SELECT count(*) FROM {name}") for name in ("rq_cd", "v_ajxx"))
    newest = scalar(engine, "SELECT max(gxsj) FROM v_ajxx")
    for _ in range(2):
        running.ensure_day(DAY - timedelta(days=1))
    running.ensure_day(DAY + timedelta(days=1))  # tomorrow has no records yet
    assert isinstance(before, int)
    added = scalar(engine, "SELECT count(*) FROM rl_sssj WHERE rksj < '2026-11-20'")
    assert isinstance(added, int) and added > 0
    assert scalar(engine, "SELECT count(*) FROM rl_sssj") == before + added
    assert scalar(engine, "SELECT count(*) FROM rq_cd") == points
    assert scalar(engine, "SELECT count(*) FROM v_ajxx") == cases
    assert scalar(engine, "SELECT max(gxsj) FROM v_ajxx") == newest


def test_vendors_types_and_words_come_through(running: exchange.Exchange) -> None:
    engine = engine_of(running)
    with engine.connect() as con:
        row = con.execute(sa.text("SELECT * FROM fs_gbjl ORDER BY bdh")).mappings().first()
    assert row is not None and row["czmc"] == "杞县首创环保能源有限公司"
    if engine.dialect.name != "sqlite":
        assert isinstance(row["mz_kg"], Decimal)
        assert row["gbsj"].tzinfo is None


def test_reader_may_read_and_nothing_else(running: exchange.Exchange) -> None:
    if "exchange_user" not in running:
        pytest.skip("SQLite has no users")
    with pytest.raises(sa.exc.DBAPIError), engine_of(running).begin() as con:
        con.execute(sa.text("DELETE FROM rq_cd"))
    with pytest.raises(sa.exc.OperationalError):
        scalar(engine_of(running, exchange_password="wrong"), "SELECT 1")


def test_newer_state_of_a_living_row_replaces_the_older(running: exchange.Exchange) -> None:
    schema = pa.schema([("nr", pa.string()), ("state", pa.string()), ("at", pa.timestamp("us"))])
    table = ExchangeTable("v_living", "living", schema, "nr", "at")

    def rows(*items: tuple[str, str, str]) -> pa.Table:
        names, states, times = zip(*items, strict=True)
        stamps = pa.array(times).cast(pa.timestamp("us"))
        return pa.table([pa.array(names), pa.array(states), stamps], schema=schema)

    database = running._database
    database.load([(table, rows(("1", "new", "2026-11-19 08:00:00"), ("2", "new", "2026-11-19 09:00:00")))])
    database.load([(table, rows(("1", "old", "2026-11-18 08:00:00"), ("2", "done", "2026-11-20 09:00:00")))])
    database.load([(table, rows(("3", "new", "2026-11-20 10:00:00"), ("3", "new", "2026-11-20 10:00:00")))])
    with engine_of(running).connect() as con:
        found = con.execute(sa.text("SELECT nr, state FROM v_living ORDER BY nr")).fetchall()
    assert [tuple(row) for row in found] == [("1", "new"), ("2", "done"), ("3", "new"), ("3", "new")]


def test_dead_platform_delivers_no_rows(tmp_path: Path) -> None:
    database = exchange.start(world("gas=dead", scale=0.05), tmp_path, "sqlite")
    engine = engine_of(database)
    assert scalar(engine, "SELECT count(*) FROM rq_yl") == 0
    assert scalar(engine, "SELECT count(*) FROM rl_sssj") != 0


CHILD = """
import sys
from pathlib import Path
from sandbox import exchange
from tests.sandbox.cities import world
running = exchange.start(world(scale=0.02), Path(sys.argv[1]), "postgresql")
print(running["exchange_url"], flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(exchange_postgres.binaries() is None, reason="PostgreSQL is not installed")
def test_killed_sandbox_takes_its_server_along_and_the_next_run_starts_over_its_files(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = sa.make_url(process.stdout.readline().strip()).port
        os.kill(process.pid, signal.SIGKILL)
    assert port is not None
    wait_for(lambda: not listening(port))
    again = exchange.start(world(scale=0.02), tmp_path, "postgresql")
    try:
        assert scalar(engine_of(again), "SELECT count(*) FROM rq_cd") == again.world.truth.feed("gas.point").rows
    finally:
        again.stop()
