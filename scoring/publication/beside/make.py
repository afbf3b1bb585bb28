"""The rows that a publication holds beside its scores, from one snapshot of the lake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from cityhub.errors import HubError
from cityhub.spec.feed import FeedSpec
from cityhub.spec.read import one
from scoring.publication.beside import site_rows
from scoring.publication.beside.left_out import left_out
from scoring.publication.beside.model import Detail, details
from warehouse.names import identifier, identifiers

# Type of a dataset's column → types of the tables that it can be made of without loss.
FITTING = {
    "text": ("VARCHAR",),
    "integer": ("BIGINT", "INTEGER"),
    "number": ("DOUBLE", "BIGINT", "INTEGER"),
    "decimal": ("DECIMAL", "BIGINT", "INTEGER"),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP WITH TIME ZONE",),
    "boolean": ("BOOLEAN",),
}
SITE_DATASETS = ("site", "site_kind", "site_property", "last_value")


def selects(con: duckdb.DuckDBPyConnection, feeds: Path) -> dict[str, str]:
    """dataset → SELECT, over the month that `scoring.tables.set_month` set. The last day is the newest of the month
    that the ledger knows, with deliveries or without: the values of a feed that is silent get late. `feeds`: folder
    of the specs, which tell what is personal.

    What cannot be read (a column that is not there any more or of another type, a condition that is no SQL) or must not
    be (a personal column) is left out and logged as CH-PUB-012: no month waits for it.
    """
    there = {
        row[0] for row in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
    }
    site_rows.fill(con, there)
    found = {name: f"SELECT * FROM hub_{name} ORDER BY ALL" for name in SITE_DATASETS}
    for name, detail in details().items():
        if detail.table in there and _may_be_given(con, name, detail, feeds):
            found[name] = detail_select(detail)
    return found


def identity(con: duckdb.DuckDBPyConnection, content: Mapping[str, str]) -> str:
    """A text that is the same for the same rows in any order."""
    parts = []
    for name in sorted(content):
        row = con.execute(
            "SELECT count(*), sum(md5_number_lower(line)), sum(md5_number_upper(line)) "
            f"FROM (SELECT CAST(t AS VARCHAR) AS line FROM ({content[name]}) AS t)"
        ).fetchone()
        parts.append(f"{name}:" + ":".join(str(value) for value in row or ()))
    return " ".join(parts)


def detail_select(detail: Detail) -> str:
    """The rows of the month."""
    columns = ", ".join(
        f"{identifier(column.source or name)} AS {identifier(name)}" for name, column in detail.columns.items()
    )
    return (
        f"SELECT service_day, unit_code AS unit, {columns} FROM {identifier(detail.table)} "
        "WHERE service_day >= getvariable('month_first') AND service_day < getvariable('month_end') "
        f"ORDER BY {identifiers(detail.key)}"
    )


def _may_be_given(con: duckdb.DuckDBPyConnection, name: str, detail: Detail, feeds: Path) -> bool:
    try:
        found = next(_problems(con, detail, one(feeds, detail.feed)), None)
    except (HubError, duckdb.Error) as error:
        found = str(error)
    if found:
        left_out(name, found)
    return found is None


def _problems(con: duckdb.DuckDBPyConnection, detail: Detail, spec: FeedSpec) -> Iterator[str]:
    """A personal column, sealed or not; a key that may stand twice; a column of another type."""
    source = {name: column.source or name for name, column in detail.columns.items()}
    for name in source.values():
        if name in spec.fields and spec.fields[name].personal != "no":
            yield f"{name} is personal in the spec of {detail.feed}"
    if {source[name] for name in detail.key} != {*spec.identity.key}:
        yield f"its key is not that of {detail.feed}, {', '.join(spec.identity.key)}"
    types = {row[0]: str(row[1]) for row in con.execute(f"DESCRIBE {detail_select(detail)}").fetchall()}
    for name, column in detail.columns.items():
        if not types[name].startswith(FITTING[column.type]):
            yield f"{name} is {types[name]} in {detail.table}, and no {column.type}"
