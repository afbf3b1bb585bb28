"""Hand-computed sums of what came with the second round of feeds: registers, services, counters."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import pytest

from indicators.definitions import Definition
from indicators.delivered import Standing
from indicators.period import of_month
from indicators.run import Sums
from indicators.values import settle
from tests.indicators.city import COUNTY, DAY, at, put
from tests.indicators.conftest import Ask

Con = duckdb.DuckDBPyConnection
BEFORE = DAY - timedelta(days=1)
NEXT = DAY + timedelta(days=1)
MONTH = of_month("2026-11", NEXT)


def deadlines(con: Con, table: str, key: str, *, start: str, due: str | None, done: str) -> None:
    """Four records that began at 08:00 with an end at noon (or the definition's own limit): done in time, done late,
    never, and one that falls due tomorrow."""
    limit = {due: at("12:00")} if due else {}
    later = {due: at("12:00", plus=1)} if due else {}
    put(con, table, "juji", [
        {key: "in time", start: at("08:00"), **limit, done: at("09:59")},
        {key: "late", start: at("08:00"), **limit, done: at("12:01")},
        {key: "never", start: at("08:00"), **limit},
        {key: "tomorrow", start: at("23:00"), **later},
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("code", "table", "key", "start", "due", "done"),
    [
        ("SAN-07", "san_bin_alarm", "alarm_id", "raised_at", None, "cleared_at"),
        ("WTR-05", "wtr_burst", "burst_id", "reported_at", "deadline", "repaired_at"),
        ("ENF-13", "enf_penalty", "penalty_no", "filed_at", "due_at", "concluded_at"),
        ("GAS-05", "gas_hazard", "hazard_id", "found_at", "due_at", "closed_at"),
    ],
)
def test_what_has_a_deadline_counts_once_on_the_day_it_falls_due(
    con: Con, ask: Ask, code: str, table: str, key: str, start: str, due: str | None, done: str
) -> None:
    deadlines(con, table, key, start=start, due=due, done=done)
    assert ask(code)["juji"] == (1, 3, 3, 3)
    assert ask(code, period=NEXT)["juji"] == (0, 1, 1, 1)
    assert ask(code, period=MONTH)[COUNTY] == (1, 4, 4, 4)


def test_a_penalty_case_without_a_date_is_due_after_the_usual_days(con: Con, ask: Ask) -> None:
    put(con, "enf_penalty", "juji", [{"penalty_no": "1", "filed_at": at("08:00", plus=-90)}])
    assert ask("ENF-13")["juji"] == (0, 1, 1, 1)


def test_hea_05_complaints_within_a_day(con: Con, ask: Ask) -> None:
    put(con, "heat_complaint", "juji", [
        {"complaint_id": "1", "received_at": at("09:00", plus=-1), "closed_at": at("08:59")},
        {"complaint_id": "2", "received_at": at("09:00", plus=-1), "closed_at": at("09:01")},
        {"complaint_id": "3", "received_at": at("09:00")},
    ])  # fmt: skip
    assert ask("HEA-05")["juji"] == (1, 2, 2, 2)


def test_san_06_09_households_and_toilets(con: Con, ask: Ask) -> None:
    put(con, "san_community", "juji", [
        {"community_id": "1", "households": 100, "households_sorting": 80},
        {"community_id": "2", "households": 300, "households_sorting": 150},
        {"community_id": "3", "households": 50},
    ])  # fmt: skip
    put(con, "san_toilet_day", "juji", [
        {"toilet_id": "1", "report_date": DAY, "scheduled_min": 1000, "open_min": 1200},
        {"toilet_id": "2", "report_date": DAY, "scheduled_min": 1000, "open_min": 500},
        {"toilet_id": "3", "report_date": DAY, "scheduled_min": 1000},
    ])  # fmt: skip
    assert ask("SAN-06")["juji"] == (230, 400, 3, 2)
    assert ask("SAN-09")["juji"] == (1500, 2000, 3, 2)


def test_lgt_04_energy_of_a_night_from_a_counter_that_rolls_over(con: Con, ask: Ask) -> None:
    def read(time: str, kwh: float | None, ago: int = 0, cabinet: str = "a") -> None:
        row = {"cabinet_id": cabinet, "ts": at(time, plus=-ago), "kwh_total": kwh}
        put(con, "lamp_energy", "juji", [row], DAY - timedelta(days=ago))

    read("10:00", 999_900, ago=1)
    read("12:00", 999_910, ago=1)  # noon: until here the night before
    read("23:00", 999_990, ago=1)
    read("06:00", 40)  # rolled over: 50
    read("07:00", 30)  # a step of -10 is a fault
    read("12:00", 32)
    read("18:00", 90)  # the next night
    for lamp, on, ago, time in (
        ("1", True, 1, "20:00"), ("1", True, 0, "05:00"), ("2", True, 0, "05:00"), ("3", False, 0, "05:00"),
        ("4", True, 1, "11:00"), ("5", True, 0, "20:00"),
    ):  # fmt: skip
        row = {"lamp_id": lamp, "ts": at(time, plus=-ago), "is_on": on, "scheduled_on": True}
        put(con, "lamp_state", "juji", [row], DAY - timedelta(days=ago))
    put(con, "lamp", "juji", [{"lamp_id": lamp, "cabinet_id": "a"} for lamp in "13"])
    assert ask("LGT-04")["juji"] == (80 + 50 + 2, 2, 4, 4)
    assert ask("LGT-04", kind="cabinet")["cabinet:a"] == (80 + 50 + 2, 1, 4, 4)  # lamp 2 is in no register


def test_lgt_05_within_five_minutes_of_the_plan(con: Con, ask: Ask) -> None:
    on = at("17:20:00", plus=-1)
    real = [at(time, plus=-1) for time in ("17:25:00", "17:15:00", "17:25:01")]
    put(con, "lamp_switching", "juji", [
        {"cabinet_id": str(n), "night": DAY, "scheduled_on_at": on, "switched_on_at": time}
        for n, time in enumerate((*real, None))
    ])  # fmt: skip
    assert ask("LGT-05")["juji"] == (2, 4, 4, 3)


def test_mun_05_07_bridges_and_pumps(con: Con, ask: Ask) -> None:
    put(con, "mun_bridge", "juji", [
        {"bridge_id": "1", "inspected_at": "2025-12-01", "cycle_months": 12},
        {"bridge_id": "2", "inspected_at": "2025-11-01", "cycle_months": 12},
        {"bridge_id": "3", "inspected_at": "2026-03-01"},  # twelve months are usual
        {"bridge_id": "4", "cycle_months": 12},
    ])  # fmt: skip
    put(con, "mun_pump", "juji", [
        {"station_id": str(n), "report_date": DAY, "available_min": m} for n, m in enumerate((1440, 1080, None))
    ])  # fmt: skip
    assert ask("MUN-05")["juji"] == (2, 4, 4, 3)
    assert ask("MUN-07")["juji"] == (2520, 2880, 3, 2)


def test_grn_01_02_against_the_configured_area_and_population(
    con: Con, ask: Ask, definitions: dict[str, Definition]
) -> None:
    assert ask("GRN-01") == {}  # nothing in the register is not 0 %
    put(con, "gl_green", "juji", [
        {"green_id": "1", "kind": "park", "area_m2": 3_600_000, "canopy_m2": 3_500_000},
        {"green_id": "2", "kind": "road", "area_m2": 9_000_000, "canopy_m2": 10_500_000},
        {"green_id": "3", "kind": "road", "area_m2": 1_000},
    ])  # fmt: skip
    area, people = ask("GRN-01")[COUNTY], ask("GRN-02")[COUNTY]
    assert area == (14_000_000, 35_000_000, 3, 2)
    assert people == (3_600_000, 300_000, 1, 1)
    sums = Sums(None, None, *people)
    value = settle(definitions["GRN-02"], COUNTY, "day", str(DAY), sums=sums, standing=Standing())
    assert (value.value, value.state) == (12, "ok")


def test_grn_05_litres_a_square_metre_from_counters(con: Con, ask: Ask) -> None:
    put(con, "gl_green", "juji", [{"green_id": g, "area_m2": 1000} for g in "abc"])
    counts = {"a": (100, 102), "b": (99_999, 3), "c": (50, 40)}
    for day, place in ((BEFORE, 0), (DAY, 1)):
        put(con, "gl_irrigation", "juji", [
            {"meter_id": g, "green_id": g, "ts": f"{day} 08:00", "m3_total": values[place]}
            for g, values in counts.items()
        ], day)  # fmt: skip
    assert ask("GRN-05")["juji"] == (2 + 4, 2000, 3, 2)  # c went back: a fault, and its area does not count


def test_hea_02_hours_that_lie_in_the_period(con: Con, ask: Ask) -> None:
    put(con, "heat_station_info", "juji", [{"station_id": "a", "users": 600}, {"station_id": "b", "users": 400}])
    put(con, "heat_station_info", "wulihe", [{"station_id": "c", "users": 50}])
    put(con, "heat_outage", "juji", [
        {"outage_id": "1", "started_at": at("22:00", plus=-1), "ended_at": at("02:00"), "affected_users": 100},
        {"outage_id": "2", "started_at": at("23:00"), "affected_users": 10},
        {"outage_id": "3", "started_at": at("08:00", plus=1), "affected_users": 10},
        {"outage_id": "4", "started_at": at("08:00"), "ended_at": at("09:00"), "affected_users": None},
    ])  # fmt: skip
    assert ask("HEA-02") == {
        "juji": (200 + 10, 1000, 3, 2),
        "wulihe": (0, 50, 0, 0),
        COUNTY: (210, 1050, 3, 2),
    }
    # 4 h of the first, 25 h of the second, 16 h of the third, which is not over
    assert ask("HEA-02", period=MONTH)["juji"] == (400 + 250 + 160, 1000, 4, 3)


def test_wtr_02_items_of_samples(con: Con, ask: Ask) -> None:
    put(con, "wtr_quality", None, [
        {"sample_id": "1", "item": str(n), "ts": at("09:00"), "is_ok": ok}
        for n, ok in enumerate((True, True, False, None))
    ])  # fmt: skip
    assert ask("WTR-02") == {COUNTY: (2, 3, 4, 3)}


def test_wtr_03_what_flows_in_less_what_the_meters_count(con: Con, ask: Ask) -> None:
    put(con, "wtr_dma_flow", "juji", [{"dma_id": "d", "ts": at("23:45", plus=-1), "m3_total": 1000}], BEFORE)
    put(con, "wtr_dma_flow", "juji", [
        {"dma_id": "d", "ts": at(time), "m3_total": m3} for time, m3 in (("08:00", 1060), ("23:45", 1100))
    ])  # fmt: skip
    meters = {"a": (10, 50), "b": (99_990, 30), "c": (500, 480), "d": (100, 9_000), "e": (5, None)}
    for day, place in ((BEFORE, 0), (DAY, 1)):
        put(con, "wtr_meter_reading", "juji", [
            {"meter_id": m, "ts": f"{day} 03:00", "m3_total": values[place]} for m, values in meters.items()
        ], day)  # fmt: skip
    # a 40, b 40 over its rollover; c goes back, d counts more than a home can, e is blank
    assert ask("WTR-03") == {COUNTY: (100 - 80, 100, 5, 2)}


def test_wtr_04_the_least_quarter_of_an_hour_of_the_night(con: Con, ask: Ask) -> None:
    flows = [("01:50", 1), ("02:00", 10), ("02:05", 14), ("02:20", 13), ("03:50", 15), ("03:59", None), ("04:00", 2)]
    put(con, "wtr_dma_flow", "juji", [{"dma_id": "a", "ts": at(time), "flow_m3h": m3h} for time, m3h in flows])
    put(con, "wtr_dma_flow", "juji", [{"dma_id": "b", "ts": at("02:30"), "flow_m3h": 30}])
    assert ask("WTR-04")["juji"] == (12 + 30, 2, 6, 5)


def test_inc_05_07_temperature_and_ash(con: Con, ask: Ask) -> None:
    readings = [(900, True), (849.9, True), (850, True), (400, False), (None, True), (900, None)]
    put(con, "inc_furnace_temp", None, [
        {"furnace_id": "1#", "ts": at(f"00:{5 * n:02d}"), "t_c": t, "burning": on} for n, (t, on) in enumerate(readings)
    ])  # fmt: skip
    put(con, "inc_ash", None, [{"ticket_no": "1", "fly_t": "9"}, {"ticket_no": "2", "fly_t": None}])
    put(con, "inc_weigh", None, [{"ticket_no": "1", "net_t": "300"}])
    assert ask("INC-05", kind="furnace") == {"furnace:1#": (2, 3, 288, 4), COUNTY: (2, 3, 288, 4)}
    assert ask("INC-05", period=NEXT) == {COUNTY: (None, None, 288, None)}  # silence is missing, not compliant
    assert ask("INC-07") == {COUNTY: (9, 300, 3, 2)}


def test_gas_04_households_inspected_within_the_year(con: Con, ask: Ask) -> None:
    put(con, "gas_user", "juji", [
        {"user_id": str(n), "inspected_at": moment}
        for n, moment in enumerate((at("00:00", plus=-364), at("00:00", plus=-365), None, at("00:00", plus=1)))
    ])  # fmt: skip
    assert ask("GAS-04")["juji"] == (1, 4, 4, 4)


def test_gas_06_volumes_are_brought_to_20_degrees_before_they_are_subtracted(con: Con, ask: Ask) -> None:
    for day, place in ((BEFORE, 0), (DAY, 1)):
        put(con, "gas_flow", None, [
            {"station_id": name, "ts": f"{day} 23:00", "m3_total": counts[place], "reference_c": degrees}
            for name, counts, degrees in (("a", (0, 293.15), 20), ("b", (0, 273.15), 0))
        ], day)  # fmt: skip
        put(con, "gas_meter_reading", "juji", [
            {"meter_id": name, "ts": f"{day} 23:00", "m3_total": counts[place]}
            for name, counts in (("a", (0, 500)), ("b", (99_950, 10)), ("c", (70, 60)))
        ], day)  # fmt: skip
    # 293.15 + 273.15 * 293.15 / 273.15 came in; 500 and 60 were sold, c went back
    found = ask("GAS-06")[COUNTY]
    assert found == (pytest.approx(586.3 - 560), pytest.approx(586.3), 3, 2)
