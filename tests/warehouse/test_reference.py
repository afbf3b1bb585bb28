"""Units, platforms, companies and the calendar, as the files say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cityhub.errors import Stop
from cityhub.settings import Settings
from tests.warehouse.conftest import settings_in
from tests.warehouse.made import snapshots
from warehouse import lake, reference
from warehouse.migrate import migrate
from warehouse.reference import calendar

Con = duckdb.DuckDBPyConnection
TABLES = ("unit", "platform", "company", "calendar_day", "unit_cell", "unit_edge")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "reference"
    made.mkdir()
    for name in reference.FILES:
        shutil.copy(reference.FOLDER / name, made)
    return made


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Con, Settings]]:
    """A lake with the reference data in it, for tests that must not change it."""
    settings = settings_in(tmp_path_factory.mktemp("reference"))
    con = lake.connect(settings)
    migrate(con, settings)
    reference.load(con, settings)
    yield con, settings
    con.close()


def counts(con: Con) -> dict[str, int]:
    rows = {table: con.execute(f"SELECT count(*) FROM {table}").fetchone() for table in TABLES}
    return {table: row[0] for table, row in rows.items() if row}


def test_leagues_platforms_and_owners(con: Con, settings: Settings) -> None:
    assert reference.load(con, settings)
    leagues = con.execute("SELECT league, count(*) FROM unit WHERE league IS NOT NULL GROUP BY league ORDER BY 1")
    assert leagues.fetchall() == [("department", 6), ("territory", 4)]
    sources = dict(con.execute("SELECT kind, min(source) FROM unit GROUP BY kind").fetchall())
    assert sources["territory"] == "杞政办〔2021〕5号"
    assert sources["department"] == "proposed"
    strangers = con.execute(
        "SELECT platform FROM platform WHERE owner_unit NOT IN (SELECT unit_code FROM unit WHERE kind = 'department')"
    )
    assert strangers.fetchall() == []
    assert con.execute("SELECT count(*) FROM platform").fetchone() == (13,)
    invented = con.execute("SELECT count(*) FROM company WHERE source = 'invented'").fetchone()
    assert invented and invented[0] > 5


def test_a_second_load_writes_nothing_and_a_change_replaces_all(con: Con, settings: Settings, folder: Path) -> None:
    assert reference.load(con, settings, folder=folder)
    before, rows = snapshots(con), counts(con)
    assert not reference.load(con, settings, folder=folder)
    assert snapshots(con) == before
    companies = folder / "companies.yaml"
    with companies.open("a", encoding="utf-8") as more:
        more.write("  - {code: neu, zh: 新公司, kind: haulier, source: invented}\n")
    assert reference.load(con, settings, folder=folder)
    assert counts(con) == rows | {"company": rows["company"] + 1}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("units.yaml", "code: juji", "code: jincheng"),
        ("units.yaml", "units:", "units: ["),
        ("platforms.yaml", "owner: sthj", "owner: nobody"),
        ("companies.yaml", "kind: haulier", "sort: haulier"),
        ("calendar.yaml", "year: 2027", "year: 2030"),
        ("calendar.yaml", "workdays: [2026-01-04", "workdays: [2026-01-02"),
        ("units.geojson", '"unit_code": "juji"', '"unit_code": "nowhere"'),
        ("units.geojson", '"type": "Polygon"', '"type": "Point"'),
    ],
)
def test_a_bad_file_is_named_and_the_tables_keep_what_they_had(
    standing: tuple[Con, Settings], folder: Path, *, file: str, old: str, new: str
) -> None:
    con, settings = standing
    rows = counts(con)
    assert rows["unit_cell"]
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(Stop) as stopped:
        reference.load(con, settings, folder=folder)
    assert stopped.value.code == "CH-REF-001"
    assert file in str(stopped.value.place["file"])
    assert counts(con) == rows


@pytest.fixture(scope="module")
def days() -> dict[date, calendar.Day]:
    content: dict[str, Any] = reference._read(reference.FOLDER / "calendar.yaml")
    return {row[0]: row for row in calendar.days(content)}


def test_every_day_of_three_years_stands_once(days: dict[date, calendar.Day]) -> None:
    assert len(days) == 365 * 3
    assert (min(days), max(days)) == (date(2025, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 2, 14), True),  # Saturday worked for the Spring Festival
        (date(2026, 2, 16), False),  # its eve, a Monday
        (date(2026, 10, 10), True),  # Saturday worked for National Day
        (date(2026, 10, 8), True),
        (date(2026, 11, 21), False),  # a plain Saturday
        (date(2026, 11, 20), True),
        (date(2025, 9, 28), True),
    ],
)
def test_working_days(days: dict[date, calendar.Day], day: date, working: bool) -> None:
    assert days[day][4] is working


def test_each_year_has_the_statutory_number_of_working_days(days: dict[date, calendar.Day]) -> None:
    years = {year: sum(row[4] for day, row in days.items() if day.year == year) for year in (2025, 2026, 2027)}
    weekdays = {year: sum(day.isoweekday() <= 5 for day in days if day.year == year) for year in years}
    # 13 statutory days a year since 2025, moved days included
    assert {year: weekdays[year] - years[year] for year in years} == {2025: 13, 2026: 13, 2027: 13}


def test_heating_season_and_number_of_the_day(days: dict[date, calendar.Day]) -> None:
    season = [days[date(2026, month, day)][6] for month, day in ((11, 14), (11, 15), (12, 31), (3, 15), (3, 16))]
    assert season == [False, True, True, True, False]
    assert days[date(2026, 11, 20)][1:4] == (20261120, "2026-11", 5)
