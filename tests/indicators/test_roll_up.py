"""Through load and engine: days add up to the month, and a delivery that repeats itself changes no value."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhub.spec.read import read_all as read_specs
from indicators import engine
from indicators.definitions import FOLDER, read_all
from tests.indicators import city
from tests.indicators.city import COUNTY, DAY, DEPARTMENTS, TERRITORIES
from tests.load.kit import Hub

DAYS = [DAY + timedelta(days=n) for n in range(2)]
FILES = ("sanitation.yaml", "gas.yaml", "enforcement.yaml")
FEEDS = ("sanitation.route_task", "gas.alarm", "enforcement.case")
Rows = dict[date, dict[str, list[dict[str, Any]]]]

times = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda t: f"{t[0]:02d}:{t[1]:02d}:00")
amounts = st.one_of(st.none(), st.integers(0, 40_000).map(lambda n: n / 1000))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = Hub(city.build(tmp_path_factory.mktemp("hub"), FEEDS))
    yield made
    made.con.close()


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indicators")
    for name in FILES:
        shutil.copy(FOLDER / name, folder / name)
    return folder


@st.composite
def deliveries(draw: st.DrawFn) -> Rows:
    """What the feeds deliver on two days, keys unique."""
    found: Rows = {}
    for day in DAYS:
        count = draw(st.integers(1, 4))
        found[day] = {
            "sanitation.route_task": [
                {"task_id": f"{day}-{n}", "task_date": str(day), "planned_km": draw(amounts), "done_km": draw(amounts)}
                for n in range(count)
            ],
            "gas.alarm": [
                {"alarm_id": f"{day}-{n}", "detector_id": draw(st.sampled_from("ab")), "level": draw(st.integers(1, 3)),
                 "raised_at": f"{day} {draw(times)}", "cleared_at": f"{day} 23:59:00"}
                for n in range(count)
            ],
            "enforcement.case": [
                {"case_no": f"{day}-{n}", "dept_code": draw(st.sampled_from(DEPARTMENTS)),
                 "reported_at": f"{day} 07:00:00", "accepted_at": f"{day} 07:30:00",
                 "registered_at": f"{day} {draw(times)}", "dispatched_at": f"{day} {draw(times)}",
                 "handled_at": f"{day} {draw(times)}",
                 "suspended": draw(st.booleans())}
                for n in range(count)
            ],
        }  # fmt: skip
    return found


def values(hub: Hub) -> list[tuple[Any, ...]]:
    return hub.con.execute(
        "SELECT code, unit_code, period_kind, period, numerator, denominator, value, n_expected, n_valid, state, reason"
        " FROM lake.main.indicator_value ORDER BY ALL"
    ).fetchall()


def sums(hub: Hub) -> dict[tuple[str, str], dict[str, list[float | None]]]:
    """(code, unit) → `day` and `month` → numerators, and their denominators under `day/` and `month/`."""
    found: dict[tuple[str, str], dict[str, list[float | None]]] = {}
    for code, unit, kind, _, numerator, denominator, *_ in values(hub):
        entry = found.setdefault((code, unit), {})
        entry.setdefault(kind, []).append(numerator)
        entry.setdefault(f"{kind}/", []).append(denominator)
    return found


def added(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return math.fsum(known) if known else None


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(rows=deliveries())
def test_days_add_up_to_the_month_and_repetition_changes_nothing(hub: Hub, few: Path, rows: Rows) -> None:
    specs = {spec.feed: spec for spec in read_specs(hub.settings.feeds).values()}
    for table in (spec.table for spec in specs.values()):
        hub.con.execute(f"DELETE FROM lake.main.{table}")
    for table in ("indicator_value", "delivery", "enf_stage", "gas_episode", "dirty_day"):
        hub.con.execute(f"DELETE FROM lake.main.{table}")
    for day, feeds in rows.items():
        for feed, records in feeds.items():
            hub.load(specs[feed], records, day=day)
        engine.compute_night(hub.settings, day, folder=few)

    definitions = read_all(few)
    checked = 0
    for (code, _), entry in sums(hub).items():
        if definitions[code].roll_up == "sum" and any(part is not None for part in entry["day"]):
            for kind in ("", "/"):
                assert entry[f"month{kind}"] == [pytest.approx(added(entry[f"day{kind}"]))], code
            checked += 1
    assert checked >= 4

    before = values(hub)
    assert {row[1] for row in before} == {COUNTY, *TERRITORIES, *DEPARTMENTS}
    for day, feeds in rows.items():
        for feed, records in feeds.items():
            result = hub.load(specs[feed], [*reversed(records), *records], day=day)
            assert (result.inserted, result.updated) == (0, 0)
        engine.compute_night(hub.settings, day, folder=few)
    engine.compute_month(hub.settings, "2026-11", DAYS[-1], folder=few)
    assert values(hub) == before
