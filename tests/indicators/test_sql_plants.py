"""Hand-computed sums: dust, muck, gas, heat, water, incineration, the hub."""

from __future__ import annotations

import math
from datetime import timedelta

import duckdb
import pytest

from indicators.definitions import Definition
from indicators.delivered import Standing
from indicators.period import of_month
from indicators.run import Sums
from indicators.values import settle
from tests.indicators.city import COUNTY, DAY, at, deliver, put
from tests.indicators.conftest import Ask

Con = duckdb.DuckDBPyConnection
BEFORE = DAY - timedelta(days=1)
_MINUTES = """
INSERT INTO lake.main.dust_sample
    (service_day, unit_code, mn, kind, ts, pm25_ugm3, pm10_ugm3, tsp_ugm3, noise_dba, flag)
SELECT $day, 'juji', $mn, 'min', CAST($day AS TIMESTAMPTZ) + to_minutes($hour * 60 + CAST(range AS INTEGER)),
       $pm25, CASE WHEN range % 2 = 0 THEN $pm10 - $jitter ELSE $pm10 + $jitter END, $tsp, $noise, $flag
FROM range($n)
"""


def minutes(con: Con, mn: str, hour: int, n: int, **more: object) -> None:
    """`n` minute records of a site from a full hour on; PM10 swings by `jitter` about its mean."""
    values = {"pm25": 40, "pm10": 100, "tsp": 200, "noise": 60, "flag": "N", "jitter": 1, **more}
    con.execute(_MINUTES, {"day": DAY, "mn": mn, "hour": hour, "n": n, **values})


def sites(con: Con, *names: str) -> None:
    put(con, "dust_site", "juji", [{"mn": name, "status": "active"} for name in names])


def test_dst_01_online_in_the_day_and_in_the_hour(con: Con, ask: Ask) -> None:
    sites(con, "a", "b", "c")
    put(con, "dust_site", "juji", [{"mn": "d", "status": "stopped"}])
    minutes(con, "a", 8, 1)
    minutes(con, "b", 9, 1, flag="D")
    minutes(con, "d", 8, 1)
    assert ask("DST-01")["juji"] == (1, 3, 3, 3)
    assert ask("DST-01", hour=8) == {"juji": (1, 3, 3, 3), COUNTY: (1, 3, 3, 3)}
    assert ask("DST-01", hour=9)["juji"] == (0, 3, 3, 3)


def test_dst_02_valid_minutes_of_those_expected(con: Con, ask: Ask) -> None:
    sites(con, "a", "b")
    minutes(con, "a", 8, 30)
    minutes(con, "a", 9, 10, flag="T")
    minutes(con, "a", 10, 10, pm25=300)  # PM2.5 over PM10
    minutes(con, "a", 11, 60, jitter=0)  # frozen
    assert ask("DST-02")["juji"] == (30, 2880, 2880, 110)


def test_dst_03_05_06_an_hour_needs_45_valid_minutes(con: Con, ask: Ask) -> None:
    sites(con, "a", "b")
    minutes(con, "a", 8, 46, pm10=180)
    minutes(con, "b", 8, 44, pm10=999, tsp=2000)
    minutes(con, "a", 9, 60, pm10=100)
    minutes(con, "b", 9, 60, pm10=60, pm25=20)
    minutes(con, "b", 10, 60, pm10=60, jitter=0)  # frozen: no hour
    assert ask("DST-03", hour=8)["juji"] == (pytest.approx(180), 1, 2, 1)
    assert ask("DST-03", hour=9)["juji"] == (pytest.approx(160), 2, 2, 2)
    assert ask("DST-03", hour=10)["juji"] == (None, 0, 2, 0)
    assert ask("DST-05", hour=9)["juji"] == (pytest.approx(60), 2, 2, 2)
    assert ask("DST-06")["juji"] == (1, 3, 48, 3)


