"""A definition gives the same numbers on a second engine: the same text over exported tables, row by row.

Here over many made-up rows; the hand-computed cases of `test_sql_*.py` run on both engines as well (`conftest.ask`).
"""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from cli.main import app
from indicators import derived, lint, views
from indicators.definitions import read_all
from indicators.period import Period, of_day
from indicators.portable import clickhouse, export, package
from tests.indicators import city, filler, second_engine
from tests.indicators.city import DAY
from tests.indicators.conftest import fill

Con = duckdb.DuckDBPyConnection
FIRST, DAYS, ROWS = DAY - timedelta(days=2), 3, 400
FOLDER = Path(derived.FOLDER).parent
MONTH = Period("month", "2026-11", FIRST, FIRST + timedelta(days=DAYS))
DEFINITIONS = read_all()
pytestmark = [
    pytest.mark.skipif(not second_engine.INSTALLED, reason="the second engine, chdb, is not installed"),
    pytest.mark.xdist_group("second_engine"),
]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Con:
    con = city.in_memory(tmp_path_factory.mktemp("feeds"))
    tables = {name for item in DEFINITIONS.values() for name in (*item.reads(), *item.derived)}
    tables |= {name for table in derived.read_all().values() for name in (table.table, *table.reads)}
    views.create(con, tables | derived.REFERENCE_TABLES)
    for table in filler.KEYS:
        filler.fill(con, table, ROWS, FIRST, DAYS)
    for name in derived.read_all():
        fill(con, name, MONTH)
    return con


@pytest.mark.parametrize("code", sorted(DEFINITIONS))
def test_an_indicator_is_the_same_on_the_second_engine(filled: Con, tmp_path: Path, code: str) -> None:
    definition = DEFINITIONS[code]
    empty = of_day(DAY + timedelta(days=30))
    for period in [of_day(DAY), empty, *([MONTH] if definition.roll_up == "month" else [])]:
        assert second_engine.differing(filled, definition, period, tmp_path) == []


@pytest.mark.parametrize("name", sorted(derived.read_all()))
def test_a_derived_table_is_the_same_on_the_second_engine(filled: Con, tmp_path: Path, name: str) -> None:
    rows = filled.execute(f"SELECT COUNT(*) FROM lake.main.{name}").fetchone()
    assert rows and rows[0] > 5
    for day in MONTH.days():
        assert second_engine.differing_table(filled, derived.read_all()[name], of_day(day), tmp_path) == []


@pytest.mark.parametrize(
    "numerator",
    [
        "SUM(ROUND(CAST(pm10_ugm3 * 2 AS INTEGER) / 4.0))",  # halves: up here, to even there
        "SUM(CAST(CAST(pm10_ugm3 AS DOUBLE) AS INTEGER))",  # nearest here, cut off there
        "SUM(pm10_ugm3) / 7",  # a double here, six digits there
        "SUM(LENGTH('杞县'))",  # characters here, bytes there
    ],
)
def test_what_the_linter_refuses_does_come_out_otherwise(filled: Con, tmp_path: Path, numerator: str) -> None:
    sql = f"SELECT {numerator} AS numerator, COUNT(*) AS n_expected, COUNT(*) AS n_valid FROM dust_sample"
    assert lint.problems(sql, {"dust_sample"}) != []
    definition = DEFINITIONS["DST-02"].model_copy(update={"sql": sql, "hour_sql": None, "unit_columns": {}})
    assert second_engine.differing(filled, definition, of_day(DAY), tmp_path) != []


