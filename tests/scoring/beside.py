"""What lies beside the scores of a county: tables of shipped feeds, filled by hand."""

from __future__ import annotations

import shutil
from typing import Any

from cityhub.settings import REPOSITORY
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import one
from scoring.publication.beside.model import details, sites
from tests.scoring.county import County
from warehouse.names import identifier, identifiers, literal
from warehouse.tables import column_types

SHIPPED = REPOSITORY / "feeds"
DETAILS = {
    "detail_case": {"case_no": "AJ1", "kind": "part", "reported_at": "2026-11-03 08:00:00+08", "rework_count": "0"},
    "detail_asset_event": {"event_id": "SJ1", "class": "road", "severity": "2"},
    "detail_gas_hazard": {"hazard_id": "YH1", "found_at": "2026-11-03 09:00:00+08"},
    "detail_dust_alarm": {"alarm_id": "YC1", "mn": "QX1", "level": "1"},
    "detail_muck_violation": {"violation_id": "WF1", "points": "3.5"},
    "detail_waste_weighing": {"ticket_no": "FS1", "net_t": "8.6658", "gross_t": "17.63"},
}


def named() -> set[str]:
    """The feeds that sites.yaml and details.yaml name."""
    kinds = sites().values()
    listed = {kind.register_.feed for kind in kinds if kind.register_}
    return listed | {item.feed for kind in kinds for item in kind.readings} | {item.feed for item in details().values()}


def tables(county: County, *feeds: str) -> None:
    """The tables of shipped feeds, as their first load makes them, and the specs beside them."""
    county.settings.feeds.mkdir(exist_ok=True)
    statements = []
    for feed in feeds:
        shutil.copyfile(SHIPPED / f"{feed}.yaml", county.settings.feeds / f"{feed}.yaml")
        spec: FeedSpec = one(SHIPPED, feed)
        columns = ", ".join(f"{identifier(name)} {kind}" for name, kind in column_types(spec).items())
        statements.append(f"CREATE TABLE {identifier(spec.table)} ({columns})")
    county.run(*statements)


def insert(table: str, **values: Any) -> str:
    """One row; texts are cast to the columns' types."""
    texts = ", ".join("NULL" if value is None else literal(str(value)) for value in values.values())
    return f"INSERT INTO {identifier(table)} ({identifiers(list(values))}) VALUES ({texts})"


def delivered(day: str) -> str:
    """The ledger knows the day."""
    return insert("delivery", feed="x.y", platform="x", service_day=day, state="missing")


def lamp(number: str, **more: Any) -> str:
    """A lamp of the register."""
    values = {"unit_code": "juji", "status": "in_use", "lon_wgs84": 114.8, "lat_wgs84": 34.5} | more
    return insert("lamp", service_day="2026-11-01", lamp_id=number, **values)


def reported(number: str, ts: str, **more: Any) -> str:
    """What a lamp reported; the day is that of the moment."""
    return insert("lamp_state", service_day=more.pop("day", ts[:10]), lamp_id=number, ts=f"{ts}+08", **more)


def one_of_each(county: County) -> None:
    """A lamp that burns and one that is silent, and one row of each detail."""
    tables(county, "lighting.lamp", "lighting.lamp_state", *sorted({item.feed for item in details().values()}))
    rows = [
        insert(details()[name].table, service_day="2026-11-03", unit_code="juji", **values)
        for name, values in DETAILS.items()
    ]
    county.run(
        *rows,
        lamp("L1"),
        lamp("L2", lon_wgs84=None, lat_wgs84=None),
        reported("L1", "2026-11-03 23:50:00", is_on="true", power_w="88.5"),
        delivered("2026-11-03"),
    )
