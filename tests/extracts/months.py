"""Publications by hand: the files that an extract is made of, without a warehouse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cityhub.settings import Settings
from extracts.make import make_missing
from extracts.store import Store, root_of
from scoring.publication import manifest
from scoring.publication.manifest import File, Manifest, folder_of
from warehouse.names import literal

NOVEMBER, DECEMBER = "2026-11", "2026-12"
_RANKING = """
SELECT 'qi-county' AS scheme, 'territory' AS league, {month} AS period, u.unit_code, u.unit_code AS unit_name,
       CAST(u.score AS DECIMAL(38, 18)) AS score, NULL AS grade, NULL AS rank, 'ok' AS state, NULL AS reason,
       1.0 AS completeness, 7 AS publication, now() AS as_of, '{{}}' AS trace
FROM (SELECT unnest(from_json({rows}, '[{{"unit_code": "VARCHAR", "score": "VARCHAR"}}]'), recursive := true)) AS u
"""


def settings_in(home: Path) -> Settings:
    """An installation with nothing in it."""
    return Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))


@dataclass
class Months:
    """An installation whose publications hold a ranking each: unit → score as text."""

    settings: Settings
    number: int = 0

    @property
    def store(self) -> Store:
        """A new reader of its extracts."""
        return Store(root_of(self.settings))

    def publish(
        self,
        month: str,
        scores: Mapping[str, str] | None,
        status: str = "provisional",
        **tables: Sequence[Mapping[str, Any]],
    ) -> int:
        """A publication of these rows and of these other tables, without its extract; its number. Without scores it
        holds no ranking."""
        self.number += 1
        folder = folder_of(self.settings.publications, self.number)
        folder.mkdir(parents=True)
        files = () if scores is None else (_ranking(folder / "ranking.parquet", month, scores),)
        files += tuple(_table(folder / f"{name}.parquet", rows) for name, rows in tables.items())
        made = Manifest(
            number=self.number, schema_version=2, scheme="qi-county", scheme_version="1", period=month,
            service_day=f"{month}-{min(self.number, 28):02d}", status=status, reason=f"number {self.number}",
            supersedes=None, supersedes_sha256=None, published_at=f"2027-01-01T00:00:{self.number:02d}+08:00",
            code_version="0", lake_snapshot=1, complete=True, switches={}, content_sha256="", files=files,
        )  # fmt: skip
        manifest.write(folder, made)
        return self.number

    def extract(
        self,
        month: str,
        scores: Mapping[str, str] | None,
        status: str = "provisional",
        **tables: Sequence[Mapping[str, Any]],
    ) -> int:
        """A publication with its extract."""
        number = self.publish(month, scores, status, **tables)
        assert make_missing(self.settings) == [number]
        return number


def _ranking(path: Path, month: str, scores: Mapping[str, str]) -> File:
    rows = json.dumps([{"unit_code": unit, "score": score} for unit, score in scores.items()])
    select = _RANKING.format(month=literal(month), rows=literal(rows))
    with duckdb.connect() as con:
        con.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet)")
    return _file(path, len(scores))


def _table(path: Path, rows: Sequence[Mapping[str, Any]]) -> File:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return _file(path, len(rows))


def _file(path: Path, rows: int) -> File:
    return File(path.name, path.stat().st_size, manifest.sha256(path), rows)