def test_dst_04_a_day_needs_20_valid_hours(con: Con, ask: Ask) -> None:
    sites(con, "a", "b")
    for hour in range(20):
        minutes(con, "a", hour, 60, pm10=100 + hour)
    for hour in range(19):
        minutes(con, "b", hour, 60)
    assert ask("DST-04")["juji"] == (pytest.approx(109.5), 1, 2, 1)


def test_dst_07_decibels_are_averaged_as_energy(con: Con, ask: Ask, definitions: dict[str, Definition]) -> None:
    sites(con, "a")
    minutes(con, "a", 8, 1, noise=60)
    minutes(con, "a", 9, 1, noise=80)
    minutes(con, "a", 22, 1, noise=120)  # night
    found = ask("DST-07")["juji"]
    assert found == (pytest.approx(1.01e8), 2, 960, 2)
    value = settle(definitions["DST-07"], "juji", "day", str(DAY), sums=Sums("juji", None, *found), standing=Standing())
    assert value.value == pytest.approx(10 * math.log10(1.01e8 / 2))  # 77.03, not 70


def test_dst_08_gas_03_alarms_in_time(con: Con, ask: Ask) -> None:
    def alarms(done: str, minutes: tuple[int, ...]) -> list[dict[str, object]]:
        return [{"alarm_id": str(n), "raised_at": at("08:00"), done: at(f"08:{n:02d}")} for n in minutes]

    put(
        con,
        "dust_alarm",
        "juji",
        [*alarms("handled_at", (10, 59)), {"alarm_id": "x", "raised_at": at("08:00")}],
    )
    put(con, "dust_alarm", "juji", [{"alarm_id": "y", "raised_at": at("23:30")}])  # due tomorrow
    put(con, "gas_alarm", "juji", [{**row, "level": 1} for row in alarms("arrived_at", (10, 30, 31))])
    assert ask("DST-08")["juji"] == (2, 3, 3, 3)
    assert ask("GAS-03")["juji"] == (2, 3, 3, 3)


def test_muk_01_counts_where_the_truck_is_registered(con: Con, ask: Ask) -> None:
    put(con, "mk_vehicle", "juji", [{"terminal_phone": p, "status": "registered"} for p in ("1", "2")])
    put(con, "mk_vehicle", "juji", [{"terminal_phone": "3", "status": "suspended"}])
    put(con, "mk_position", "wulihe", [{"terminal_phone": p, "ts": at("08:00")} for p in ("1", "3", "9")])
    assert ask("MUK-01") == {"juji": (1, 2, 2, 2), COUNTY: (1, 2, 2, 2)}


def test_muk_02_gaps_over_two_minutes_are_not_covered(con: Con, ask: Ask) -> None:
    put(con, "mk_vehicle", "juji", [{"terminal_phone": "1", "status": "registered"}])
    track = [
        ("08:00:00", True),
        ("08:01:00", True),
        ("08:11:00", True),
        ("08:12:00", False),
        ("09:12:00", True),
    ]
    put(con, "mk_position", None, [{"terminal_phone": "1", "ts": at(t), "acc": on} for t, on in track])
    assert ask("MUK-02")["juji"] == (120, 720, 5, 5)


def test_muk_03_a_jump_of_a_kilometre_in_ten_seconds_is_drift(con: Con, ask: Ask) -> None:
    put(con, "mk_vehicle", "juji", [{"terminal_phone": "1"}, {"terminal_phone": "1"}])  # twice in the register
    places = [
        ("08:00:00", 34.50),
        ("08:00:10", 34.501),
        ("08:00:20", 34.51),
        ("08:10:20", 34.52),
        ("08:10:20", 34.53),
    ]
    put(con, "mk_position", None, [
        {"terminal_phone": "1", "ts": at(t), "lon_wgs84": 114.8 + n / 1e6, "lat_wgs84": lat}
        for n, (t, lat) in enumerate(places)
    ])  # fmt: skip
    assert ask("MUK-03") == {"juji": (2, 5, 5, 5), COUNTY: (2, 5, 5, 5)}


