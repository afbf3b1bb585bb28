"""A hub in a folder of its own, driven only through its command line, as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
DAY = "2026-11-20"
# Moments, run ids, and what holds them: two nights that ended the same differ in these only.
VOLATILE = set(
    "load_id _load_id _received_at started_at finished_at as_of marked_at seen_at run_at applied_at published_at since"
    " landing_folder loads sha256 content_sha256 place inserted updated unchanged opened_at told_at closed_at"
    " found_at state_at state_by last_load_id last_place".split()
)


@dataclass(frozen=True)
class Hub:
    """One installation below `home`."""

    home: Path

    def env(self, **more: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CITYHUB_", "AIRFLOW_"))}
        return kept | {"CITYHUB_HOME": str(self.home), "CITYHUB_PERSONAL_KEY": "the same in every test"} | more

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", *args],
            cwd=REPOSITORY, env=self.env(**env), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*args, **env)
        out, err = process.communicate(timeout=600)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def json(self, *args: str) -> Any:
        done = self.run(*args, "--json")
        assert done.stdout.startswith(("{", "[")), done.stderr + done.stdout
        return json.loads(done.stdout)

    def sql(self, query: str) -> list[dict[str, Any]]:
        return self.json("sql", query)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self.sql(query)]

    def counts(self) -> dict[str, int]:
        """Rows of every table of the warehouse."""
        names = [
            r[0] for r in self.rows("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake' ORDER BY 1")
        ]
        union = " UNION ALL ".join(f"SELECT '{name}' AS name, count(*) AS n FROM \"{name}\"" for name in names)
        return dict(self.rows(union))

    def state(self) -> dict[str, Any]:
        """What two nights that ended the same must agree in: rows of every table without run ids and times."""
        content: dict[str, Any] = {}
        columns: dict[str, list[str]] = {}
        for table, column in self.rows(
            "SELECT table_name, column_name FROM duckdb_columns()"
            " WHERE database_name = 'lake' AND NOT internal ORDER BY 1, 2"
        ):
            if column not in VOLATILE and not table.startswith("ducklake_"):
                columns.setdefault(table, []).append(column)
        for table, names in columns.items():
            if table in {"load_log", "prepared", "restatement"}:
                continue
            row = " || '|' || ".join(f"coalesce(\"{name}\"::VARCHAR, '∅')" for name in names)
            content[table] = self.rows(f'SELECT count(*), bit_xor(hash({row})) FROM "{table}"')[0]
        return content
