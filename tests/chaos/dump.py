"""The canonical dump: all that a warehouse holds, as text, without run ids and times of day.

Two warehouses with the same dump are the same to everybody who asks them anything but when it was done.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb

from cityhub.settings import Settings
from cityhub.spec.read import read_good
from cityhub.spec.source import PUSHED
from scoring.publication import manifest
from tests.night import hub as night
from warehouse import lake
from warehouse.names import identifier, literal

# Run ids, moments, and what counts how often something was done.
VOLATILE = night.VOLATILE | {"publication", "lake_snapshot"}
# Histories of what was done, not of what is: every run adds its own line.
HISTORIES = {"load_log", "prepared", "publication", "restatement", "plan_applied"}
# What is over stays readable; a disturbed hub has more behind it.
ONLY = {"finding": "state = 'open'", "issue": "state = 'open'"}
# How late a delivery was is of the moment at which its night ran to its end.
PUNCTUALITY = "code NOT IN ('HUB-01', 'HUB-02')"
# A city that was killed before its messages were loaded sends them again: how often a device said the same is no state.
ONCE = {
    "duplicate": "CASE WHEN feed IN ({pushed}) THEN NULL ELSE duplicate END AS duplicate",
    "landed": "CASE WHEN feed IN ({pushed}) THEN landed - duplicate ELSE landed END AS landed",
}


def dump(settings: Settings) -> dict[str, str]:
    """Table (or `publication`) → its rows as JSON lines, sorted."""
    con = lake.connect(settings, read_only=True)
    try:
        columns: dict[str, list[str]] = {}
        for table, column in con.execute(
            "SELECT table_name, column_name FROM duckdb_columns()"
            " WHERE database_name = 'lake' AND schema_name = 'main' ORDER BY ALL"
        ).fetchall():
            if column not in VOLATILE and table not in HISTORIES and not table.startswith("ducklake_"):
                columns.setdefault(table, []).append(column)
        found = {
            table: _lines(con, settings, f"lake.{identifier(table)}", names, ONLY.get(table))
            for table, names in columns.items()
        }
        return found | {"(published)": _published(con, settings)}
    finally:
        con.close()


def digest(content: dict[str, str]) -> str:
    """One sha256 over a dump."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def differences(content: dict[str, str], other: dict[str, str], *, lines: int = 3) -> dict[str, Any]:
    """Table → lines that only one of the two has, a few of each."""
    found: dict[str, Any] = {}
    for table in sorted(content.keys() | other.keys()):
        mine, theirs = content.get(table, "").splitlines(), other.get(table, "").splitlines()
        if mine != theirs:
            only, missing = sorted(set(mine) - set(theirs)), sorted(set(theirs) - set(mine))
            found[table] = {"rows": [len(mine), len(theirs)], "only here": only[:lines], "only there": missing[:lines]}
    return found


def _lines(con: duckdb.DuckDBPyConnection, settings: Settings, source: str, names: list[str], where: str | None) -> str:
    specs = read_good(settings.feeds)[0].values()
    pushed = ", ".join(literal(spec.feed) for spec in specs if spec.source.kind in PUSHED) or "NULL"
    own = ONCE if {"feed", *ONCE} <= set(names) else {}
    listed = ", ".join(own.get(name, f'"{name}"').format(pushed=pushed) for name in sorted(names))
    punctual = PUNCTUALITY if {"code", "numerator"} <= set(names) else "true"
    inner = f"SELECT {listed} FROM {source} WHERE {where or 'true'} AND {punctual}"
    rows = con.execute(f"SELECT CAST(to_json(t) AS VARCHAR) FROM ({inner}) AS t ORDER BY 1").fetchall()
    return "\n".join(row[0] for row in rows)


def _published(con: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """What `current` says: period, status and rows of every file, whatever its number is."""
    current = settings.publications / "current"
    if not current.exists():
        return ""
    told = manifest.read(current.resolve())
    parts = [json.dumps({"period": told.period, "day": told.service_day, "status": told.status})]
    for file in sorted(Path(current.resolve()).glob("*.parquet")):
        source = f"read_parquet('{file}')"
        names = [row[0] for row in con.execute(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {source})").fetchall()]
        parts.append(file.name)
        parts.append(_lines(con, settings, source, [name for name in names if name not in VOLATILE], None))
    return "\n".join(parts)
