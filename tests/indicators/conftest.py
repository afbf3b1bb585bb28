"""The canonical tables in memory, empty for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from indicators import run, views
from indicators.definitions import Definition, read_all
from indicators.period import Period, of_day
from tests.indicators import city

# unit -> (numerator, denominator, n_expected, n_valid); the county under its code
Found = dict[str | None, tuple[Any, ...]]
Ask = Callable[..., Found]


@pytest.fixture(scope="session")
def definitions() -> dict[str, Definition]:
    return read_all()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory, definitions: dict[str, Definition]) -> duckdb.DuckDBPyConnection:
    con = city.in_memory(tmp_path_factory.mktemp("feeds"))
    assert views.create(con, [t for item in definitions.values() for t in item.reads()] + ["calendar_day"]) == set()
    return con


@pytest.fixture
def con(whole: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    whole.execute("BEGIN")
    yield whole
    whole.execute("ROLLBACK")


@pytest.fixture
def ask(con: duckdb.DuckDBPyConnection, definitions: dict[str, Definition]) -> Ask:
    """The sums of an indicator for a day or another period: by territory (or `kind`) and county."""

    def sums(code: str, *, period: Period | date = city.DAY, kind: str = "territory", hour: int | None = None) -> Found:
        definition = definitions[code]
        window = period if isinstance(period, Period) else of_day(period)
        sql = definition.sql if hour is None else definition.hour_sql
        assert sql
        found = run.sums(con, definition, sql, window)
        rows = {row.unit: row for row in found.get(kind, []) if row.hour == hour}
        rows.update((city.COUNTY, row) for row in found[run.COUNTY] if row.hour == hour)
        return {unit: (r.numerator, r.denominator, r.n_expected, r.n_valid) for unit, r in rows.items()}

    return sums
