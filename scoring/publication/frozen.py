"""The warehouse's rows of a final month: they stay as published, and what is not so is told and can be put back.

A final month's `score` and `ranking` are what later months count on (repeated last places, the year's mean), so they
follow its newest publication and nothing else: only a correction computes them again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from cityhub.settings import Settings
from scoring import store
from scoring.publication.manifest import Manifest, folder_of, newest
from warehouse import lake
from warehouse.names import identifiers, literal

KEYS = {"score": ("unit_code", "component"), "ranking": ("unit_code",)}
SHOWN = 60  # characters of a value


def number_of(con: duckdb.DuckDBPyConnection, settings: Settings, month: str) -> int | None:
    """The publication under which a month is final; None while it is provisional. The warehouse's record and the
    folder are both asked: a row changed by hand makes no month provisional."""
    found = newest(settings.publications, month)
    if found is not None and found.frozen:
        return found.number
    row = con.execute(
        f"SELECT max(number) FROM publication WHERE period = {literal(month)} AND status <> 'provisional'"
    ).fetchone()
    return row[0] if row else None


def published(con: duckdb.DuckDBPyConnection, folder: Path, name: str, manifest: Manifest) -> list[dict[str, object]]:
    """The published rows of `score` or `ranking` by the columns that a score has."""
    columns = list(store.COLUMNS[name])
    where = f"scheme = {literal(manifest.scheme)} AND period = {literal(manifest.period)}"
    source = literal(str(folder / f"{name}.parquet"))
    answer = con.execute(f"SELECT {identifiers(columns)} FROM read_parquet({source}) WHERE {where}").fetchall()
    return [dict(zip(columns, values, strict=True)) for values in answer]


def differences(con: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> Iterator[str]:
    """Rows of the warehouse that are not those of the month's publication, each with the columns that differ."""
    for name, key in KEYS.items():
        columns = list(store.COLUMNS[name])
        held = _held(con, name, manifest)
        lines = {
            "published": {row[0]: row for row in _lines(name, published(con, folder, name, manifest))},
            "now": {row[0]: row for row in _lines(name, held)},
        }
        for line in sorted(lines["published"].keys() | lines["now"].keys()):
            old, new = lines["published"].get(line), lines["now"].get(line)
            what = f"warehouse: {name} {' '.join(line)}"
            if old is None or new is None:
                yield f"{what}: {'not published' if old is None else 'the published row is gone'}"
                continue
            changed = [
                f"{column} is {_short(now)}, published {_short(then)}"
                for column, then, now in zip(columns, old[1], new[1], strict=True)
                if then != now and column not in key
            ]
            if changed:
                yield f"{what}: {'; '.join(changed)}"
        if len(held) != len(lines["now"]):
            yield f"warehouse: {name} {manifest.period}: a row stands there twice"


def _held(con: duckdb.DuckDBPyConnection, name: str, manifest: Manifest) -> list[dict[str, object]]:
    columns = list(store.COLUMNS[name])
    where = f"scheme = {literal(manifest.scheme)} AND period = {literal(manifest.period)}"
    answer = con.execute(f"SELECT {identifiers(columns)} FROM {name} WHERE {where}").fetchall()
    return [dict(zip(columns, values, strict=True)) for values in answer]


def _lines(name: str, rows: list[dict[str, object]]) -> Iterator[tuple[tuple[str, ...], tuple[str | None, ...]]]:
    for row in rows:
        yield tuple(str(row[part]) for part in KEYS[name]), store.line(name, row)


def _short(value: str | None) -> str:
    text = "empty" if value is None else value
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def put_back(settings: Settings, month: str) -> list[str]:
    """Give `score` and `ranking` of a final month the rows that were published; what was different."""
    found = newest(settings.publications, month)
    if found is None or not found.frozen:
        return []
    folder = folder_of(settings.publications, found.number)
    con = lake.connect(settings)
    try:
        changed = list(differences(con, folder, found))
        if changed:
            where = f"scheme = {literal(found.scheme)} AND period = {literal(month)}"
            with lake.write(con, settings, f"as published: {month} by {found.number}"):
                for name in KEYS:
                    columns = identifiers(["scheme", "period", "as_of", *store.COLUMNS[name]])
                    source = literal(str(folder / f"{name}.parquet"))
                    con.execute(f"DELETE FROM {name} WHERE {where}")
                    con.execute(
                        f"INSERT INTO {name} ({columns}) SELECT {columns} FROM read_parquet({source}) WHERE {where}"
                    )
        return changed
    finally:
        con.close()
