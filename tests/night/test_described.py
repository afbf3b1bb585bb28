"""What the dictionary and the contract say holds over a night of the whole city, not only over a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from cityhub.settings import load
from flow.dictionary.whole import whole
from scoring.handover.check import check
from warehouse import lake
from warehouse.dictionary.entry import Column, Table

pytestmark = pytest.mark.xdist_group("night")


def test_keys_are_keys_and_columns_hold_what_the_dictionary_says(first_night, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, _ = first_night
    monkeypatch.setenv("CITYHUB_HOME", str(hub.home))
    con = lake.connect(load(), read_only=True)
    con.execute("BEGIN")  # one snapshot: looking for the newest one costs as much as reading a small table
    rows = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'").fetchall()
    there = {row[0] for row in rows}
    tables = [table for table in whole(load()).tables if table.name in there]
    assert len(tables) > 80
    assert [problem for table in tables for problem in untrue(con, table)] == []


def test_the_publication_of_the_night_is_handed_over_under_the_contract(first_night, tmp_path: Path) -> None:
    hub, _ = first_night
    told = hub.json("handover", "2026-11", "--out", str(tmp_path / "given"))
    assert told["rows"]["indicator"] == 89 and told["rows"]["indicator_value"] > 1000
    assert check(tmp_path / "given") == []


def untrue(con: duckdb.DuckDBPyConnection, table: Table) -> Iterator[str]:
    """What the rows of a table do otherwise than it is said of them."""
    asked = [(f"{column.name} {told}", where) for column in table.columns for told, where in doubts(column)]
    for item in table.references:
        known = f'SELECT "{item.target}" FROM "{item.table}" WHERE "{item.target}" IS NOT NULL'
        asked.append((f"{item.column} names no {item.table}", f'"{item.column}" NOT IN ({known})'))
    key = ", ".join(f'"{name}"' for name in table.key)
    counts = ", ".join(f"count(*) FILTER (WHERE {where})" for _, where in asked)
    # One question a table: each costs a look into the catalog.
    found = con.execute(f'SELECT count(*) - count(DISTINCT hash({key})), {counts} FROM "{table.name}"').fetchone() or ()
    for (told, _), rows in zip([(f"({key}) stands twice", ""), *asked], found, strict=True):
        if rows:
            yield f"{table.name}: {told} in {rows} rows"


def doubts(column: Column) -> Iterator[tuple[str, str]]:
    """What may be untrue of a column, and the rows in which it would be."""
    name = f'"{column.name}"'
    if column.empty is None:
        yield "is empty", f"{name} IS NULL"
    if column.codes:
        yield "holds another code", f"{name} NOT IN ({', '.join(repr(code) for code in column.codes)})"
    if column.minimum is not None:
        yield "is too small", f"{name} < {column.minimum}"
    if column.maximum is not None:
        yield "is too large", f"{name} > {column.maximum}"
