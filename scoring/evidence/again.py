"""Indicators computed again over packed rows, by the definition's own SQL, in a DuckDB that knows nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import duckdb
from pydantic import ValidationError

from cityhub.errors import HubError
from indicators import run, views
from indicators.definitions import HUB_TABLES, Definition
from indicators.delivered import Standing
from indicators.derived import REFERENCE_TABLES
from indicators.period import Period, of_day, of_month
from indicators.run import COUNTY, Sums, total
from indicators.values import Value, settle
from scoring.evidence.chain import Needed
from scoring.tables import Row
from warehouse.names import identifier, literal

COMPARED = ("numerator", "denominator", "value", "n_expected", "n_valid")
CARRIED = "carried forward since"  # indicators/delivered.py says so: the day's value is that of an earlier day


def results(rows: Path, needed: list[Needed], service_day: date) -> dict[tuple[str, str], str | None]:
    """(code, unit) → None where the packed rows give every published number again, else why not. `rows` holds
    `<table>.parquet`."""
    found: dict[tuple[str, str], str | None] = {}
    with _warehouse(rows) as con:
        for item in needed:
            try:
                found[item.code, item.of] = _differs(con, item, service_day)
            except (HubError, duckdb.Error) as error:
                said = error.part("why") if isinstance(error, HubError) else str(error).splitlines()[0]
                found[item.code, item.of] = f"its SQL cannot be run over the packed rows: {said}"
    return found


@contextmanager
def _warehouse(rows: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database `lake` in memory with the packed tables, and what definitions read over them."""
    with closing(duckdb.connect()) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        con.execute("SET enable_progress_bar = false")
        con.execute("ATTACH ':memory:' AS lake")
        names = sorted(path.stem for path in rows.glob("*.parquet")) if rows.is_dir() else []
        for name in names:
            source = literal(str(rows / f"{name}.parquet"))
            con.execute(f"CREATE TABLE lake.main.{identifier(name)} AS FROM read_parquet({source})")
        if "calendar_day" in names:
            views.create(con, set(names) | REFERENCE_TABLES)
        yield con


def definition_of(item: Needed) -> Definition | None:
    """The definition as this code understands it; None where it reads it in another way or not at all."""
    if item.text is None:
        return None
    try:
        found = Definition.model_validate(item.text[0])
    except (ValidationError, HubError, KeyError):
        return None
    return found if found.model_dump(mode="json") == item.text[0] else None


def tables_of(definition: Definition) -> list[str]:
    """The tables that its SQL reads."""
    return [*definition.reads(), *definition.derived]


def _differs(con: duckdb.DuckDBPyConnection, item: Needed, service_day: date) -> str | None:
    """The first published number that does not come out again."""
    definition = definition_of(item)
    if definition is None:
        return "the definition that it was computed by is not kept, or this program reads it in another way"
    if item.month is None:
        return "nothing was published for the month"
    if set(definition.reads()) & HUB_TABLES:
        return "it reads the ledger, which is not packed row by row"
    compare = _month_at_once if definition.roll_up == "month" else _day_by_day
    return compare(con, definition, item, item.month, service_day)


def _month_at_once(
    con: duckdb.DuckDBPyConnection, definition: Definition, item: Needed, month: Row, service_day: date
) -> str | None:
    """The month up to its last day that was computed: open cases take the end of that day for now."""
    if month["state"] == "missing":
        return None
    reached = max((date.fromisoformat(day["period"]) for day in item.days), default=service_day)
    return _other(month, _computed(con, definition, item, of_month(month["period"], reached)))


def _day_by_day(
    con: duckdb.DuckDBPyConnection, definition: Definition, item: Needed, month: Row, service_day: date
) -> str | None:
    """Each day from its rows, and the month from its days; a carried day has no rows and counts for nothing."""
    counted = [day for day in item.days if day["state"] != "missing" and CARRIED not in (day["reason"] or "")]
    for day in counted:
        said = _other(day, _computed(con, definition, item, of_day(date.fromisoformat(day["period"]))))
        if said is not None:
            return said
    if month["state"] == "missing":
        return None
    names = ("numerator", "denominator", "n_expected", "n_valid")
    parts = [Sums(item.of, None, *(day[name] for name in names)) for day in counted]
    return _other(month, _settled(definition, item, month["period"], total(parts) if parts else None))


def _computed(con: duckdb.DuckDBPyConnection, definition: Definition, item: Needed, period: Period) -> Value:
    if definition.sql is not None:
        by_kind = run.sums(con, definition, definition.sql, period)
    else:
        by_kind = run.by_unit(run.sums(con, definition, definition.hour_sql or "", period))
    rows = by_kind.get(item.kind, [])
    found = (rows[0] if rows else None) if item.kind == COUNTY else next((r for r in rows if r.unit == item.of), None)
    return _settled(definition, item, period.name, found)


def _settled(definition: Definition, item: Needed, period: str, sums: Sums | None) -> Value:
    return settle(definition, item.of, "day", period, sums=sums, standing=Standing())


def _other(published: Row, found: Value) -> str | None:
    for name in COMPARED:
        if published[name] != getattr(found, name):
            return f"{published['period']}: {name} comes out as {getattr(found, name)}, published {published[name]}"
    return None
