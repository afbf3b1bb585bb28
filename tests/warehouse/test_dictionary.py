"""Nothing in the warehouse is without a description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.read import read_all
from tests.warehouse.conftest import settings_in
from tests.warehouse.made import FIELDS, snapshots, spec
from warehouse import dictionary, lake, tables
from warehouse.dictionary import feeds, hub, words
from warehouse.dictionary.entry import Column, Reference, Table, Text, gaps
from warehouse.prepare import prepare

Con = duckdb.DuckDBPyConnection
pytestmark = pytest.mark.xdist_group("dictionary")

# Columns that canonical tables are agreed to have, whichever specs are installed.
AGREED = """
vehicle_id plate type company tank_m3 status district ts lon lat speed_kmh direction_deg acc work_state
water_pct task_id road_id task_date planned_km done_km name class total_area_m2 cleaned_area_m2
mech_area_m2 station_id ticket_no gross_t tare_t net_t waste_type lamp_id pole_id cabinet_id power_w
install_date is_on dim_pct voltage_v current_a online scheduled_on fault_id reported_at repaired_at
contractor limit_h mn project_code builder kind pm25_ugm3 pm10_ugm3 tsp_ugm3 noise_dba temp_c rh_pct
pressure_kpa wind_ms wind_deg flag alarm_id factor level raised_at handled_at cleared_at asset_id code
owner maintainer event_id found_at severity deadline point_id depth_cm tree_id species dbh_cm health
planted planned_qty done_qty due pest_id terminal_phone energy altitude_m alarm load odo_km violation_id
points evidence source low_kpa high_kpa kpa detector_id acked_at arrived_at updated_at heated_area_m2
users t_supply_c t_return_c p_supply_mpa p_return_mpa flow_m3h heat_gj valve_pct user_id t_c mpa
standard_mpa plant_id turbidity_ntu cl_mg_l ph meter_id m3_total reverse_m3 mp_code strength_mgm3
limit_mgm3 mark uploaded_at plant kwh_generated kwh_grid kwh_own case_no class_code grid_id address
accepted_at registered_at dispatched_at checked_at check_result closed_at dept_code rework_count
return_count suspended satisfied caller_phone month campaign unit score scored_by office reason rule
count decided_on note
"""


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Con]:
    """A warehouse with all migrations and the tables of all shipped feeds."""
    home = settings_in(tmp_path_factory.mktemp("home"))
    assert prepare(home, read_all(REPOSITORY / "feeds")) == {}
    con = lake.connect(home, read_only=True)
    yield con
    con.close()


def test_every_table_and_column_of_the_shipped_feeds_is_described(ready: Con) -> None:
    assert dictionary.missing(ready) == []
    comments = ready.execute(dictionary.STORED).fetchall()
    assert len(comments) > 400
    for table, column, text in comments:
        chinese, _, english = text.splitlines()[0].partition(" | ")
        assert chinese.strip(), f"{table}.{column} has no Chinese title"
        assert english.strip(". "), f"{table}.{column} has no English sentence"


def test_every_comment_says_grain_and_key_or_what_null_means(ready: Con) -> None:
    for table, column, text in ready.execute(dictionary.STORED).fetchall():
        lines = text.splitlines()[1:]
        if column:
            assert any(line.startswith(("空值：", "不为空")) for line in lines), f"{table}.{column}"
        else:
            assert any(line.startswith("粒度：") for line in lines), table
            assert any(line.startswith("主键 Key: ") for line in lines), table


def test_the_dictionary_has_the_tables_of_the_warehouse_and_no_others(ready: Con) -> None:
    described = described_tables()
    rows = ready.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'lake' "
        "AND schema_name = 'main' AND NOT internal ORDER BY table_name, column_index"
    ).fetchall()
    there: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in rows:
        there.setdefault(table, []).append((column, kind))
    assert {name: [(c.name, c.type) for c in table.columns] for name, table in described.items()} == there


def test_nothing_is_left_undescribed() -> None:
    unitless = words.read().names("none")
    assert [line for table in described_tables().values() for line in gaps(table, unitless)] == []


def described_tables() -> dict[str, Table]:
    shipped = read_all(REPOSITORY / "feeds").values()
    return {**hub.tables(), **{item.table: feeds.table(item) for item in shipped}}


WHOLE = Table(
    "t", "results", Text("表", "A table"), Text("一行", "One row"), ("a",),
    (Column("a", "BIGINT", Text("数", "Number"), Text("没有", "There is none"), "1"),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": Text("", "A table")}, "t: no title in Chinese"),
        ({"title": Text("table", "A table")}, "t: no title in Chinese"),
        ({"grain": Text("一行", "")}, "t: no grain in English"),
        ({"key": ()}, "t: no key"),
        ({"key": ("b",)}, "t: the key names b, which is no column"),
        ({"warnings": (Text("注意", ""),)}, "t: no warning in English"),
        ({"references": (Reference("c", "unit", "unit_code"),)}, "t: a reference names c, which is no column"),
        ({"columns": (replace(WHOLE.columns[0], title=Text("数", "")),)}, "t.a: no description in English"),
        ({"columns": (replace(WHOLE.columns[0], empty=Text("", "None")),)}, "t.a: no null meaning in Chinese"),
        ({"columns": (replace(WHOLE.columns[0], unit=None),)}, "t.a: no unit"),
    ],
)
def test_each_thing_that_is_not_said_is_named(change: dict[str, Any], told: str) -> None:
    assert list(gaps(WHOLE, frozenset())) == []
    assert list(gaps(replace(WHOLE, **change), frozenset())) == [told]


def test_a_spec_tells_what_misleads() -> None:
    made = spec(
        fields=FIELDS | {"kwh_total": {"from": "k", "type": "double"}, "lon": {"from": "x"}, "lat": {"from": "y"}},
        identity={"key": ["lamp_id"]},
        location={"system": "gcj02"},
    )
    said = [warning.en for warning in feeds.table(made).warnings]
    assert [line.split(":")[0].split(",")[0] for line in said] == [
        "A registry",
        "kwh_total only count up",
        "lon and lat are as received",
        "Rows belong to no territory",
    ]
    assert "GCJ-02" in said[2]


def test_null_means_what_the_spec_says_and_never_where_it_cannot_be() -> None:
    fields: dict[str, Any] = {
        "lamp_id": {"from": "id", "title": "灯具", "description": "Number."},
        "must": {"from": "m", "required": True},
        "may": {"from": "n", "if_bad": "null", "type": "double"},
        "repaired_at": {"from": "r", "type": "timestamp"},
    }
    table = feeds.table(spec(fields=fields))
    assert table.column("lamp_id").empty is None
    assert table.column("must").empty is None
    assert table.column("service_day").empty is None
    assert "_flags" in (table.column("may").empty or Text("", "")).en
    assert (table.column("repaired_at").empty or Text("", "")).zh == "尚未修复"


def test_the_common_words_cover_every_agreed_column() -> None:
    fields = {name: {"from": name} for name in AGREED.split()}
    described = dictionary.feed_comments(spec(fields=fields, identity={"key": ["ts"]}))
    assert [name for name in fields if not described.get(("city_lamp", name))] == []


def test_a_title_in_the_spec_comes_before_the_common_one_and_codes_are_said() -> None:
    described = dictionary.feed_comments(spec())
    first = {column: text.splitlines()[0] for (_, column), text in described.items()}
    assert first["count"] == "次数 | Count."
    assert first["class"] == "类别 | Class: led, hps."
    assert first[""] == "灯具 | Lamps of the city."


def test_what_nobody_describes_is_reported(con: Con, settings: Settings) -> None:
    stranger = spec(fields=FIELDS | {"frobnication": {"from": "x"}})
    with lake.write(con, settings, "table"):
        tables.ensure(con, stranger)
        con.execute("CREATE TABLE undescribed (x INTEGER)")
        dictionary.apply(con, [stranger])
    assert dictionary.missing(con) == ["city_lamp.frobnication", "undescribed", "undescribed.x"]


@pytest.mark.parametrize("text", ["it's a lamp", 'a "quoted" word; DROP TABLE unit', "中文，标点"])
def test_a_description_is_text_and_nothing_else(con: Con, settings: Settings, text: str) -> None:
    made = spec(description=text)
    with lake.write(con, settings, "table"):
        tables.ensure(con, made)
        dictionary.apply(con, [made])
    stored = {(table, column): said for table, column, said in con.execute(dictionary.STORED).fetchall()}
    assert stored["city_lamp", ""].splitlines()[0] == f"灯具 | {text}."


def test_applying_again_sets_nothing_and_a_new_text_sets_one(con: Con, settings: Settings) -> None:
    with lake.write(con, settings, "table"):
        tables.ensure(con, spec())
        dictionary.apply(con, [spec()])
    before = snapshots(con)
    with lake.write(con, settings, "again"):
        assert dictionary.apply(con, [spec()]) == 0
    assert snapshots(con) == before
    with lake.write(con, settings, "new"):
        assert dictionary.apply(con, [spec(description="Lights.")]) == 1