def test_the_shims_round_compare_and_interpolate_as_the_hub_does() -> None:
    con = duckdb.connect()
    texts = [f"CAST({value} AS DECIMAL(18, {scale}))" for scale in (0, 3, 6) for value in
             ("CAST(0.5 AS DOUBLE)", "CAST(-2.5 AS DOUBLE)", "CAST(1.0000005 AS DOUBLE)", "CAST(-0.0004999 AS DOUBLE)",
              "CAST(7654321098.0625 AS DOUBLE)", "SQRT(2)", "CAST(NULL AS DOUBLE)", "3")]  # fmt: skip
    for text in texts:
        here = con.sql(f"SELECT {text}").fetchone()
        there = (
            second_engine.session().query(f"SELECT toString({clickhouse.statement(text, {})})", "CSV").bytes().decode()
        )
        said = there.strip().strip('"')
        assert here and here[0] == (None if said == "\\N" else Decimal(said)), text


def test_a_row_without_one_before_it_has_no_value_there_either(filled: Con, tmp_path: Path) -> None:
    sql = (
        "WITH h AS (SELECT hour_no, CASE WHEN hour_no > 3 THEN 1 ELSE 2 END AS n FROM hour_of_day),"
        " b AS (SELECT LAG(n) OVER (ORDER BY hour_no) AS n_before, LEAD(n) OVER (ORDER BY hour_no) AS n_after FROM h)"
        " SELECT COUNT(n_before) AS numerator, COUNT(n_after) AS n_expected, COUNT(*) AS n_valid FROM b"
    )
    assert lint.problems(sql, {"hour_of_day"}) == []
    definition = DEFINITIONS["DST-02"].model_copy(update={"sql": sql, "hour_sql": None, "unit_columns": {}})
    assert second_engine.differing(filled, definition, of_day(DAY), tmp_path) == []


def test_an_export_holds_the_columns_that_definitions_read(filled: Con, tmp_path: Path) -> None:
    columns = export.export(filled, ["dust_sample", "hour_of_day"], tmp_path)
    assert columns["dust_sample"]["ts_ms"] == "BIGINT" and columns["dust_sample"]["pm10_ugm3"] == "DECIMAL(18,6)"
    row = duckdb.connect().sql(f"SELECT COUNT(*) FROM '{tmp_path}/hour_of_day.parquet'").fetchone()
    assert row == (24,)


def test_an_exported_package_runs_as_it_stands(filled: Con, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {code: DEFINITIONS[code] for code in ("LGT-01", "WTR-06", "DST-03", "MUK-04")}
    done = package.write(filled, chosen, of_day(DAY), tmp_path)
    assert done == {"tables": len(list((tmp_path / "tables").iterdir())), "derived": 1, "statements": 10}
    monkeypatch.chdir(tmp_path)
    session = second_engine.session()
    for file in (tmp_path / "setup.sql", *sorted((tmp_path / "derived").iterdir())):
        session.query(file.read_text(encoding="utf-8"))
    for code, definition in chosen.items():
        for field, text in definition.statements():
            for kind, column in package.units(definition).items():
                file = tmp_path / "indicators" / f"{code}.{field}.{kind}.sql"
                there = session.query(file.read_text(encoding="utf-8"), "CSV").bytes().decode().splitlines()
                here = second_engine.hub_rows(filled, text.replace("{unit}", column), of_day(DAY), definition.limits)
                assert len(there) == len(here) > 0, file


def test_check_lists_all_that_leaves_the_subset_with_its_line(tmp_path: Path) -> None:
    text = (FOLDER / "dust.yaml").read_text(encoding="utf-8")
    broken = text.replace("AVG(pm10_ugm3) AS DECIMAL(18, 6)", "AVG(pm10_ugm3) AS REAL")
    broken = broken.replace("COUNT(*) * 24", "COUNT(*) % 24")
    (tmp_path / "dust.yaml").write_text(broken, encoding="utf-8")
    done = CliRunner().invoke(app, ["indicators", "check", str(tmp_path / "dust.yaml"), "--json"])
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert {row["rule"] for row in found} == {"cast_type", "operator"} and len(found) >= 4
    lines = broken.splitlines()
    assert all(("REAL" if row["rule"] == "cast_type" else "% 24") in lines[row["line"] - 1] for row in found)
    assert CliRunner().invoke(app, ["indicators", "check"]).exit_code == 0
