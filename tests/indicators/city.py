"""A small warehouse for tests of indicators: minimal specs with the canonical columns, units, rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from cityhub.settings import Settings
from cityhub.spec.read import read_all
from warehouse import lake, migrate, tables

DAY = date(2026, 11, 20)
COUNTY = "qixian"
TERRITORIES = ("jincheng", "juji", "wulihe", "chengjiao")
DEPARTMENTS = ("cgj", "zjj", "jtj", "gaj", "sthj", "slj")
_TYPES = {
    "t": "text",
    "i": "integer",
    "d": "double",
    "n": "decimal",
    "b": "boolean",
    "ts": "timestamp",
    "date": "date",
}

# feed: table: columns (K marks the key), as the canonical tables are agreed on.
FEEDS = {
    "sanitation.vehicle": "san_vehicle: vehicle_id t K, type t, company t, status t",
    "sanitation.position": "san_position: vehicle_id t K, ts ts K, lon d, lat d, speed_kmh d",
    "sanitation.route_task": "san_route_task: task_id t K, road_id t, task_date date, planned_km d, done_km d",
    "sanitation.road": "san_road: road_id t K, total_area_m2 d, cleaned_area_m2 d, mech_area_m2 d",
    "sanitation.weigh": "san_weigh: station_id t K, ticket_no t K, net_t n, waste_type t, ts ts",
    "sanitation.community": "san_community: community_id t K, households i, households_sorting i",
    "sanitation.bin_alarm": "san_bin_alarm: alarm_id t K, raised_at ts, cleared_at ts",
    "sanitation.toilet": "san_toilet_day: toilet_id t K, report_date date K, scheduled_min i, open_min i",
    "lighting.energy": "lamp_energy: cabinet_id t K, ts ts K, kwh_total d",
    "lighting.switching": "lamp_switching: cabinet_id t K, night date K, scheduled_on_at ts, switched_on_at ts",
    "lighting.lamp": "lamp: lamp_id t K, cabinet_id t, road_id t, type t, status t",
    "lighting.lamp_state": "lamp_state: lamp_id t K, ts ts K, is_on b, online b, scheduled_on b",
    "lighting.lamp_fault": (
        "lamp_fault: fault_id t K, lamp_id t, contractor t, reported_at ts, repaired_at ts, limit_h d"
    ),
    "dust.site": "dust_site: mn t K, builder t, status t",
    "dust.sample": (
        "dust_sample: mn t K, kind t K, ts ts K, pm25_ugm3 d, pm10_ugm3 d, tsp_ugm3 d, noise_dba d, flag t"
    ),
    "dust.alarm": "dust_alarm: alarm_id t K, mn t, raised_at ts, handled_at ts, cleared_at ts",
    "municipal.asset": "mun_asset: asset_id t K, class t, code t, owner t, lon d, lat d, status t",
    "municipal.event": ("mun_event: event_id t K, asset_id t, class t, found_at ts, deadline ts, handled_at ts"),
    "municipal.waterlevel": "mun_waterlevel: point_id t K, ts ts K, depth_cm d",
    "municipal.bridge": "mun_bridge: bridge_id t K, inspected_at ts, cycle_months i",
    "municipal.pump": "mun_pump: station_id t K, report_date date K, available_min i",
    "landscaping.green": "gl_green: green_id t K, kind t, area_m2 d, canopy_m2 d",
    "landscaping.irrigation": "gl_irrigation: meter_id t K, ts ts K, green_id t, m3_total d",
    "landscaping.tree": "gl_tree: tree_id t K, status t, planted date",
    "landscaping.task": "gl_task: task_id t K, contractor t, planned_qty d, done_qty d, due date",
    "landscaping.pest": "gl_pest: pest_id t K, found_at ts, handled_at ts",
    "muck.vehicle": "mk_vehicle: vehicle_id t K, plate t, terminal_phone t, company t, status t",
    "muck.position": "mk_position: terminal_phone t K, ts ts K, lon d K, lat d K, acc b, load t, speed_kmh d",
    "muck.site": "mk_site: site_id t K, kind t, lon d, lat d",
    "muck.route": "mk_route: route_id t K, seq i K, lon d, lat d",
    "muck.permit": "mk_permit: permit_no t K, site_id t, disposal_id t, route_id t, valid_from ts, valid_to ts",
    "muck.disposal": "mk_disposal: ticket_no t K, disposal_id t, ts ts",
    "muck.violation": "mk_violation: violation_id t K, type t, plate t, company t, ts ts, points n",
    "gas.point": "gas_point: point_id t K, low_kpa d, high_kpa d",
    "gas.pressure": "gas_pressure: point_id t K, ts ts K, kpa d",
    "gas.alarm": ("gas_alarm: alarm_id t K, detector_id t, level i, raised_at ts, arrived_at ts, cleared_at ts"),
    "gas.user": "gas_user: user_id t K, inspected_at ts",
    "gas.hazard": "gas_hazard: hazard_id t K, found_at ts, due_at ts, closed_at ts",
    "gas.flow": "gas_flow: station_id t K, ts ts K, m3_total d, reference_c d",
    "gas.meter": "gas_meter_reading: meter_id t K, ts ts K, m3_total d",
    "heat.outage": "heat_outage: outage_id t K, started_at ts, ended_at ts, affected_users i",
    "heat.complaint": "heat_complaint: complaint_id t K, received_at ts, closed_at ts",
    "heat.station_info": "heat_station_info: station_id t K, heated_area_m2 d, users i",
    "heat.station": ("heat_station: station_id t K, ts ts K, t_supply_c d, t_return_c d, flow_m3h d, heat_gj d"),
    "heat.room_temp": "heat_room_temp: user_id t K, ts ts K, t_c d, station_id t",
    "water.pressure": "wtr_pressure: point_id t K, ts ts K, mpa d, standard_mpa d",
    "water.plant": "wtr_plant: plant_id t K, ts ts K, turbidity_ntu d, cl_mg_l d",
    "water.quality": "wtr_quality: sample_id t K, item t K, plant_id t, ts ts, is_ok b",
    "water.dma_flow": "wtr_dma_flow: dma_id t K, ts ts K, flow_m3h d, m3_total d",
    "water.meter": "wtr_meter_reading: meter_id t K, ts ts K, m3_total d",
    "water.burst": "wtr_burst: burst_id t K, reported_at ts, deadline ts, repaired_at ts",
    "incineration.furnace_temp": "inc_furnace_temp: furnace_id t K, ts ts K, t_c d, burning b",
    "incineration.ash": "inc_ash: ticket_no t K, ts ts, fly_t n",
    "enforcement.penalty": "enf_penalty: penalty_no t K, squad t, filed_at ts, due_at ts, concluded_at ts",
    "incineration.cems": ("inc_cems: mp_code t K, ts ts K, factor t K, strength_mgm3 d, limit_mgm3 d, mark t, plant t"),
    "incineration.weigh": "inc_weigh: ticket_no t K, plant t, ts ts, net_t n, waste_type t",
    "incineration.power": "inc_power: meter_id t K, ts ts K, plant t, kwh_generated d, kwh_grid d, kwh_own d",
    "enforcement.case": (
        "enf_case: case_no t K, grid_id t, source t, reported_at ts, accepted_at ts, registered_at ts,"
        " dispatched_at ts, deadline ts, handled_at ts, checked_at ts, check_result t, closed_at ts, dept_code t,"
        " rework_count i, return_count i, suspended b, satisfied b"
    ),
}
FEED_OF = {text.split(":")[0]: feed for feed, text in FEEDS.items()}


def write_specs(folder: Path, feeds: Iterable[str] = FEEDS) -> None:
    """One minimal feed spec a canonical table."""
    folder.mkdir(parents=True, exist_ok=True)
    for feed in feeds:
        table, columns = FEEDS[feed].split(": ")
        parts = [column.split() for column in columns.split(", ")]
        lines = [
            f"feed: {feed}",
            "title: {zh: 测试, en: test}",
            f"platform: {feed.split('.')[0]}",
            f"table: {table}",
            "description: rows for tests",
            "owner: {department: d, person: p, phone: '1'}",
            "source: {kind: files, address: /nowhere, pattern: '*'}",
            f"identity: {{key: [{', '.join(part[0] for part in parts if 'K' in part)}]}}",
            "fields:",
            *(f"  {part[0]}: {{from: {part[0]}, type: {_TYPES[part[1]]}}}" for part in parts),
        ]
        if any(part[0] == "lon" for part in parts):
            lines.append("location: {system: wgs84}")
        (folder / f"{feed}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def build(home: Path, feeds: Iterable[str] = FEEDS) -> Settings:
    """A lake of its own with the core tables, the canonical tables of the feeds and the county's units."""
    write_specs(home / "feeds", feeds)
    made = Settings(home, home / "feeds", str(home / "lake" / "c.sqlite"), str(home / "lake" / "data"))
    con = lake.connect(made)
    migrate.migrate(con, made)
    with lake.write(con, made, "tables for tests"):
        for spec in read_all(made.feeds).values():
            tables.ensure(con, spec)
        put_units(con)
    con.close()
    return made


