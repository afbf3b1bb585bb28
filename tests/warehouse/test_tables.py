"""Canonical tables: made from specs, partitioned by day, growing, never retyped."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityhub.errors import Stop
from cityhub.settings import Settings
from tests.warehouse.made import FIELDS, snapshots, spec
from warehouse import lake, tables
from warehouse.names import identifier

Con = duckdb.DuckDBPyConnection


def test_columns_stand_in_order_with_the_hubs_own_around_them(con: Con, settings: Settings) -> None:
    located = FIELDS | {name: {"from": name, "type": "double"} for name in ("lon", "lat")}
    made = spec(fields=located, location={"system": "gcj02"})
    with lake.write(con, settings, "test"):
        assert tables.ensure(con, made)
    assert list(tables.stored_types(con, "city_lamp").items()) == list(tables.column_types(made).items())
    assert list(tables.column_types(made)) == [
        *("service_day", "unit_code", "lamp_id", "class", "ts", "count", "share", "lon", "lat"),
        *("lon_wgs84", "lat_wgs84", "_load_id", "_received_at", "_version", "_flags"),
    ]


def test_a_dropped_personal_field_has_no_column() -> None:
    fields = FIELDS | {"phone": {"from": "p", "personal": "drop"}, "name": {"from": "xm", "personal": "hash"}}
    columns = tables.column_types(spec(fields=fields))
    assert "phone" not in columns
    assert columns["name"] == "VARCHAR"


def test_rows_of_a_day_lie_in_files_of_that_day(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "table"):
        tables.ensure(con, spec())
    with lake.write(con, settings, "rows"):
        con.execute(
            "INSERT INTO city_lamp (service_day, lamp_id)"
            " SELECT DATE '2026-11-20' - CAST(range % 2 AS INTEGER), 'a' || range FROM range(100)"
        )
    folders = {path.parent.name for path in Path(settings.data).rglob("*.parquet") if "city_lamp" in str(path)}
    assert folders == {"service_day=2026-11-20", "service_day=2026-11-19"}


def test_an_unchanged_spec_changes_nothing(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "table"):
        assert tables.ensure(con, spec())
    before = snapshots(con)
    assert tables.changes(con, spec()) == []
    with lake.write(con, settings, "again"):
        assert not tables.ensure(con, spec())
    assert snapshots(con) == before


def test_a_new_field_adds_a_column_and_keeps_the_rows(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "table"):
        tables.ensure(con, spec())
        con.execute("INSERT INTO city_lamp (service_day, lamp_id) VALUES (DATE '2026-11-20', 'a')")
    grown = spec(fields=FIELDS | {"power_w": {"from": "p", "type": "double"}})
    with lake.write(con, settings, "grow"):
        assert tables.ensure(con, grown)
    assert con.execute("SELECT lamp_id, power_w FROM city_lamp").fetchall() == [("a", None)]
    assert tables.stored_types(con, "city_lamp").keys() == set(tables.column_types(grown))


def test_a_field_that_left_the_spec_keeps_its_column(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "table"):
        tables.ensure(con, spec())
    fewer = spec(fields={name: field for name, field in FIELDS.items() if name != "count"})
    assert tables.changes(con, fewer) == []


def test_a_retyped_field_stops_with_table_column_and_both_types(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "table"):
        tables.ensure(con, spec())
    retyped = spec(fields=FIELDS | {"count": FIELDS["count"] | {"type": "double"}})
    with pytest.raises(Stop) as stopped:
        tables.changes(con, retyped)
    assert stopped.value.code == "CH-TABLE-002"
    assert stopped.value.place == {
        **{"feed": "city.lamp", "table": "city_lamp", "column": "count"},
        **{"stored": "BIGINT", "wanted": "DOUBLE"},
    }


@pytest.mark.parametrize("name", tables.RESERVED)
def test_a_field_cannot_take_a_name_of_the_hubs_columns(name: str) -> None:
    with pytest.raises(Stop) as stopped:
        tables.column_types(spec(fields=FIELDS | {name: {"from": "x"}}))
    assert stopped.value.code == "CH-TABLE-003"


@pytest.mark.parametrize("table", ["delivery", "unit_cell", "ranking"])
def test_a_feed_cannot_take_a_table_of_the_hub(con: Con, table: str) -> None:
    with pytest.raises(Stop) as stopped:
        tables.changes(con, spec(table=table))
    assert stopped.value.code == "CH-TABLE-004"


def test_every_core_table_is_known_as_the_hubs(con: Con) -> None:
    stored = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
    assert {name for (name,) in stored} == tables.core_tables()


@given(st.text(max_size=80))
def test_no_text_gets_through_as_an_identifier_but_plain_names(text: str) -> None:
    try:
        quoted = identifier(text)
    except Stop as stop:
        assert stop.code == "CH-TABLE-001"
    else:
        assert quoted == f'"{text}"'
        assert text.isascii()
        assert text.replace("_", "a").isalnum()