def test_muk_06_08_violations_and_credit(con: Con, ask: Ask) -> None:
    put(con, "mk_vehicle", "juji", [{"company": "a"}, {"company": "a"}, {"company": "b"}])
    put(con, "mk_violation", "juji", [
        {"violation_id": "1", "type": "dump_outside_site", "company": "a", "points": "12"},
        {"violation_id": "2", "type": "spillage", "company": "a", "points": "3.5"},
        {"violation_id": "3", "type": "spillage", "company": "unknown", "points": "50"},
    ])  # fmt: skip
    assert ask("MUK-06")["juji"] == (1, None, 3, 3)
    assert ask("MUK-08") == {COUNTY: (184.5, 2, 2, 2)}
    assert ask("MUK-08", kind="company") == {
        "company:a": (84.5, 1, 1, 1),
        "company:b": (100, 1, 1, 1),
        COUNTY: (184.5, 2, 2, 2),
    }


def test_gas_01_readings_within_the_points_band(con: Con, ask: Ask) -> None:
    put(con, "gas_point", "juji", [{"point_id": p, "low_kpa": 1.5, "high_kpa": 3} for p in ("a", "b")])
    readings = [("a", 2.0), ("a", 1.5), ("a", 3.1), ("a", None), ("x", 2.0)]
    put(
        con,
        "gas_pressure",
        None,
        [{"point_id": p, "ts": at(f"08:0{n}"), "kpa": k} for n, (p, k) in enumerate(readings)],
    )
    assert ask("GAS-01") == {"juji": (2, 3, 2, 1), COUNTY: (2, 3, 2, 1)}
    assert ask("GAS-01", hour=8)["juji"] == (2, 3, 2, 1)
    assert ask("GAS-01", hour=9, kind="point")["point:a"] == (0, 0, 1, 0)


def test_gas_02_counts_episodes_not_messages(con: Con, ask: Ask) -> None:
    def alarm(n: int, detector: str, raised: str, cleared: str | None, plus: int = 0) -> dict[str, object]:
        done = at(cleared) if cleared else None
        return {
            "alarm_id": str(n),
            "detector_id": detector,
            "level": 1,
            "raised_at": at(raised, plus=plus),
            "cleared_at": done,
        }

    put(con, "gas_alarm", "juji", [
        alarm(1, "a", "08:00", "08:30"), alarm(2, "a", "08:20", "08:25"), alarm(3, "a", "08:34", "08:40"),
        alarm(4, "a", "09:00", None), alarm(5, "a", "20:00", None), alarm(6, "b", "08:00", "08:10"),
    ])  # fmt: skip
    put(con, "gas_alarm", "juji", [alarm(7, "c", "23:50", "00:20", plus=-1)], BEFORE)
    put(con, "gas_alarm", "juji", [alarm(8, "c", "00:10", "00:20")])
    # a: 08:00 and 09:00; b; c goes on from the evening before
    assert ask("GAS-02")["juji"] == (3, None, 3, 3)


def test_hea_01_room_temperatures_on_heating_days(con: Con, ask: Ask) -> None:
    rows = [{"user_id": str(n), "ts": at("08:00"), "t_c": t} for n, t in enumerate((18.0, 17.9, 22.0, None, -127.0))]
    put(con, "heat_room_temp", "juji", rows)
    early = DAY.replace(day=10)
    put(con, "heat_room_temp", "juji", rows, early)
    assert ask("HEA-01")["juji"] == (2, 3, 5, 3)
    assert ask("HEA-01", period=early) == {}  # before the season there is nothing to count


def test_hea_03_a_counter_that_goes_back_is_a_reset_not_negative_use(con: Con, ask: Ask) -> None:
    put(
        con,
        "heat_station_info",
        "juji",
        [{"station_id": s, "heated_area_m2": 1000} for s in ("a", "b", "silent")],
    )
    put(con, "heat_station", "juji", [{"station_id": "a", "ts": at("23:55", plus=-1), "heat_gj": 95}], BEFORE)
    counts = [
        ("a", "00:05", 100),
        ("a", "08:00", 110),
        ("a", "10:00", 2),
        ("a", "20:00", 7),
        ("b", "08:00", 50),
        ("b", "09:00", 51),
    ]
    put(con, "heat_station", "juji", [{"station_id": s, "ts": at(t), "heat_gj": gj} for s, t, gj in counts])
    assert ask("HEA-03")["juji"] == (21, 2000, 3, 2)  # a: 5 + 10 + 5, b: 1


