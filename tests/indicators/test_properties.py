"""What holds for every indicator whatever the rows are: the order in which they arrive changes nothing."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indicators import derive, derived, run, views
from indicators.definitions import Definition, read_all
from indicators.period import Period, of_day
from tests.indicators import city
from tests.indicators.city import DAY, put

Con = duckdb.DuckDBPyConnection
Row = tuple[str, date, dict[str, Any]]  # table, service day, cells
DEFINITIONS = read_all()
CODES = sorted(code for code, item in DEFINITIONS.items() if "delivery" not in item.reads())
DAYS = [DAY + timedelta(days=n) for n in range(-1, 1)]
ROWS = 5
HUBS_OWN = {"service_day", "unit_code"}

# What random rows hold, by column name and then by type: few values, so that rows meet.
WORDS: dict[str, list[Any]] = {
    "status": ["in_use", "active", "registered", "intact", "damaged", "alive", "dead"], "class": ["road", "manhole"],
    "waste_type": ["domestic", "kitchen"], "load": ["00", "11", "01"], "flag": ["N", "D"], "factor": ["PM", "SO2"],
    "kind": ["min", "park", "building_site", "disposal"], "dept_code": list(city.DEPARTMENTS),
    "type": ["dump_outside_site", "spillage"], "source": ["12345", "patrol"], "check_result": ["pass", "fail"],
    "plant": ["杞县首创环保能源有限公司", "other"], "lon": [114.80, 114.81], "lat": [34.50, 34.51],
    "lon_wgs84": [114.80, 114.81], "lat_wgs84": [34.50, 34.51],
}  # fmt: skip
OF_TYPE: dict[str, list[Any]] = {"BOOLEAN": [True, False, None], "VARCHAR": ["a", "b", "c"]}
NUMBERS = [None, 0, 1, 2, 5, 20, 120, 900]


def cell(name: str, kind: str, day: date) -> st.SearchStrategy[Any]:
    if kind.startswith("TIMESTAMP"):
        return st.integers(0, 47).map(lambda n: f"{day} {n // 2:02d}:{n % 2 * 30:02d}")
    if kind == "DATE":
        return st.just(day)
    return st.sampled_from(WORDS.get(name) or OF_TYPE.get(kind) or NUMBERS)


def keys(text: str) -> tuple[str, list[str]]:
    table, columns = text.split(": ", 1)
    return table, [column.split()[0] for column in columns.split(", ") if column.endswith(" K")]


KEYS = dict(keys(text) for text in city.FEEDS.values())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Con:
    con = city.in_memory(tmp_path_factory.mktemp("feeds"))
    wanted = {name for item in DEFINITIONS.values() for name in (*item.reads(), *item.derived)}
    wanted |= {name for table in derived.read_all().values() for name in (table.table, *table.reads)}
    views.create(con, [*wanted, "calendar_day"])
    return con


def drawn(data: st.DataObject, definition: Definition, columns: dict[str, dict[str, str]]) -> list[Row]:
    """Rows of all tables that a definition reads, one for each key."""
    rows: list[Row] = []
    for table in definition.reads():
        seen = set()
        for _ in range(data.draw(st.integers(1, ROWS))):
            day = data.draw(st.sampled_from(DAYS))
            row = {name: data.draw(cell(name, kind, day)) for name, kind in columns[table].items()}
            row["unit_code"] = data.draw(st.sampled_from(["juji", "jincheng", None]))
            key = tuple(str(row[name]) for name in KEYS[table])
            if key not in seen:
                seen.add(key)
                rows.append((table, day, row))
    return rows


def computed(con: Con, definition: Definition, rows: list[Row], period: Period) -> dict[str, list[str]]:
    """All sums of the indicator over these rows, inserted one after the other."""
    con.execute("BEGIN")
    try:
        for table, day, row in rows:
            put(con, table, row["unit_code"], [row], day)
        for name in definition.derived:
            for one in period.days():
                table = derived.read_all()[name]
                derive.replace(con, table, of_day(one), derive.make(con, table, of_day(one)))
        found = {
            (name, kind): sums
            for name, sql in definition.statements()
            for kind, sums in run.sums(con, definition, sql, period).items()
        }
        return {f"{name} {kind}": sorted(map(repr, sums)) for (name, kind), sums in found.items()}
    finally:
        con.execute("ROLLBACK")


@pytest.mark.parametrize("code", CODES)
def test_the_order_in_which_rows_arrive_does_not_matter(whole: Con, code: str) -> None:
    definition = DEFINITIONS[code]
    month = definition.roll_up == "month"
    window = Period("month", "2026-11", DAYS[0], DAYS[-1] + timedelta(days=1)) if month else of_day(DAYS[-1])
    columns = {
        table: {
            name: kind
            for name, kind, *_ in whole.execute(f"DESCRIBE lake.main.{table}").fetchall()
            if name not in HUBS_OWN and not name.startswith("_")
        }
        for table in definition.reads()
    }

    @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        rows = drawn(data, definition, columns)
        shuffled = rows.copy()
        random.Random(7).shuffle(shuffled)
        assert computed(whole, definition, rows, window) == computed(whole, definition, shuffled, window)

    holds()
