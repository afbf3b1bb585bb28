"""What makes a run quick changes no number: small tables in memory, one statement for all kinds of unit."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from indicators import derived, kept, run, views
from indicators.definitions import Definition
from indicators.period import of_day
from tests.indicators import city
from tests.indicators.city import DAY, put
from warehouse import lake

Con = duckdb.DuckDBPyConnection
UNITS = {"territory": "v.unit_code", "company": "v.company"}


def trucks(con: Con) -> list[tuple[object, ...]]:
    return con.execute("SELECT vehicle_id FROM mk_vehicle ORDER BY ALL").fetchall()


def test_a_kept_table_stands_still_until_it_is_kept_again(tmp_path: Path) -> None:
    settings = city.build(tmp_path, ["muck.vehicle", "muck.position"])
    with lake.connect(settings) as con:
        views.create(con, ["mk_vehicle", "mk_position"])
        with lake.write(con, settings, "a truck"):
            put(con, "mk_vehicle", "juji", [{"vehicle_id": "1"}])
        assert set(kept.keep(con, ["mk_vehicle", "mk_position"])) == {"mk_vehicle", "mk_position"}
        with lake.write(con, settings, "another one"):
            put(con, "mk_vehicle", "juji", [{"vehicle_id": "2"}])
        assert trucks(con) == [("1",)]
        kept.keep(con, ["mk_vehicle", "mk_position"])
        assert trucks(con) == [("1",), ("2",)]


def test_a_large_table_stays_in_the_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = city.build(tmp_path, ["muck.vehicle"])
    monkeypatch.setattr(kept, "ROWS", 1)
    with lake.connect(settings) as con:
        views.create(con, ["mk_vehicle"])
        with lake.write(con, settings, "two trucks"):
            put(con, "mk_vehicle", "juji", [{"vehicle_id": "1"}, {"vehicle_id": "2"}])
        assert kept.keep(con, ["mk_vehicle"]) == []
        assert trucks(con) == [("1",), ("2",)]


def test_one_statement_for_all_kinds_of_unit_gives_what_one_for_each_gives(
    con: Con, definitions: dict[str, Definition], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [("a", "juji", "x"), ("b", "juji", "y"), ("c", "wulihe", "x"), ("d", None, None)]
    for phone, unit, company in rows:
        put(
            con,
            "mk_vehicle",
            unit,
            [{"vehicle_id": phone, "terminal_phone": phone, "company": company, "status": "registered"}],
        )
    put(
        con,
        "mk_position",
        None,
        [{"terminal_phone": phone, "ts": f"{DAY} 08:00", "lon": 1, "lat": 1} for phone in "ac"],
    )
    definition = definitions["MUK-01"]
    assert definition.sql and "UNION ALL" in (run.together(definition.sql, definition.unit_columns) or "")
    at_once = run.sums(con, definition, definition.sql, of_day(DAY))
    monkeypatch.setattr(run, "together", lambda sql, columns: None)
    assert {kind: set(found) for kind, found in at_once.items()} == {
        kind: set(found) for kind, found in run.sums(con, definition, definition.sql, of_day(DAY)).items()
    }


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {unit} AS unit, COUNT(*) AS numerator FROM lamp GROUP BY {unit}",  # no steps
        "WITH a AS (SELECT {unit} AS place FROM lamp) SELECT place AS unit FROM a",  # steps differ by unit
        "WITH a AS (SELECT b FROM lamp) SELECT {unit} AS unit FROM a UNION ALL SELECT {unit} AS unit FROM a",
    ],
)
def test_statements_that_share_no_steps_are_run_one_by_one(sql: str) -> None:
    assert run.together(sql, UNITS) is None


def test_a_derived_table_is_left_alone_on_a_day_whose_rows_did_not_change() -> None:
    assert "mk_stop" in derived.idle(set(), {"enf_case"})
    assert "mk_stop" not in derived.idle(set(), {"mk_position"})
    assert "mk_trip" not in derived.idle(set(), set())  # it looks back to the day before
    assert "enf_stage" not in derived.idle({"enf_stage"}, set())  # somebody asks for it
