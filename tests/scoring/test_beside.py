"""What a publication holds beside its scores: sites with their last values, and rows that are granted by name."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cityhub.errors import Stop
from scoring import tables as month_of
from scoring.month import score_month
from scoring.publication.beside import make, model, site_rows
from scoring.publication.beside.model import Detail, Kind, details, sites
from scoring.publication.manifest import folder_of, read
from scoring.publish import publish
from tests.scoring import beside
from tests.scoring.beside import delivered, insert, lamp, reported, tables
from tests.scoring.county import MONTH, County

DAY = date(2026, 11, 20)
pytestmark = pytest.mark.xdist_group("scoring-beside")


@pytest.fixture
def county(tmp_path: Path) -> County:
    """A month with scores, lamps without any state yet, and the ledger up to the 20th."""
    county = County(tmp_path)
    county.manual_tables()
    county.scores()
    tables(county, "lighting.lamp", "lighting.lamp_state")
    county.run(lamp("L1"), delivered("2026-11-20"))
    score_month(county.settings, MONTH, DAY)
    return county


def shown(county: County, dataset: str, columns: str = "*", month: str = MONTH) -> list[tuple[Any, ...]]:
    """Rows of a dataset as a publication of now would hold them."""
    month_of.set_month(county.con, "qi-county", month)
    select = make.selects(county.con, county.settings.feeds)[dataset]
    return county.con.execute(f"SELECT {columns} FROM ({select})").fetchall()


def values(county: County) -> dict[tuple[str, str], tuple[float | None, str]]:
    """(site, property) → value and state."""
    found = shown(county, "last_value", "site, property, value, state")
    return {(site, what): (value, state) for site, what, value, state in found}


def test_a_site_has_the_newest_value_of_each_property_with_its_moment(county: County) -> None:
    county.run(
        lamp("L2", status="removed", lon_wgs84=None, lat_wgs84=None),
        reported("L1", "2026-11-19 20:00:00", is_on="true", power_w="80", online="true"),
        reported("L1", "2026-11-20 23:00:00", is_on="false", power_w=None, online="true"),
        reported("L1", "2026-11-20 22:00:00", power_w="81"),
        reported("elsewhere", "2026-11-20 22:00:00", power_w="82"),
    )
    assert values(county) == {
        ("L1", "is_on"): (0.0, "fresh"), ("L1", "online"): (1.0, "fresh"), ("L1", "power"): (81.0, "fresh"),
        ("L2", "is_on"): (None, "missing"), ("L2", "online"): (None, "missing"), ("L2", "power"): (None, "missing"),
    }  # fmt: skip
    columns = "site, unit, lon, lat, operation, CAST(observed_at AS VARCHAR), state"
    assert shown(county, "site", columns) == [
        ("L1", "juji", 114.8, 34.5, "in_use", "2026-11-20 23:00:00+08", "fresh"),
        ("L2", "juji", None, None, "removed", None, "missing"),
    ]
    assert shown(county, "site_kind") == [("lamp", "路灯", "Street lamps", "lighting.lamp", 2)]
    assert [row[1] for row in shown(county, "site_property")] == ["is_on", "online", "power"]


def test_values_get_late_with_the_ledger_and_missing_after_the_days_that_are_looked_at(county: County) -> None:
    county.run(reported("L1", "2026-11-20 12:00:00", power_w="80"))
    assert values(county)["L1", "power"] == (80.0, "fresh")
    county.run(delivered("2026-11-21"))
    assert values(county)["L1", "power"] == (80.0, "late")
    county.run(delivered("2026-11-23"))
    assert values(county)["L1", "power"] == (None, "missing")


def test_a_month_ends_with_its_last_day_whatever_came_later(county: County) -> None:
    county.run(
        reported("L1", "2026-11-20 12:00:00", power_w="80"), reported("L1", "2026-12-01 00:10:00", power_w="90"),
        delivered("2026-12-01"),
    )  # fmt: skip
    assert values(county)["L1", "power"] == (80.0, "fresh")


def test_a_clock_that_runs_ahead_gives_no_last_value(county: County) -> None:
    county.run(
        reported("L1", "2026-11-20 12:00:00", power_w="80"),
        reported("L1", "2026-11-21 08:00:00", day="2026-11-20", power_w="99"),
    )
    assert values(county)["L1", "power"] == (80.0, "fresh")


def test_of_two_values_of_one_moment_the_order_of_rows_chooses_none(county: County) -> None:
    county.run(reported("L1", "2026-11-20 12:00:00", power_w="81"), reported("L1", "2026-11-20 12:00:00", power_w="80"))
    assert values(county)["L1", "power"] == (81.0, "fresh")


def test_a_mark_that_is_no_measurement_is_not_shown_and_a_site_of_no_register_is(county: County) -> None:
    tables(county, "dust.site", "dust.sample", "water.pressure")
    point = {"service_day": "2026-11-20", "unit_code": "juji"}
    county.run(
        insert("dust_site", **point, mn="QX1", name="一标段"),
        insert("dust_sample", **point, mn="QX1", ts="2026-11-20 23:00:00+08", pm10_ugm3="50", flag="N"),
        insert("dust_sample", **point, mn="QX1", ts="2026-11-20 23:30:00+08", pm10_ugm3="999", flag="D"),
        insert("wtr_pressure", service_day="2026-11-02", unit_code="juji", point_id="P1", mpa="0.3"),
    )
    assert values(county)["QX1", "pm10"] == (50.0, "fresh")
    assert values(county)["P1", "pressure"] == (None, "missing")
    assert ("water_point", "P1", None, "juji", None, None, None, None, "missing") in shown(county, "site")


def test_a_value_may_be_called_estimated(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    lamps = sites()["lamp"]
    estimated = lamps.readings[0].model_copy(update={"estimated": "dim_pct IS NULL"})
    changed = {"lamp": lamps.model_copy(update={"readings": (estimated,)})}
    monkeypatch.setattr(site_rows, "sites", lambda: changed)
    county.run(reported("L1", "2026-11-20 12:00:00", power_w="80"))
    assert values(county)["L1", "power"] == (80.0, "estimated")
    county.run(reported("L1", "2026-11-20 13:00:00", power_w="81", dim_pct="50"))
    assert values(county)["L1", "power"] == (81.0, "fresh")


def test_another_last_value_makes_a_new_publication_until_the_month_is_final(county: County) -> None:
    assert publish(county.settings, MONTH, DAY).number == 1
    assert publish(county.settings, MONTH, DAY).number == 1
    county.run(reported("L1", "2026-11-20 12:00:00", power_w="80"))
    second = publish(county.settings, MONTH, DAY)
    assert (second.number, second.new) == (2, True)
    first, now = (read(folder_of(county.settings.publications, number)) for number in (1, 2))
    assert first.content_sha256 == now.content_sha256
    files = {item.path for item in now.files}
    assert {"site.parquet", "site.csv", "last_value.parquet", "site_kind.parquet", "site_property.parquet"} <= files
    with duckdb.connect(str(Path(second.folder) / "views.duckdb"), read_only=True) as con:
        assert con.execute("SELECT value FROM last_value WHERE property = 'power'").fetchall() == [(80.0,)]


def test_granted_rows_are_those_of_the_month_without_what_is_not_listed(county: County) -> None:
    tables(county, "muck.violation")
    row = {"unit_code": "juji", "plate": "豫B12345", "points": "3.5"}
    county.run(
        insert("mk_violation", violation_id="V1", service_day="2026-11-30", ts="2026-11-30 10:00:00+08", **row),
        insert("mk_violation", violation_id="V2", service_day="2026-12-01", ts="2026-12-01 10:00:00+08", **row),
    )
    (found,) = shown(county, "detail_muck_violation", "violation_id, unit, CAST(points AS VARCHAR)")
    assert found == ("V1", "juji", "3.5000")
    assert "豫B12345" not in str(shown(county, "detail_muck_violation"))


def test_a_personal_column_and_one_that_is_not_there_cost_their_dataset_and_nothing_else(
    county: County, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tables(county, "enforcement.case", "gas.hazard", "dust.alarm", "muck.violation", "incineration.weigh")
    shipped = details()

    def with_column(name: str, column: str, kind: str = "text") -> Detail:
        stated = shipped[name].model_dump(by_alias=True)
        stated["columns"][column] = {"zh": "电话", "en": "Phone", "type": kind}
        return Detail.model_validate(stated)

    changed = {
        "detail_case": with_column("detail_case", "caller_phone"),
        "detail_gas_hazard": with_column("detail_gas_hazard", "gone"),
        "detail_dust_alarm": shipped["detail_dust_alarm"],
        "detail_muck_violation": shipped["detail_muck_violation"].model_copy(update={"key": ("company",)}),
        "detail_waste_weighing": with_column("detail_waste_weighing", "plant", "integer"),
    }
    monkeypatch.setattr(make, "details", lambda: changed)
    done = publish(county.settings, MONTH, DAY)
    there = {item.path for item in read(Path(done.folder)).files}
    assert {path for path in there if path.startswith("detail_") and path.endswith(".parquet")} == {
        "detail_dust_alarm.parquet"
    }
    told = [record.getMessage() for record in caplog.records if "CH-PUB-012" in record.getMessage()]
    reasons = ("caller_phone is personal", "gone", "its key is not that of muck.violation", "plant is VARCHAR")
    assert [reason in line for reason, line in zip(reasons, told, strict=True)] == [True] * 4


def test_a_kind_whose_condition_is_no_sql_or_whose_value_is_no_number_costs_itself_only(
    county: County, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    register = {"feed": "lighting.lamp", "table": "lamp", "id": "lamp_id", "where": "no such"}
    broken = Kind.model_validate({"zh": "坏", "en": "Broken", "register": register})
    stated = sites()["lamp"].readings[0]
    text = stated.model_copy(update={"values": {"d": stated.values["power"].model_copy(update={"column": "district"})}})
    lamps = sites()["lamp"].model_copy(update={"readings": (text,)})
    county.run(reported("L1", "2026-11-20 12:00:00", district="金城"))
    both = {"broken": broken, "lamp": lamps}
    monkeypatch.setattr(site_rows, "sites", lambda: both)
    assert [row[0] for row in shown(county, "site")] == ["lamp"]
    told = [record.getMessage() for record in caplog.records if "CH-PUB-012" in record.getMessage()]
    assert ["district of lamp_state is VARCHAR" in line for line in told] == [False, True]


def test_what_is_shipped_fits_the_shipped_feeds(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each feed has the table that the files name, each column and condition can be read, none is personal."""
    county = County(tmp_path)
    tables(county, *beside.named())
    month_of.set_month(county.con, "qi-county", MONTH)
    found = make.selects(county.con, county.settings.feeds)
    assert found.keys() == {*make.SITE_DATASETS, *details()}
    for select in found.values():
        county.con.execute(select)
    assert [row[0] for row in shown(county, "site_kind", "kind")] == sorted(sites())
    assert [record for record in caplog.records if "CH-PUB-012" in record.getMessage()] == []
    for kind in sites().values():
        for part in (*([kind.register_] if kind.register_ else []), *kind.readings):
            assert beside.one(beside.SHIPPED, part.feed).table == part.table
    for detail in details().values():
        assert beside.one(beside.SHIPPED, detail.feed).table == detail.table


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lamp: {zh: 路灯, en: [", "expected the node content"),
        ("lamp: {zh: 路灯}", "lamp.en: Field required"),
        ("lamp: {zh: 路灯, en: Lamps}", "lamp has neither register nor readings"),
    ],
)
def test_a_file_that_is_wrong_says_where(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sites.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(model, "SITES", tmp_path / "sites.yaml")
    with pytest.raises(Stop) as caught:
        sites.__wrapped__()  # type: ignore[attr-defined]  # what is kept is the shipped file
    assert caught.value.code == "CH-PUB-011" and said in caught.value.text()
