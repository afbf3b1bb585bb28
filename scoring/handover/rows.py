"""What is handed over, as SELECTs over one source: the files of a publication, or the working warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path

import duckdb

from cityhub.errors import Stop
from cityhub.settings import Settings
from indicators.definitions import Definition
from scoring.handover import formula
from scoring.handover.contract import contract
from scoring.publication import manifest
from scoring.publication.manifest import Manifest, folder_of
from warehouse import lake
from warehouse.names import literal

FOLDER = Path(__file__).parent / "sql"
SOURCES = ("indicator", "indicator_value", "unit")
_SCALES = """
CREATE OR REPLACE TEMP TABLE scales AS
SELECT unnest(from_json({rows}, '[{{"code": "VARCHAR", "scale": "DOUBLE"}}]'), recursive := true)
"""
_OLD = "SELECT kind, numerator, denominator, value FROM source_indicator_value JOIN source_indicator USING (code) "


@cache
def statement(name: str) -> str:
    """The text of one .sql file."""
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def published(settings: Settings, month: str, number: int | None) -> Manifest:
    """The newest publication of a month, or the one with a number; raises `Stop` CH-PUB-001."""
    root = settings.publications
    for known in reversed(manifest.numbers(root)):
        found = manifest.read(folder_of(root, known))
        if number in {None, known} and found.period == month:
            return found
    raise Stop("CH-HAND-001", period=month, number=number)


def of_publication(settings: Settings, made: Manifest) -> duckdb.DuckDBPyConnection:
    """A connection to the publication's files. Raises `Stop` CH-PUB-004 when one is not what was published."""
    folder = folder_of(settings.publications, made.number)
    known = {file.path: file.sha256 for file in made.files}
    con = duckdb.connect()
    con.execute("SET TimeZone = 'Asia/Shanghai'; SET enable_progress_bar = false")
    for name in SOURCES:
        path = folder / f"{name}.parquet"
        if not path.is_file() or manifest.sha256(path) != known.get(path.name):
            con.close()
            raise Stop("CH-PUB-004", number=made.number, problem=f"{path.name} differs from it", folder=str(folder))
        con.execute(f"CREATE VIEW source_{name} AS SELECT * FROM read_parquet({literal(str(path))})")
    return con


def of_warehouse(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A connection to one snapshot of the working warehouse; a running night does not show through."""
    con = lake.connect(settings, read_only=True)
    con.execute("BEGIN")
    for name in SOURCES:
        con.execute(f"CREATE TEMP VIEW source_{name} AS SELECT * FROM lake.main.{name}")
    return con


def prepare(con: duckdb.DuckDBPyConnection, period: str, definitions: Iterable[Definition]) -> dict[str, str]:
    """dataset → SELECT for a month (`2026-11`) or day (`2026-11-20`)."""
    con.execute(f"SET VARIABLE kind = {literal('day' if len(period) == 10 else 'month')}")
    con.execute(f"SET VARIABLE period = {literal(period)}")
    rows = [{"code": code, "scale": scale} for code, scale in _scales(con, definitions)]
    con.execute(_SCALES.format(rows=literal(json.dumps(rows))))
    con.execute(f"CREATE OR REPLACE TEMP VIEW given_value AS {statement('indicator_value')}")
    return {name: statement(name) for name in contract().datasets}


def _scales(con: duckdb.DuckDBPyConnection, definitions: Iterable[Definition]) -> list[tuple[str, float]]:
    """The factor of each indicator. A definition that was changed since keeps its factor only where all values fit
    it, because no table holds the factor of an older one."""
    stored = dict(con.execute("SELECT code, definition_sha256 FROM source_indicator").fetchall())
    return [
        (item.code, item.scale)
        for item in definitions
        if item.code in stored and (stored[item.code] == item.sha256 or _fits(con, item))
    ]


def _fits(con: duckdb.DuckDBPyConnection, item: Definition) -> bool:
    where = f"WHERE code = {literal(item.code)} AND value IS NOT NULL AND numerator IS NOT NULL"
    rows = con.execute(_OLD + where).fetchall()
    return bool(rows) and all(_same(item.scale, *row) for row in rows)


def _same(scale: float, kind: str, numerator: float, denominator: float | None, value: float) -> bool:
    under = None if denominator is None else Decimal(repr(denominator))
    found = formula.value(kind, Decimal(repr(scale)), Decimal(repr(numerator)), under)
    return found is not None and formula.near(found, Decimal(repr(value)), contract().tolerance)
