"""Writing the files of one dataset: Parquet, gzipped CSV and gzipped NDJSON; the same rows make the same bytes."""

from __future__ import annotations

import gzip
import shutil
from functools import cache
from pathlib import Path

import duckdb

from cityhub.errors import Stop
from extracts import plain
from extracts.datasets import FOLDER, SQL_TYPES, Dataset
from extracts.model import ExtractFile
from scoring.publication.manifest import sha256
from warehouse.names import identifier, identifiers, literal

LEVEL = 6  # of gzip: the next ones cost twice the time for a hundredth of the size


@cache
def _carry() -> str:
    return (FOLDER / "sql" / "carry.sql").read_text(encoding="utf-8")


def connect() -> duckdb.DuckDBPyConnection:
    """DuckDB in memory; one thread, so that files come out the same every time."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("SET TimeZone = 'Asia/Shanghai'")
    con.execute("SET enable_progress_bar = false")
    return con


def rows(con: duckdb.DuckDBPyConnection, dataset: Dataset, fresh: str, before: Path | None, sequence: int) -> None:
    """Make the table `made` from a SELECT and the Parquet file of the extract before; the variables of carry.sql are
    set. Raises `Stop` CH-EXT-006 when two rows have one key, CH-EXT-012 when one has no whole key."""
    own = [column.name for column in dataset.own]
    cast = ", ".join(f"CAST({identifier(c.name)} AS {SQL_TYPES[c.type]}) AS {identifier(c.name)}" for c in dataset.own)
    con.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT {cast} FROM ({fresh})")
    _unique(con, dataset, sequence)
    con.execute(f"CREATE OR REPLACE TEMP TABLE before AS {_before(con, dataset, before)}")
    same = [
        f"b.{identifier(name)} IS NOT DISTINCT FROM f.{identifier(name)}" for name in own if name not in dataset.key
    ]
    select = _carry().format(
        own=identifiers(own),
        same=" AND ".join(same) or "TRUE",
        join=" AND ".join(f"b.{identifier(name)} = f.{identifier(name)}" for name in dataset.key),
        key=identifiers(dataset.key),
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE made AS {select}")


def _unique(con: duckdb.DuckDBPyConnection, dataset: Dataset, sequence: int) -> None:
    for column in dataset.key:
        row = con.execute(f"SELECT count(*) FROM fresh WHERE {identifier(column)} IS NULL").fetchone()
        if row and row[0]:
            raise Stop("CH-EXT-012", sequence=sequence, dataset=dataset.id, column=column, count=row[0])
    key = identifiers(dataset.key)
    found = con.execute(
        f"SELECT any_value(concat_ws(' ', {key})), count(*) FROM fresh GROUP BY {key} HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if found:
        raise Stop("CH-EXT-006", sequence=sequence, dataset=dataset.id, key=found[0], count=found[1])


def _before(con: duckdb.DuckDBPyConnection, dataset: Dataset, path: Path | None) -> str:
    """The rows of then with the columns of now: one that did not exist then is empty."""
    if path is None:
        there: set[str] = set()
        source = "(SELECT 1) WHERE FALSE"
    else:
        source = f"read_parquet({literal(str(path))})"
        there = {str(row[0]) for row in con.execute(f"DESCRIBE FROM {source}").fetchall()}
    parts = []
    for column in dataset.columns:
        name, kind = identifier(column.name), SQL_TYPES[column.type]
        parts.append(f"CAST({name if column.name in there else 'NULL'} AS {kind}) AS {name}")
    return f"SELECT {', '.join(parts)} FROM {source}"


def files(con: duckdb.DuckDBPyConnection, dataset: Dataset, folder: Path) -> list[ExtractFile]:
    """Write the table `made` in all formats."""
    key = identifiers(dataset.key)
    columns = identifiers([column.name for column in dataset.columns])
    counted = con.execute("SELECT count(*) FROM made").fetchone()
    count = int(counted[0]) if counted else 0
    parquet = folder / f"{dataset.id}.parquet"
    in_order = f"SELECT {columns} FROM made ORDER BY {key}"
    options = "FORMAT parquet, COMPRESSION zstd"
    con.execute(f"COPY ({in_order}) TO {literal(str(parquet))} ({options})")
    found = [_file(dataset, "parquet", parquet, count)]
    texts = f"SELECT {plain.columns(dataset)} FROM made ORDER BY {key}"
    for kind, options in {"csv": "FORMAT csv, HEADER", "ndjson": "FORMAT json"}.items():
        bare = folder / f"{dataset.id}.{kind}"
        con.execute(f"COPY ({texts}) TO {literal(str(bare))} ({options})")
        found.append(_file(dataset, f"{kind}.gz", _gzipped(bare), count))
    return found


def _gzipped(path: Path) -> Path:
    """The file compressed, without the name and moment that gzip would write into it."""
    target = path.with_name(f"{path.name}.gz")
    with (
        path.open("rb") as source,
        target.open("wb") as sink,
        gzip.GzipFile("", "wb", LEVEL, sink, mtime=0) as packed,
    ):
        shutil.copyfileobj(source, packed, 1 << 20)
    path.unlink()
    return target


def _file(dataset: Dataset, kind: str, path: Path, rows: int) -> ExtractFile:
    return ExtractFile(dataset.id, kind, rows, path.stat().st_size, sha256(path), path.name)
