"""The score of a publication, computed again from nothing but its own files."""

from __future__ import annotations

from pathlib import Path

import duckdb

from scoring import scheme, store, tables
from scoring.engine import compute
from scoring.gather import gather
from scoring.policy import DigitalPolicy
from scoring.publication import frozen
from scoring.publication.manifest import Manifest, read
from scoring.result import UnitResult
from scoring.rows import ranking_rows, score_rows
from warehouse.names import literal

WORDS = (
    "trace",
    "reason",
)  # a later version may put the same thing in other words; numbers it may not change


def recompute(folder: Path, manifest: Manifest | None = None) -> tuple[list[UnitResult], list[str]]:
    """Results from the published inputs and schemes, and what differs from what was published. `manifest`: of a
    folder that has none yet."""
    manifest = manifest or read(folder)
    con = duckdb.connect()
    try:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        con.execute("SET enable_progress_bar = false")
        return _compare(con, folder, manifest)
    finally:
        con.close()


def _compare(con: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> tuple[list[UnitResult], list[str]]:
    rules = scheme.read(folder / "schemes" / f"{manifest.scheme}.yaml")
    ours = scheme.read_model(DigitalPolicy, folder / "schemes" / "digital.yaml")
    found = tables.read(con, {name: _parquet(folder, name) for name in tables.INPUTS})
    gathered = gather(rules, ours, found, month=manifest.period, complete=manifest.complete, switches=manifest.switches)
    results, choices = compute(rules, gathered.inputs), rules.choices(manifest.switches)
    new = {
        "score": [row for result in results for row in score_rows(result, gathered, choices)],
        "ranking": ranking_rows(results, gathered, choices, rules),
    }
    problems = [problem for name, rows in new.items() for problem in _differences(con, folder, name, rows, manifest)]
    return results, problems


def _parquet(folder: Path, name: str) -> str:
    return f"SELECT * FROM read_parquet({literal(str(folder / f'{name}.parquet'))})"


def _differences(
    con: duckdb.DuckDBPyConnection, folder: Path, name: str, rows: list[store.Row], manifest: Manifest
) -> list[str]:
    published = store.key(name, frozen.published(con, folder, name, manifest), without=WORDS)
    computed = store.key(name, rows, without=WORDS)
    return [
        f"{name}: {where} {', '.join(value or '–' for value in line)}"
        for where, lines in (("published", published - computed), ("computed", computed - published))
        for line in sorted(lines, key=str)
    ]
