"""Reading with SQL: the public names answer, nothing can be written, errors help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from cityhub.errors import HubError, Stop, Usage
from cityhub.settings import Settings
from tests.warehouse.conftest import settings_in
from tests.warehouse.made import spec
from warehouse import lake
from warehouse.prepare import prepare
from warehouse.query import run_sql
from warehouse.sqlalchemy import engine

# The contract with analysts, the console, extracts and tests.
PUBLIC = {
    "delivery": "feed, platform, service_day, state, landed, loaded, duplicate, quarantined, load_id,"
    " started_at, finished_at",
    "indicator": "code, platform, title_zh, title_en, unit, direction, formula",
    "indicator_value": "code, unit_code, period_kind, period, numerator, denominator, value, coverage, state, as_of",
    "score": "scheme, period, unit_code, component, weight, value, points, state",
    "ranking": "scheme, league, period, unit_code, unit_name, score, grade, rank, state, publication",
    "quarantine": "id, feed, service_day, reason, field, value, state, owner",
    "city_lamp": "service_day, unit_code, lamp_id, class, ts, count, share",
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = settings_in(tmp_path_factory.mktemp("query"))
    prepare(settings, [spec()])
    con = lake.connect(settings)
    with lake.write(con, settings, "a row"):
        con.execute(
            "INSERT INTO city_lamp (service_day, lamp_id, ts, count, share) VALUES"
            " (DATE '2026-11-20', 'a', TIMESTAMPTZ '2026-11-20 00:30:00+00', 3, 1.5)"
        )
    con.close()
    yield settings


@pytest.mark.parametrize("view", PUBLIC)
def test_public_names_answer(city: Settings, view: str) -> None:
    assert run_sql(city, f"SELECT {PUBLIC[view]} FROM {view}").columns == tuple(PUBLIC[view].split(", "))


def test_values_are_such_as_json_carries(city: Settings) -> None:
    result = run_sql(
        city,
        "SELECT service_day, ts, count, share, unit_code, 0.1::DOUBLE AS d, 'NaN'::DOUBLE AS nan,"
        " [1.50, 2] AS list, {'a': ts} AS struct, '\\x01'::BLOB AS bytes, TIMESTAMP '2026-11-20 08:00:00' AS plain,"
        " true AS yes"
        " FROM city_lamp",
    )
    assert dict(zip(result.columns, result.rows[0], strict=True)) == {
        "service_day": "2026-11-20", "ts": "2026-11-20T08:30:00+08:00", "count": 3, "share": "1.5000",
        "unit_code": None, "d": 0.1, "nan": "nan", "list": ["1.50", "2.00"],
        "struct": {"a": "2026-11-20T08:30:00+08:00"}, "bytes": "01", "plain": "2026-11-20T08:00:00",
        "yes": True,
    }  # fmt: skip
    assert result.types[:4] == ("DATE", "TIMESTAMP WITH TIME ZONE", "BIGINT", "DECIMAL(18,4)")
    json.dumps(result.rows, allow_nan=False)


@pytest.mark.parametrize(
    "sql",
    [
        "SHOW TABLES",
        "DESCRIBE unit",
        "FROM unit LIMIT 1",
        "WITH a AS (SELECT 1 AS x) FROM a",
        "EXPLAIN SELECT 1",
        "VALUES (1)",
    ],
)
def test_every_way_of_reading_works(city: Settings, sql: str) -> None:
    assert run_sql(city, sql).rows


def test_parameters_are_bound_not_pasted(city: Settings) -> None:
    assert run_sql(city, "SELECT $x AS x", {"x": "'; DROP TABLE unit"}).rows == [("'; DROP TABLE unit",)]
    assert run_sql(city, "SELECT ?::INTEGER", [7]).rows == [(7,)]


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO unit SELECT * FROM unit",
        "DELETE FROM unit",
        "UPDATE unit SET name_zh = ''",
        "CREATE TABLE x (a INTEGER)",
        "DROP TABLE unit",
        "COPY unit TO '{home}/stolen.csv'",
        "ATTACH '{home}/other.db'",
        "CALL ducklake_expire_snapshots('lake', older_than => now())",
        "SET threads = 1",
    ],
)
def test_writing_is_refused(city: Settings, sql: str) -> None:
    before = sorted(path.name for path in city.home.iterdir())
    with pytest.raises(Usage) as refused:
        run_sql(city, sql.format(home=city.home))
    assert refused.value.code == "CH-SQL-001"
    assert sorted(path.name for path in city.home.iterdir()) == before


@pytest.mark.parametrize(
    ("sql", "code", "helps"),
    [
        ("SELECT * FROM delivry", "CH-SQL-002", "delivery"),
        ("SELECT * FROM lake.main.rankin", "CH-SQL-002", "ranking"),
        ("SELECT lampid FROM city_lamp", "CH-SQL-003", "lamp_id"),
        ("SELEC 1", "CH-SQL-003", "SELEC"),
        ("SELECT 'a'::INTEGER", "CH-SQL-003", "Could not convert"),
        ("SELECT 1; SELECT 2", "CH-SQL-004", "one by one"),
        ("", "CH-SQL-004", "one by one"),
    ],
)
def test_errors_help(city: Settings, sql: str, code: str, helps: str) -> None:
    with pytest.raises(HubError) as raised:
        run_sql(city, sql)
    assert (raised.value.code, raised.value.exit_code) == (code, 2)
    assert helps in raised.value.text()


def test_without_a_warehouse_it_says_what_to_do_first(tmp_path: Path) -> None:
    with pytest.raises(Stop) as stopped:
        run_sql(settings_in(tmp_path), "SELECT 1")
    assert stopped.value.code == "CH-LAKE-003"


def test_the_sqlalchemy_engine_reads_reflects_and_cannot_write(city: Settings) -> None:
    made = engine(city)
    try:
        assert {"city_lamp", "delivery"} <= set(sqlalchemy.inspect(made).get_table_names())
        table = sqlalchemy.Table("city_lamp", sqlalchemy.MetaData(), autoload_with=made)
        with made.connect() as con:
            assert con.execute(sqlalchemy.select(table.c.lamp_id)).fetchall() == [("a",)]
            with pytest.raises(sqlalchemy.exc.DBAPIError, match="read-only"):
                con.execute(sqlalchemy.insert(table).values(lamp_id="b"))
    finally:
        made.dispose()