def in_memory(folder: Path) -> duckdb.DuckDBPyConnection:
    """The same tables in memory, as the database `lake`: quick, for tests of the SQL alone."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'Asia/Shanghai'; ATTACH ':memory:' AS lake; USE lake")
    for name in ("001_core.sql", "011_derived.sql"):
        con.execute((migrate.FOLDER / name).read_text(encoding="utf-8"))
    write_specs(folder)
    for spec in read_all(folder).values():
        columns = ", ".join(f'"{name}" {kind}' for name, kind in tables.column_types(spec).items())
        con.execute(f'CREATE TABLE "{spec.table}" ({columns})')
    put_units(con)
    return con


_CALENDAR = """
INSERT INTO calendar_day
SELECT d, year(d) * 10000 + month(d) * 100 + day(d), strftime(d, '%Y-%m'), isodow(d), isodow(d) < 6, NULL,
       d >= DATE '2026-11-15'
FROM (SELECT CAST(DATE '2026-11-01' + CAST(range AS INTEGER) AS DATE) AS d FROM range(30))
"""


def put_units(con: duckdb.DuckDBPyConnection) -> None:
    """Four territories, six departments, the county; November 2026, a heating day each from the 15th."""
    kinds = {"territory": TERRITORIES, "department": DEPARTMENTS, "county": (COUNTY,)}
    rows = [(code, kind) for kind, codes in kinds.items() for code in codes]
    texts = ", ".join(f"('{code}', '{code}', '{code}', '{kind}', {n})" for n, (code, kind) in enumerate(rows))
    con.execute(f"INSERT INTO unit (unit_code, name_zh, name_en, kind, sort) VALUES {texts}")
    con.execute(_CALENDAR)


def put(
    con: duckdb.DuckDBPyConnection,
    table: str,
    unit: str | None,
    rows: Iterable[dict[str, object]],
    day: date = DAY,
) -> None:
    """Insert rows of one unit and service day; times are texts like `2026-11-20 08:00`."""
    for row in rows:
        full = {"service_day": day, "unit_code": unit, **row}
        names = ", ".join(f'"{name}"' for name in full)
        marks = ", ".join("?" * len(full))
        con.execute(f'INSERT INTO lake.main."{table}" ({names}) VALUES ({marks})', list(full.values()))


def deliver(
    con: duckdb.DuckDBPyConnection, feeds: Iterable[str], day: date, state: str = "loaded", loaded: int = 1
) -> None:
    """Write the ledger line of feeds for a day."""
    for feed in feeds:
        con.execute("DELETE FROM lake.main.delivery WHERE feed = ? AND service_day = ?", [feed, day])
        con.execute(
            "INSERT INTO lake.main.delivery (feed, platform, service_day, state, loaded) VALUES (?, ?, ?, ?, ?)",
            [feed, feed.split(".")[0], day, state, loaded],
        )


def at(time: str, day: date = DAY, plus: int = 0) -> str:
    """A local time stamp on the day, `plus` days later."""
    return f"{day + timedelta(days=plus)} {time}"
