"""Nothing in the warehouse is without a description."""

from __future__ import annotations

import duckdb
import pytest

from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.read import read_all
from tests.warehouse.made import FIELDS, snapshots, spec
from warehouse import dictionary, lake, tables
from warehouse.prepare import prepare

Con = duckdb.DuckDBPyConnection

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


def test_every_table_and_column_of_the_shipped_feeds_is_described(settings: Settings) -> None:
    assert prepare(settings, read_all(REPOSITORY / "feeds")) == {}
    con = lake.connect(settings, read_only=True)
    assert dictionary.missing(con) == []
    comments = con.execute(dictionary.STORED).fetchall()
    assert len(comments) > 400
    for table, column, text in comments:
        chinese, _, english = text.partition(" | ")
        assert chinese.strip(), f"{table}.{column} has no Chinese title"
        assert english.strip(". "), f"{table}.{column} has no English sentence"
    con.close()


def test_the_common_words_cover_every_agreed_column() -> None:
    fields = {name: {"from": name} for name in AGREED.split()}
    described = dictionary.feed_comments(spec(fields=fields, identity={"key": ["ts"]}))
    assert [name for name in fields if not described.get(("city_lamp", name))] == []


def test_a_title_in_the_spec_comes_before_the_common_one_and_codes_are_said() -> None:
    described = dictionary.feed_comments(spec())
    assert described["city_lamp", "count"] == "次数 | Count."
    assert described["city_lamp", "class"] == "类别 | Class: led, hps."
    assert described["city_lamp", ""] == "灯具 | Lamps of the city."


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
    assert stored["city_lamp", ""] == f"灯具 | {text}."


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
