"""Exchange databases: a real PostgreSQL and SQLite files; values arrive exactly, filters take the right."""

from __future__ import annotations

import io
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from cityhub.errors import Retry, Stop, Unauthorised
from connectors import database
from connectors.pull import pull
from tests.connectors.feeds import DAY, body, everything_written, quick, settings, spec
from tests.servers.postgres import Postgres, binaries, postgres
from warehouse.landing import Manifest

pytestmark = pytest.mark.xdist_group("postgres")

SCHEMA = """
CREATE TABLE v_case (id bigint, no text, ts timestamp, tz timestamptz, day date, n numeric, f float8,
                     ok boolean, iso text, compact text, ms bigint, "占 比%" text);
INSERT INTO v_case VALUES
 (10, 'a', '2026-11-20 00:00:00', '2026-11-20 00:00:00+08', '2026-11-20', 0.1234567890123456789, 0.1, true,
  '2026-11-20 00:00:00', '20261120000000', 1795104000000, '50%'),
 (9, 'b', '2026-11-20 23:59:59.999', '2026-11-20 23:59:59.999+08', '2026-11-20', 'NaN', 1e300, false,
  '2026-11-20T23:59:59', '20261120235959', 1795190399999, ''),
 (8, 'c', '2026-11-21 00:00:00', '2026-11-21 00:00:00+08', '2026-11-21', 1, -0.0, NULL,
  '2026-11-21 00:00:00', '20261121000000', 1795190400000, NULL),
 (7, 'd', '2026-11-19 23:59:59', '2026-11-19 23:59:59+08', '2026-11-19', 1, 'Infinity', NULL,
  '2026-11-19 23:59:59', '20261119235959', 1795103999999, E'x"y\\nz'),
 (6, 'e', 'infinity', '-infinity', 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE SCHEMA other;
CREATE VIEW other.v_case AS SELECT * FROM public.v_case WHERE id > 8;
CREATE TABLE private (id bigint);
CREATE ROLE reader LOGIN PASSWORD 'reader-pw-1';
GRANT SELECT ON v_case TO reader;
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed: the bulk path is not tested here")
    with postgres() as running:
        with _admin(running) as connection:
            connection.execute(SCHEMA)
        yield running


def _admin(server: Postgres) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=server.host,
        port=server.port,
        user="hub",
        password=server.password,
        dbname="exchange",
        autocommit=True,
    )


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_X_USER", "hub")
    monkeypatch.setenv("CITYHUB_X_PASSWORD", Postgres(0).password)


FIELDS: dict[str, Any] = {
    "id": {"from": "id", "type": "integer", "required": True},
    "ms": {"from": "ms", "type": "timestamp", "format": "epoch_ms"},
    "compact": {"from": "compact", "type": "timestamp", "format": "compact"},
}


def source(address: str, **more: Any) -> dict[str, Any]:
    secrets = {} if address.startswith("sqlite") else {"user": "x_user", "password": "x_password"}
    return {"kind": "database", "address": address, "table": "v_case", **secrets, **more}


def rows(manifest: Manifest) -> list[dict[str, str | None]]:
    assert all(part.format == "parquet" for part in manifest.parts)
    return [row for part in manifest.parts for row in pq.read_table(io.BytesIO(body(manifest, part))).to_pylist()]


def get(home: Path, address: str, since: str | None = None, **more: Any) -> Manifest:
    feed = spec(source(address, **more), FIELDS)
    return pull(settings(home), feed, DAY, cursor=since, policy=quick())


def ids(manifest: Manifest) -> list[str | None]:
    return [row["id"] for row in rows(manifest)]


def test_values_arrive_exactly_and_in_key_order(tmp_path: Path, server: Postgres) -> None:
    manifest = get(tmp_path, server.url)
    found = rows(manifest)
    assert [row["id"] for row in found] == ["6", "7", "8", "9", "10"]
    last = found[-1]
    assert last["n"] == "0.1234567890123456789"
    assert last["f"] == "0.1"
    assert last["ok"] == "true"
    assert last["tz"] == "2026-11-20 00:00:00+08"
    assert last["占 比%"] == "50%"
    assert found[3]["n"] == "NaN"
    assert found[3]["占 比%"] == ""
    assert found[1]["占 比%"] == 'x"y\nz'
    assert found[0]["ts"] == "infinity"
    assert found[0]["占 比%"] is None
    assert manifest.stated_total == 5
    assert manifest.parts[0].request == f"SELECT {server.url} v_case"
    assert manifest.parts[0].columns[:3] == ("id", "no", "ts")


def test_the_driver_path_gives_the_same_texts(tmp_path: Path, server: Postgres) -> None:
    bulk = get(tmp_path / "bulk", server.url)
    streamed = get(tmp_path / "streamed", server.url + "?application_name=cityhub")
    assert rows(streamed) == rows(bulk)


@pytest.mark.parametrize("column", ["ts", "tz", "day", "iso", "compact", "ms"])
def test_the_service_day_is_half_open_for_every_kind_of_column(tmp_path: Path, server: Postgres, column: str) -> None:
    assert ids(get(tmp_path, server.url, day_column=column)) == ["9", "10"]


def test_a_view_in_a_schema(tmp_path: Path, server: Postgres) -> None:
    assert ids(get(tmp_path, server.url, table="other.v_case")) == ["9", "10"]


@pytest.mark.parametrize(
    ("column", "cursor", "expected", "moved"),
    [
        ("ts", None, ["6", "7", "8", "9", "10"], "2026-11-21 00:00:00"),
        ("tz", "2026-11-21 00:00:00+08", ["8", "9"], "2026-11-21 00:00:00+08"),
        ("id", "8", ["8", "9", "10"], "10"),
        ("ms", "1795190400000", ["8", "9"], "1795190400000"),
        ("compact", "20261121000000", ["8", "9"], "20261121000000"),
        ("iso", "2026-11-21 00:00:00", ["8", "9"], "2026-11-21 00:00:00"),
        ("iso", "2026-11-21 05:00:00", [], "2026-11-21 05:00:00"),
    ],
)
def test_the_cursor_takes_what_changed_less_the_overlap(
    tmp_path: Path, server: Postgres, column: str, cursor: str | None, expected: list[str], moved: str
) -> None:
    manifest = get(tmp_path, server.url, cursor, cursor=column, overlap_minutes=60)
    assert ids(manifest) == expected
    assert manifest.cursor == moved


def test_a_cursor_that_does_not_fit_its_column(tmp_path: Path, server: Postgres) -> None:
    with pytest.raises(Stop) as stopped:
        get(tmp_path, server.url, "not a time", cursor="ts")
    assert stopped.value.code == "CH-PULL-037"


def test_a_clock_in_the_far_future_does_not_move_the_cursor(tmp_path: Path, server: Postgres) -> None:
    with _admin(server) as connection:
        connection.execute("CREATE TABLE skewed AS SELECT id, ts FROM v_case WHERE id > 7")
        connection.execute("INSERT INTO skewed VALUES (1, '2099-01-01 00:00:00'), (2, '-infinity')")
    manifest = get(tmp_path, server.url, table="skewed", cursor="ts")
    assert len(rows(manifest)) == 5
    assert manifest.cursor == "2026-11-21 00:00:00"


def test_large_tables_come_in_parts_and_the_same_twice(
    tmp_path: Path, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PART_ROWS", 60_000)
    with _admin(server) as connection:
        connection.execute("CREATE TABLE big AS SELECT g AS id, 'v' || g AS v FROM generate_series(1, 130000) g")
    feed = spec(source(server.url, table="big"), {"id": {"from": "id"}})
    first = pull(settings(tmp_path), feed, DAY)
    second = pull(settings(tmp_path), feed, DAY)
    assert len(first.parts) == 2
    assert first.stated_total == len(rows(first)) == 130_000
    assert second.load_id == first.load_id


def test_a_column_that_only_the_spec_knows_is_a_finding(tmp_path: Path, server: Postgres) -> None:
    fields = {**FIELDS, "extra": {"from": "not_there"}}
    manifest = pull(settings(tmp_path), spec(source(server.url), fields), DAY)
    assert "not_there" in manifest.findings[0]


# What goes wrong


def fails(home: Path, address: str, expected: type[Exception], code: str, **more: Any) -> str:
    with pytest.raises(expected) as failed:
        get(home, address, **more)
    text = str(failed.value)
    assert text.startswith(code)
    assert "?" not in text
    assert "muck.position" in text
    assert Postgres(0).password not in text
    assert b"pg-s3cret" not in everything_written(home)
    return text


def test_a_wrong_password(tmp_path: Path, server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_X_PASSWORD", "wrong-pw-77")
    text = fails(tmp_path, server.url, Unauthorised, "CH-PULL-007")
    assert "x_user, x_password" in text
    assert "wrong-pw-77" not in text


def test_no_such_database(tmp_path: Path, server: Postgres) -> None:
    assert "nodb" in fails(tmp_path, server.url.replace("exchange", "nodb"), Stop, "CH-PULL-031")


def test_no_such_table_names_near_ones(tmp_path: Path, server: Postgres) -> None:
    assert "v_case" in fails(tmp_path, server.url, Stop, "CH-PULL-032", table="v_cases").partition("why")[2]


def test_no_such_column_names_near_ones(tmp_path: Path, server: Postgres) -> None:
    assert "compact" in fails(tmp_path, server.url, Stop, "CH-PULL-033", day_column="compakt").partition("why")[2]


def test_no_right_to_read(tmp_path: Path, server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_X_USER", "reader")
    monkeypatch.setenv("CITYHUB_X_PASSWORD", "reader-pw-1")
    fields = {"id": {"from": "id"}}
    with pytest.raises(Stop) as stopped:
        pull(settings(tmp_path), spec(source(server.url, table="private"), fields), DAY)
    assert stopped.value.code == "CH-PULL-034"


def test_nobody_listens_and_unknown_host(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        fails(tmp_path, f"postgresql://127.0.0.1:{port}/x", Retry, "CH-PULL-003")
    with pytest.raises((Stop, Retry)) as failed:
        get(tmp_path, "mysql://no-such-host.invalid/x")
    # Without any name server the machine cannot know that the name does not exist.
    assert failed.value.code in {"CH-PULL-001", "CH-PULL-002"}


@pytest.mark.parametrize(
    ("address", "package"),
    [("dm://h/x", "sqlalchemy-dm"), ("oracle://h/x", "oracledb"), ("nodb://h/x", "nodb")],
)
def test_a_missing_driver_is_named(tmp_path: Path, address: str, package: str) -> None:
    assert package in fails(tmp_path, address, Stop, "CH-PULL-030")


@pytest.mark.parametrize("address", ["no url at all", "sqlite:////nowhere/at/all.db"])
def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    with pytest.raises(Stop) as stopped:
        get(tmp_path, address)
    assert stopped.value.code in {"CH-PULL-020", "CH-PULL-031"}


# SQLite: the same specs, other URL


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "交换 库.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE v_case (id INTEGER, ts TIMESTAMP, ms INTEGER, compact TEXT, v, r REAL)")
        connection.executemany(
            "INSERT INTO v_case VALUES (?, ?, ?, ?, ?, ?)",
            [
                (10, "2026-11-20 00:00:00", 1795104000000, "20261120000000", "text", 0.1),
                (9, "2026-11-20T23:59:59", 1795190399000, "20261120235959", 7, 1 / 3),
                (8, "2026-11-21 00:00:00", 1795190400000, "20261121000000", 2.5, None),
                (7, "2026-11-19 23:59:59", 1795103999000, "20261119235959", b"\x00\xff", 5.0),
            ],
        )
    connection.close()
    return f"sqlite:///{path}"


@pytest.mark.parametrize("column", ["ts", "compact", "ms"])
def test_sqlite_days(tmp_path: Path, file: str, column: str) -> None:
    assert ids(get(tmp_path, file, day_column=column)) == ["9", "10"]


def test_sqlite_values_and_cursor(tmp_path: Path, file: str) -> None:
    manifest = get(tmp_path, file, "2026-11-20 23:30:00", cursor="ts")
    found = rows(manifest)
    assert [row["id"] for row in found] == ["8", "9"]
    assert manifest.cursor == "2026-11-21 00:00:00"
    assert float(found[1]["r"] or 0) == 1 / 3
    everything = {row["id"]: row for row in rows(get(tmp_path, file))}
    assert [everything[key]["v"] for key in ("7", "8", "9", "10")] == ["00ff", "2.5", "7", "text"]
    assert everything["10"]["r"] == "0.1"


def test_sqlite_is_never_written_to(tmp_path: Path, file: str) -> None:
    path = Path(file.removeprefix("sqlite:///"))
    before = path.read_bytes()
    get(tmp_path, file)
    assert path.read_bytes() == before
    with pytest.raises(Stop):
        get(tmp_path, f"sqlite:///{tmp_path}/new.db")
    assert not (tmp_path / "new.db").exists()
