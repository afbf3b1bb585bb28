"""Reading publications: the files and nothing else, never the working warehouse."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from cityhub.errors import Stop
from scoring.numbers import text
from scoring.publication.manifest import Manifest, current, folder_of, numbers, read
from warehouse.names import identifier, literal

Row = dict[str, Any]
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
DATASETS = frozenset(
    {"ranking", "score", "indicator", "indicator_value", "consequence", "delivery", "unit", "switches"}
)


def all_manifests(root: Path) -> list[Manifest]:
    """All publications, newest first."""
    return [read(folder_of(root, number)) for number in reversed(numbers(root))]


def find(root: Path, which: str) -> Manifest:
    """The publication `latest` (what `current` shows) or of a number; raises `Stop` CH-PUB-001.

    Only digits and that one word are ever joined to a path.
    """
    if which == "latest":
        number = current(root)
    else:
        number = int(which) if which.isascii() and which.isdigit() and len(which) <= 9 else None
    if number is None or number not in numbers(root):
        raise Stop("CH-PUB-001", number=which[:40])
    return read(folder_of(root, number))


def newest_of(root: Path, month: str) -> Manifest:
    """The newest publication of a month; raises `Stop` CH-PUB-001."""
    for manifest in all_manifests(root):
        if manifest.period == month:
            return manifest
    raise Stop("CH-PUB-001", number=month[:40])


def rows(root: Path, manifest: Manifest, dataset: str, **equal: str | None) -> list[Row]:
    """Rows of one dataset, filtered by equality; filters with None are left out. Numbers that are exact come
    as text, so that no client rounds them."""
    if dataset not in DATASETS:
        raise Stop("CH-PUB-001", number=dataset[:40])
    path = folder_of(root, manifest.number) / f"{dataset}.parquet"
    wanted = {name: value for name, value in equal.items() if value is not None}
    where = " AND ".join(f"{identifier(name)} = ?" for name in wanted) or "TRUE"
    con = duckdb.connect()
    try:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        answer = con.execute(f"SELECT * FROM read_parquet({literal(str(path))}) WHERE {where}", list(wanted.values()))
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
