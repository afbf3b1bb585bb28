"""The canonical tables in memory, empty for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from indicators import derive, derived, run, views
from indicators.definitions import Definition, read_all
from indicators.period import Period, of_day
from tests.indicators import city, second_engine

# unit -> (numerator, denominator, n_expected, n_valid); the county under its code
Found = dict[str | None, tuple[Any, ...]]
Ask = Callable[..., Found]


@pytest.fixture(scope="session")
def definitions() -> dict[str, Definition]:
    return read_all()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, definitions: dict[str, Definition]) -> duckdb.DuckDBPyConnection:
    con = city.in_memory(tmp_path_factory.mktemp("feeds"))
    wanted = {name for item in definitions.values() for name in (*item.reads(), *item.derived)}
    wanted |= {name for table in derived.read_all().values() for name in (table.table, *table.reads)}
    assert views.create(con, [*wanted, "calendar_day"]) == set()
    return con


@pytest.fixture
def con(whole: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    whole.execute("BEGIN")
    yield whole
    whole.execute("ROLLBACK")


def fill(con: duckdb.DuckDBPyConnection, name: str, window: Period) -> None:
    """The rows of a derived table for every day of a period."""
    table = derived.read_all()[name]
    for day in window.days():
        derive.replace(con, table, of_day(day), derive.make(con, table, of_day(day)))


@pytest.fixture
def ask(con: duckdb.DuckDBPyConnection, definitions: dict[str, Definition], tmp_path: Path) -> Ask:
    """The sums of an indicator for a day or another period: by territory (or `kind`) and county. Where the second
    engine is installed, it must give the same over the same rows."""

    def sums(code: str, *, period: Period | date = city.DAY, kind: str = "territory", hour: int | None = None) -> Found:
        definition = definitions[code]
        window = period if isinstance(period, Period) else of_day(period)
        sql = definition.sql if hour is None else definition.hour_sql
        assert sql
        for name in definition.derived:
            fill(con, name, window)
        found = run.sums(con, definition, sql, window)
        if second_engine.INSTALLED:
            assert second_engine.differing(con, definition, window, tmp_path / "exported") == []
        rows = {row.unit: row for row in found.get(kind, []) if row.hour == hour}
        rows.update((city.COUNTY, row) for row in found[run.COUNTY] if row.hour == hour)
        return {unit: (r.numerator, r.denominator, r.n_expected, r.n_valid) for unit, r in rows.items()}

    return sums
