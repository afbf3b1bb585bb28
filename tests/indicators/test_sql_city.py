"""Hand-computed sums: sanitation, lighting, municipal, landscaping, enforcement."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from indicators.period import of_month
from tests.indicators.city import COUNTY, DAY, at, put
from tests.indicators.conftest import Ask

Con = duckdb.DuckDBPyConnection


def test_san_02_road_cleaning_coverage_leaves_out_roads_without_both_areas(con: Con, ask: Ask) -> None:
    put(con, "san_road", "juji", [
        {"road_id": "a", "total_area_m2": 100, "cleaned_area_m2": 90},
        {"road_id": "b", "total_area_m2": 300, "cleaned_area_m2": 270},
        {"road_id": "c", "total_area_m2": 500},
    ])  # fmt: skip
    put(con, "san_road", None, [{"road_id": "d", "total_area_m2": 100, "cleaned_area_m2": 40}])
    assert ask("SAN-02") == {"juji": (360, 400, 3, 2), None: (40, 100, 1, 1), COUNTY: (400, 500, 4, 3)}


def test_san_01_what_is_swept_by_machine_of_what_is_cleaned(con: Con, ask: Ask) -> None:
    put(con, "san_road", "juji", [
        {"road_id": "a", "cleaned_area_m2": 90, "mech_area_m2": 60},
        {"road_id": "b", "cleaned_area_m2": 270, "mech_area_m2": 270},
        {"road_id": "c", "cleaned_area_m2": 500},
    ])  # fmt: skip
    assert ask("SAN-01") == {"juji": (330, 360, 3, 2), COUNTY: (330, 360, 3, 2)}


def test_san_03_more_than_planned_does_not_make_up_for_another_task(con: Con, ask: Ask) -> None:
    put(con, "san_route_task", "juji", [
        {"task_id": "a", "task_date": DAY, "planned_km": 10, "done_km": 15},
        {"task_id": "b", "task_date": DAY, "planned_km": 10, "done_km": 4},
        {"task_id": "c", "task_date": DAY, "planned_km": 10},
        {"task_id": "d", "task_date": DAY - timedelta(days=1), "planned_km": 10, "done_km": 10},
    ])  # fmt: skip
    assert ask("SAN-03")["juji"] == (14, 20, 3, 2)


def test_san_04_counts_domestic_waste_only(con: Con, ask: Ask) -> None:
    put(con, "san_weigh", "juji", [
        {"ticket_no": "1", "net_t": "4.25", "waste_type": "domestic"},
        {"ticket_no": "2", "net_t": "3.5", "waste_type": "domestic"},
        {"ticket_no": "3", "net_t": "9", "waste_type": "kitchen"},
        {"ticket_no": "4", "net_t": None, "waste_type": "domestic"},
    ])  # fmt: skip
    assert ask("SAN-04")["juji"] == (7.75, None, 3, 2)


def test_san_05_storage_can_push_it_over_a_hundred(con: Con, ask: Ask) -> None:
    put(con, "san_weigh", "juji", [
        {"ticket_no": "1", "net_t": "4", "waste_type": "domestic"},
        {"ticket_no": "2", "net_t": "90", "waste_type": "recyclable"},
    ])  # fmt: skip
    put(con, "inc_weigh", None, [
        {"ticket_no": "1", "net_t": "5.5", "waste_type": "domestic"},
        {"ticket_no": "2", "net_t": None, "waste_type": "domestic"},
        {"ticket_no": "3", "net_t": "7", "waste_type": "kitchen"},
    ])  # fmt: skip
    assert ask("SAN-05") == {COUNTY: (5.5, 4, 3, 2)}


def test_san_08_a_silent_vehicle_is_offline(con: Con, ask: Ask) -> None:
    put(con, "san_vehicle", "juji", [{"vehicle_id": v, "status": "active"} for v in "abc"])
    put(con, "san_vehicle", "juji", [{"vehicle_id": "d", "status": "retired"}])
    seen = [("a", "08:00"), ("a", "09:00"), ("b", "08:00"), ("d", "08:00"), ("x", "08:00")]
    put(con, "san_position", "wulihe", [{"vehicle_id": vehicle, "ts": at(time)} for vehicle, time in seen])
    assert ask("SAN-08") == {"juji": (2, 3, 3, 3), COUNTY: (2, 3, 3, 3)}


def test_lgt_01_a_silent_lamp_is_not_lit_and_an_unscheduled_one_does_not_count(con: Con, ask: Ask) -> None:
    put(con, "lamp", "juji", [{"lamp_id": x, "status": "in_use"} for x in ("lit", "dark", "silent", "off")])
    put(con, "lamp", "juji", [{"lamp_id": "gone", "status": "removed"}])
    states = [
        ("lit", True, True),
        ("lit", True, True),
        ("lit", False, True),
        ("dark", False, True),
        ("off", False, False),
    ]
    put(con, "lamp_state", "juji", [
        {"lamp_id": lamp, "ts": at(f"05:0{n}"), "is_on": on, "scheduled_on": planned, "online": True}
        for n, (lamp, on, planned) in enumerate(states)
    ])  # fmt: skip
    assert ask("LGT-01")["juji"] == (1, 3, 3, 2)  # the vendor's own rate would be 1 / 2


def test_lgt_01_a_night_runs_from_noon_to_noon(con: Con, ask: Ask) -> None:
    put(con, "lamp", "juji", [{"lamp_id": "a", "status": "in_use"}])

    def state(time: str, on: bool, ago: int) -> None:
        row = {"lamp_id": "a", "ts": at(time, plus=-ago), "is_on": on, "scheduled_on": True, "online": True}
        put(con, "lamp_state", "juji", [row], DAY - timedelta(days=ago))

    state("20:00", True, ago=1)
    state("23:00", True, ago=1)
    state("05:00", False, ago=0)
    state("20:00", False, ago=0)  # the next night
    state("21:00", False, ago=0)
    assert ask("LGT-01")["juji"] == (1, 1, 1, 1)
    assert ask("LGT-01", period=DAY + timedelta(days=1))["juji"] == (0, 1, 1, 1)


def test_lgt_02_open_faults_at_the_days_end(con: Con, ask: Ask) -> None:
    put(con, "lamp", "juji", [{"lamp_id": str(n), "status": "in_use"} for n in range(4)])
    put(con, "lamp_fault", "juji", [
        {"fault_id": "a", "lamp_id": "0", "reported_at": at("08:00")},
        {"fault_id": "b", "lamp_id": "1", "reported_at": at("08:00"), "repaired_at": at("18:00")},
        {"fault_id": "c", "lamp_id": "2", "reported_at": at("08:00"), "repaired_at": at("00:00", plus=1)},
        {"fault_id": "d", "lamp_id": "3", "reported_at": at("00:00", plus=1)},
    ])  # fmt: skip
    assert ask("LGT-02")["juji"] == (2, 4, 4, 4)


def test_lgt_03_a_fault_counts_once_when_repaired_or_when_its_limit_ends(con: Con, ask: Ask) -> None:
    put(con, "lamp_fault", "juji", [
        {"fault_id": "in time", "reported_at": at("08:00"), "repaired_at": at("10:00"), "limit_h": 4},
        {"fault_id": "late", "reported_at": at("08:00"), "repaired_at": at("13:00"), "limit_h": 4},
        {"fault_id": "never", "reported_at": at("08:00"), "limit_h": 4},
        {"fault_id": "due tomorrow", "reported_at": at("08:00")},
    ])  # fmt: skip
    assert ask("LGT-03")["juji"] == (1, 3, 3, 3)
    assert ask("LGT-03", period=DAY + timedelta(days=1))["juji"] == (0, 1, 1, 1)


def test_lgt_06_online_controllers(con: Con, ask: Ask) -> None:
    put(con, "lamp", "juji", [{"lamp_id": str(n), "status": "in_use"} for n in range(3)])
    put(con, "lamp_state", None, [
        {"lamp_id": "0", "ts": at("20:00"), "online": True},
        {"lamp_id": "1", "ts": at("20:00"), "online": False},
    ])  # fmt: skip
    assert ask("LGT-06")["juji"] == (1, 3, 3, 3)


def test_mun_01_damage_or_an_open_event_breaks_integrity(con: Con, ask: Ask) -> None:
    put(con, "mun_asset", "juji", [
        {"asset_id": "ok", "status": "intact"}, {"asset_id": "open", "status": "intact"},
        {"asset_id": "bad", "status": "damaged"}, {"asset_id": "gone", "status": "removed"},
    ])  # fmt: skip
    put(con, "mun_event", "juji", [
        {"event_id": "1", "asset_id": "open", "found_at": at("08:00")},
        {"event_id": "2", "asset_id": "ok", "found_at": at("08:00"), "handled_at": at("09:00")},
    ])  # fmt: skip
    assert ask("MUN-01")["juji"] == (1, 3, 3, 3)


def test_mun_02_manhole_events_by_their_deadline(con: Con, ask: Ask) -> None:
    base = {"class": "manhole", "found_at": at("08:00"), "deadline": at("12:00")}
    put(con, "mun_event", "juji", [
        {"event_id": "1", **base, "handled_at": at("11:00")},
        {"event_id": "2", **base, "handled_at": at("12:01")},
        {"event_id": "3", **base, "class": "road"},
        {"event_id": "4", **base, "asset_id": "m"},
    ])  # fmt: skip
    put(con, "mun_asset", "juji", [{"asset_id": "m", "owner": "自来水公司"}])
    assert ask("MUN-02")["juji"] == (1, 3, 3, 3)
    assert ask("MUN-02", kind="owner")["owner:自来水公司"] == (0, 1, 1, 1)


def test_mun_04_road_defects_by_their_deadline(con: Con, ask: Ask) -> None:
    base = {"class": "road", "found_at": at("08:00"), "deadline": at("12:00")}
    put(con, "mun_event", "juji", [
        {"event_id": "1", **base, "handled_at": at("11:00")},
        {"event_id": "2", **base, "handled_at": at("12:01")},
        {"event_id": "3", **base, "class": "manhole"},
        {"event_id": "4", **base, "deadline": at("12:00", plus=1)},
    ])  # fmt: skip
    assert ask("MUN-04")["juji"] == (1, 2, 2, 2)


def test_mun_03_archived_manholes(con: Con, ask: Ask) -> None:
    full = {"class": "manhole", "status": "intact", "owner": "o", "code": "c", "lon": 114.8, "lat": 34.5}
    put(con, "mun_asset", "juji", [
        {"asset_id": "1", **full}, {"asset_id": "2", **full, "code": None},
        {"asset_id": "3", **full, "status": "removed"}, {"asset_id": "4", **full, "class": "bridge"},
    ])  # fmt: skip
    assert ask("MUN-03")["juji"] == (1, 2, 2, 2)


def test_mun_06_minutes_under_water(con: Con, ask: Ask) -> None:
    levels = [("08:00", 20), ("08:10", 16), ("08:20", 3), ("11:00", 15), ("11:05", None)]
    put(con, "mun_waterlevel", "juji", [{"point_id": "p", "ts": at(t), "depth_cm": cm} for t, cm in levels])
    # 10 + 10 minutes, then 5 until the reading of 11:05
    assert ask("MUN-06")["juji"] == (25, None, 5, 4)


def test_grn_03_04_06(con: Con, ask: Ask) -> None:
    put(
        con,
        "gl_tree",
        "juji",
        [{"tree_id": str(n), "status": s} for n, s in enumerate(("alive", "alive", "dead", "stump"))],
    )
    put(con, "gl_task", "juji", [
        {"task_id": "1", "planned_qty": 100, "done_qty": 80, "due": DAY},
        {"task_id": "2", "planned_qty": 100, "done_qty": None, "due": DAY},
        {"task_id": "3", "planned_qty": 100, "done_qty": 0, "due": DAY + timedelta(days=1)},
    ])  # fmt: skip
    put(con, "gl_pest", "juji", [
        {"pest_id": "1", "found_at": at("08:00", plus=-2), "handled_at": at("08:00")},
        {"pest_id": "2", "found_at": at("08:00", plus=-7)},
        {"pest_id": "3", "found_at": at("08:00")},
    ])  # fmt: skip
    assert ask("GRN-03")["juji"] == (2, 4, 4, 4)
    assert ask("GRN-04")["juji"] == (80, 100, 2, 1)
    assert ask("GRN-06")["juji"] == (1, 2, 2, 2)


def case(number: str, **more: object) -> dict[str, object]:
    steps = {"reported_at": "08:00", "registered_at": "08:10", "dispatched_at": "08:20", "deadline": "18:00"}
    return {
        "case_no": number, "dept_code": "cgj", "source": "patrol", "return_count": 0, "rework_count": 0,
        "suspended": False, **{name: at(time) for name, time in steps.items()}, **more,
    }  # fmt: skip


def test_enf_disposal_and_closing_count_each_case_once(con: Con, ask: Ask) -> None:
    put(con, "enf_case", "juji", [
        case("in time", handled_at=at("12:00"), closed_at=at("17:00"), dept_code="zjj"),
        case("late", handled_at=at("19:00"), closed_at=at("20:00")),
        case("open"),
        case("suspended", suspended=True),
        case("due tomorrow", deadline=at("18:00", plus=1)),
        case("early", deadline=at("18:00", plus=9), handled_at=at("12:00"), closed_at=at("13:00", plus=2)),
        case("no deadline", deadline=None, handled_at=at("12:00"), closed_at=at("12:00")),
    ])  # fmt: skip
    assert ask("ENF-04")["juji"] == (4, 5, 5, 5)
    assert ask("ENF-05")["juji"] == (3, 5, 5, 5)
    assert ask("ENF-06")["juji"] == (3, 4, 4, 4)
    assert ask("ENF-07")["juji"] == (2, 4, 4, 4)
    assert ask("ENF-05", kind="department") == {
        "zjj": (1, 1, 1, 1),
        "cgj": (2, 4, 4, 4),
        COUNTY: (3, 5, 5, 5),
    }
    assert ask("ENF-05", period=of_month("2026-11", DAY + timedelta(days=2)))["juji"] == (3, 6, 6, 6)


def test_enf_by_moment(con: Con, ask: Ask) -> None:
    put(con, "enf_case", "juji", [
        case("1", source="12345", handled_at=at("12:00"), checked_at=at("13:00"), check_result="fail",
             rework_count=2, closed_at=at("15:00"), satisfied=True),
        case("2", return_count=1, handled_at=at("12:00"), checked_at=at("13:00"), check_result="pass",
             closed_at=at("15:00"), satisfied=False),
        case("3", source="video", closed_at=at("16:00")),
        case("4", registered_at=None, dispatched_at=None, source="public"),
        case("5", registered_at=at("07:00", plus=1), dispatched_at=None),
        case("6", reported_at=at("08:00", plus=-1), registered_at=at("09:00", plus=-1),
             dispatched_at=at("09:00", plus=-1)),
    ])  # fmt: skip
    assert ask("ENF-01")["juji"] == (3, 5, 5, 5)
    assert ask("ENF-03")["juji"] == (2, 3, 3, 3)
    assert ask("ENF-08")["juji"] == (2, 2, 2, 2)
    assert ask("ENF-09")["juji"] == (1, 2, 2, 2)
    assert ask("ENF-10")["juji"] == (1, 3, 3, 3)
    assert ask("ENF-12")["juji"] == (1, 2, 3, 2)
    month = of_month("2026-11", date(2026, 11, 21))
    assert ask("ENF-01", period=month)["juji"] == (5, 6, 6, 6)  # the one registered a day later counts then
