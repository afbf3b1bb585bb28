"""The unit's lines on the manual sheets: are those that were published among the packed rows of the warehouse?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from scoring.evidence.chain import Chain
from scoring.tables import OPTIONAL
from warehouse.names import identifiers, literal


def results(folder: Path, chain: Chain) -> dict[str, str | None]:
    """Table → None where every published line of the unit has its row in `rows/`, else why not. `folder` is the
    pack's."""
    found: dict[str, str | None] = {}
    with closing(duckdb.connect()) as con:
        for name, (table, _) in OPTIONAL.items():
            published = f"read_parquet({literal(str(folder / 'publication' / f'{name}.parquet'))})"
            mine = f"unit = {literal(chain.unit)}"
            if "month" in _columns(con, published):
                mine += f" AND month = {literal(chain.manifest.period)}"
            lines = _count(con, f"SELECT 1 FROM {published} WHERE {mine}")
            path = folder / "rows" / f"{table}.parquet"
            if not lines:
                continue
            if not path.is_file():
                found[table] = "its rows are not packed"
                continue
            packed = f"read_parquet({literal(str(path))})"
            there = set(_columns(con, packed))
            shared = identifiers([column for column in _columns(con, published) if column in there])
            lacking = _count(
                con, f"SELECT {shared} FROM {published} WHERE {mine} EXCEPT ALL SELECT {shared} FROM {packed}"
            )
            found[table] = f"{lacking} of {lines} published lines are not there" if lacking else None
    return found


def _columns(con: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    return [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]


def _count(con: duckdb.DuckDBPyConnection, select: str) -> int:
    row = con.execute(f"SELECT count(*) FROM ({select})").fetchone()
    return int(row[0]) if row else 0