def test_hea_04_is_weighted_by_flow(con: Con, ask: Ask) -> None:
    put(con, "heat_station", "juji", [
        {"station_id": "a", "ts": at("08:00"), "t_supply_c": 80, "t_return_c": 50, "flow_m3h": 10},
        {"station_id": "b", "ts": at("08:00"), "t_supply_c": 80, "t_return_c": 70, "flow_m3h": 90},
        {"station_id": "c", "ts": at("08:00"), "t_supply_c": 80, "t_return_c": None, "flow_m3h": 90},
    ])  # fmt: skip
    assert ask("HEA-04")["juji"] == (1200, 100, 3, 2)  # 12 °C; the mean of differences would say 20
    assert ask("HEA-04", hour=8, kind="station")["station:a"] == (300, 10, 1, 1)


def test_hea_06_stations_online(con: Con, ask: Ask) -> None:
    put(con, "heat_station_info", "juji", [{"station_id": s} for s in ("a", "b")])
    put(
        con,
        "heat_station",
        None,
        [{"station_id": "a", "ts": at("08:10")}, {"station_id": "b", "ts": at("09:00")}],
    )
    assert ask("HEA-06")["juji"] == (2, 2, 2, 2)
    assert ask("HEA-06", hour=8)["juji"] == (1, 2, 2, 2)
    assert ask("HEA-06", hour=23)["juji"] == (0, 2, 2, 2)


def test_wtr_01_06_07(con: Con, ask: Ask) -> None:
    put(con, "wtr_pressure", "juji", [
        {"point_id": str(n), "ts": at("08:00"), "mpa": mpa, "standard_mpa": norm}
        for n, (mpa, norm) in enumerate([(0.3, 0.28), (0.2, 0.28), (300, 0.28), (0.3, None), (None, 0.28)])
    ])  # fmt: skip
    put(con, "wtr_plant", None, [
        {"plant_id": "p", "ts": at(f"08:{n:02d}"), "turbidity_ntu": n / 100, "cl_mg_l": cl}
        for n, cl in enumerate([0.3, 2.0, 2.1, 0.2, None] + [1.0] * 16)
    ])  # fmt: skip
    assert ask("WTR-01")["juji"] == (1, 2, 5, 2)
    assert ask("WTR-01", hour=8)["juji"] == (1, 2, 5, 2)
    assert ask("WTR-06") == {COUNTY: (pytest.approx(0.19), 1, 21, 21)}
    assert ask("WTR-06", hour=8, kind="plant")["plant:p"] == (pytest.approx(0.19), 1, 21, 21)
    assert ask("WTR-07") == {COUNTY: (18, 20, 21, 20)}


def test_inc_01_02_03_power_from_counters(con: Con, ask: Ask) -> None:
    put(
        con,
        "inc_weigh",
        None,
        [{"ticket_no": str(n), "net_t": t, "plant": "p"} for n, t in enumerate(("10.5", "9.5", None))],
    )
    put(
        con,
        "inc_power",
        None,
        [{"meter_id": "g", "ts": at("23:00", plus=-1), "kwh_generated": 1000, "kwh_grid": 500}],
        BEFORE,
    )
    put(con, "inc_power", None, [
        {"meter_id": "g", "ts": at(f"0{n}:00"), "kwh_generated": made, "kwh_grid": sent}
        for n, (made, sent) in enumerate([(1400, 900), (1800, 1250), (20, None), (420, 300)])
    ])  # fmt: skip
    assert ask("INC-01", kind="plant") == {"plant:p": (20, None, 3, 2), COUNTY: (20, None, 3, 2)}
    assert ask("INC-02") == {COUNTY: (1200, 20, 4, 4)}  # 400 + 400 + (reset) + 400
    assert ask("INC-03") == {COUNTY: (750, None, 4, 3)}  # 400 + 350; the gap's step is lost with the blank


