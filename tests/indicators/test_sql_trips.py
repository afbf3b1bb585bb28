"""Trips, stops, permits, routes and dumping of muck trucks from hand-made tracks."""

from __future__ import annotations

from datetime import timedelta

import duckdb
import pytest

from indicators.period import of_day
from tests.indicators.city import COUNTY, DAY, at, put
from tests.indicators.conftest import Ask, fill

Con = duckdb.DuckDBPyConnection
STEP = 0.009  # degrees of latitude: 1.002 km
SITE, GROUND = (114.80, 34.50), (114.80, 34.545)  # five steps apart, due north


@pytest.fixture
def town(con: Con) -> Con:
    """A building site, a disposal ground five kilometres north of it, a straight route and a permit for November."""
    put(con, "mk_vehicle", "juji", [{"terminal_phone": "1", "company": "a", "status": "registered"}])
    for number, kind, (lon, lat) in (("G1", "building_site", SITE), ("X1", "disposal", GROUND)):
        put(con, "mk_site", "juji", [{"site_id": number, "kind": kind, "lon_wgs84": lon, "lat_wgs84": lat}])
    put(con, "mk_route", None, [
        {"route_id": "R1", "seq": seq, "lon_wgs84": lon, "lat_wgs84": lat}
        for seq, (lon, lat) in enumerate((SITE, GROUND))
    ])  # fmt: skip
    put(con, "mk_permit", None, [
        {"permit_no": "P1", "site_id": "G1", "disposal_id": "X1", "route_id": "R1",
         "valid_from": "2026-11-01", "valid_to": "2026-12-01"},
    ])  # fmt: skip
    return con


def reports(con: Con, start: str, track: list[tuple[float, float, str, float]], minutes: int = 2, ago: int = 0) -> None:
    """Reports every `minutes` from a time on: lon, lat, load, speed."""
    hour, minute = (int(part) for part in start.split(":"))
    for number, (lon, lat, load, speed) in enumerate(track):
        total = hour * 60 + minute + number * minutes
        day, rest = divmod(total, 1440)
        row = {
            "terminal_phone": "1", "ts": at(f"{rest // 60:02d}:{rest % 60:02d}", plus=day - ago), "load": load,
            "speed_kmh": speed, "lon": lon, "lat": lat, "lon_wgs84": lon, "lat_wgs84": lat, "acc": True,
        }  # fmt: skip
        put(con, "mk_position", None, [row], DAY + timedelta(days=day - ago))


def north(shift: float = 0.0, end: float = 0.0, speed: float = 40) -> list[tuple[float, float, str, float]]:
    """Empty at the site, loaded five steps north, empty at the ground; `shift` degrees east on the way."""
    lon, lat = SITE
    way = [(lon + shift, lat + n * STEP, "11", speed) for n in range(1, 5)]
    last = (lon + end, lat + 5 * STEP)
    return [(lon, lat, "00", 0), (lon, lat, "11", 0), *way, (*last, "00", 0)]


def trips(con: Con) -> list[tuple[object, ...]]:
    fill(con, "mk_trip", of_day(DAY))
    return con.execute(
        "SELECT site_id, disposal_id, permit_no, whole, round(CAST(driven_km AS DOUBLE), 1),"
        " round(CAST(off_route_km AS DOUBLE), 1), CAST(max_speed_kmh AS DOUBLE), unit_code, company"
        " FROM lake.main.mk_trip ORDER BY started_at"
    ).fetchall()


def test_a_trip_on_its_route(town: Con) -> None:
    reports(town, "08:00", north())
    assert trips(town) == [("G1", "X1", "P1", True, 5.0, 0.0, 40, "juji", "a")]


def test_a_half_load_or_a_jump_does_not_break_a_trip(town: Con) -> None:
    track = north()
    lon, lat = SITE
    track.insert(3, (lon, lat + 1.2 * STEP, "01", 40))
    track.insert(4, (lon + 0.5, lat, "11", 40))  # 46 km off within two minutes
    reports(town, "08:00", track)
    assert [row[:4] for row in trips(town)] == [("G1", "X1", "P1", True)]
    assert trips(town)[0][4] == pytest.approx(4, abs=1.1)


def test_muk_04_half_a_kilometre_off_the_route(town: Con, ask: Ask) -> None:
    reports(town, "08:00", north())
    reports(town, "09:00", north(shift=0.003))  # 275 m east: three steps and both joins
    reports(town, "10:00", north(shift=0.0005))  # 46 m: inside the corridor
    rows = trips(town)
    assert [row[5] for row in rows] == [0.0, pytest.approx(4.1, abs=0.2), 0.0]
    assert ask("MUK-04") == {"juji": (2, 3, 3, 3), COUNTY: (2, 3, 3, 3)}


def test_muk_05_no_permit_for_the_place_or_the_time(town: Con, ask: Ask) -> None:
    reports(town, "08:00", north())
    reports(town, "09:00", north(end=0.01))  # dumped 900 m beside the ground
    assert trips(town)[1][:4] == ("G1", None, None, True)
    reports(town, "11:00", north()[1:])  # the site is not seen: the last report before is 1 h 46 min old
    assert [row[3] for row in trips(town)] == [True, True, False]
    assert ask("MUK-05")["juji"] == (1, None, 3, 2)
    town.execute("UPDATE lake.main.mk_permit SET valid_to = ?", [at("08:00")])
    assert ask("MUK-05")["juji"] == (2, None, 3, 2)


def test_muk_07_speeding_trips(town: Con, ask: Ask) -> None:
    reports(town, "08:00", north(speed=60))
    reports(town, "09:00", north(speed=61))
    assert ask("MUK-07")["juji"] == (1, 2, 2, 2)


def test_muk_09_tickets_against_permitted_trips(town: Con, ask: Ask) -> None:
    reports(town, "08:00", north())
    reports(town, "09:00", north())
    reports(town, "10:00", north(end=0.01))
    put(town, "mk_disposal", None, [{"ticket_no": str(n), "ts": at("09:00")} for n in range(3)])
    assert ask("MUK-09") == {COUNTY: (3, 2, 2, 2)}


def test_a_trip_over_midnight_counts_once_on_the_day_of_its_end(town: Con, ask: Ask) -> None:
    reports(town, "23:55", north(), ago=1)
    assert ask("MUK-07")["juji"] == (0, 1, 1, 1)
    assert ask("MUK-07", period=DAY - timedelta(days=1)) == {}


def test_a_stop_needs_three_minutes_at_rest(town: Con) -> None:
    lon, lat = SITE
    rest, drive = (lon, lat, "00", 0.0), (lon, lat + 0.02, "00", 30.0)
    elsewhere = (lon, lat + 0.02, "00", 1.0)
    reports(town, "08:00", [rest, rest, rest, drive, rest, drive, elsewhere, elsewhere, elsewhere])
    fill(town, "mk_stop", of_day(DAY))
    rows = town.execute(
        "SELECT strftime(started_at, '%H:%M'), CAST(minutes AS DOUBLE), site_id FROM lake.main.mk_stop ORDER BY 1"
    ).fetchall()
    assert rows == [("08:00", 4, "G1"), ("08:12", 4, None)]
