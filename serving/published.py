"""Reading publications: the files and nothing else, never the working warehouse."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from scoring.numbers import text
from scoring.publication.manifest import Manifest, folder_of, numbers, read
from warehouse.names import literal

Row = dict[str, Any]


def all_manifests(root: Path) -> list[Manifest]:
    """All publications, newest first."""
    return [read(folder_of(root, number)) for number in reversed(numbers(root))]


def ranking(root: Path, manifest: Manifest) -> list[Row]:
    """The rows of its ranking. Numbers that are exact come as text, so that no client rounds them."""
    path = folder_of(root, manifest.number) / "ranking.parquet"
    con = duckdb.connect()
    try:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        answer = con.execute(f"SELECT * FROM read_parquet({literal(str(path))})")
        names = [column[0] for column in answer.description or ()]
        return [
            {name: _plain(value) for name, value in zip(names, values, strict=True)} for values in answer.fetchall()
        ]
    finally:
        con.close()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