def test_inc_03_a_counter_of_seven_digits_starts_again(con: Con, ask: Ask) -> None:
    put(con, "inc_power", None, [
        {"meter_id": "g", "ts": at(f"0{n}:00"), "kwh_grid": kwh}
        for n, kwh in enumerate((9_999_000, 9_999_900, 400, 300))
    ])  # fmt: skip
    assert ask("INC-03") == {COUNTY: (900 + 500, None, 4, 4)}  # a step of -100 is a fault


def test_inc_04_06_blank_is_missing_and_a_mark_excuses_but_counts(con: Con, ask: Ask) -> None:
    own = {"plant": "杞县首创环保能源有限公司", "mp_code": "F1", "ts": at("00:00")}
    put(con, "inc_cems", None, [
        {**own, "factor": "PM", "strength_mgm3": 10, "limit_mgm3": 20},
        {**own, "factor": "SO2", "strength_mgm3": 81},
        {**own, "factor": "NOx", "strength_mgm3": 999, "limit_mgm3": 250, "mark": "CEMS维护"},
        {**own, "factor": "CO", "strength_mgm3": None, "limit_mgm3": 80},
        {**own, "plant": "elsewhere", "mp_code": "F9", "factor": "CO", "strength_mgm3": 1, "limit_mgm3": 80},
    ])  # fmt: skip
    assert ask("INC-04", kind="furnace") == {"furnace:F1": (1, 2, 4, 2), COUNTY: (1, 2, 4, 2)}
    assert ask("INC-06", kind="furnace") == {"furnace:F1": (2, 5, 5, 4), COUNTY: (2, 5, 5, 4)}
    tomorrow = DAY + timedelta(days=1)
    assert ask("INC-06", period=tomorrow) == {COUNTY: (0, 5, 5, 0)}  # a silent furnace is expected all the same
    assert ask("INC-06", period=of_month("2026-11", tomorrow))[COUNTY][1] == 5 * 21


def test_hub_indicators_come_from_the_ledger(con: Con, ask: Ask) -> None:
    deliver(con, ["a.x", "a.y", "a.z"], DAY)
    deliver(con, ["a.w"], DAY, state="failed", loaded=0)
    deliver(con, ["a.w"], BEFORE)
    deliver(con, ["m.month"], DAY, state="expected", loaded=0)
    due = at("06:00", plus=1)
    con.execute(
        "UPDATE lake.main.delivery SET expected_by = ?, finished_at = ? WHERE loaded > 0",
        [due, at("01:20", plus=1)],
    )
    con.execute(
        "UPDATE lake.main.delivery SET expected_by = ?, loaded = NULL WHERE feed = 'a.w' AND service_day = ?",
        [due, DAY],
    )
    con.execute("UPDATE lake.main.delivery SET expected_by = ? WHERE feed = 'm.month'", [at("06:00", plus=11)])
    con.execute("UPDATE lake.main.delivery SET loaded = NULL WHERE feed = 'm.month'")
    con.execute("UPDATE lake.main.delivery SET finished_at = ? WHERE feed = 'a.y'", [at("06:01", plus=1)])
    con.execute(
        "UPDATE lake.main.delivery SET landed = 100, loaded = 90, duplicate = 6, quarantined = 4,"
        " flagged = 10, stated_total = CASE feed WHEN 'a.x' THEN 110 END WHERE loaded = 1"
    )
    # y is a minute late, w never came
    assert ask("HUB-01") == {COUNTY: (1440 + 1439 + 1440, 4 * 1440, 4, 4)}
    assert ask("HUB-02") == {COUNTY: (2, 4, 4, 4)}
    assert ask("HUB-03") == {COUNTY: (300, 410, 4, 4)}
    assert ask("HUB-04") == {COUNTY: (240, 282, 5, 3)}
    assert ask("HUB-05") == {COUNTY: (18, 300, 5, 3)}
