"""Publishing, following and querying at once: what `bench.extracts --soak` runs, each in a process of its own.

`python -m bench.extracts_soak publisher|consumer|analyst HOME SECONDS [URL FILE]` (the consumer's key is in
CITYHUB_BENCH_KEY) prints one JSON object: how often it did its work, and the errors that it met.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from bench.service import service
from cityhub.errors import HubError
from cityhub.settings import REPOSITORY, Settings
from extracts.client import Client
from extracts.make import make_missing
from extracts.pull.run import pull
from extracts.pull.source import HttpSource
from extracts.store import Store, root_of
from scoring.month import score_month
from scoring.publish import publish
from tests.scoring.county import MONTH, UNITS, County
from warehouse import lake

CONSUMERS, ANALYSTS = 4, 2
LAST = date(2026, 11, 28)
_ANALYSIS = (
    "SELECT unit_code, avg(value), count(*) FROM indicator_value GROUP BY unit_code",
    "SELECT r.unit_code, r.score, v.value FROM ranking AS r JOIN indicator_value AS v USING (unit_code)",
    "SELECT max(number), count(*) FROM publication",
)


def soak(home: Path, seconds: float) -> dict[str, Any]:
    """Run all for so long, then let every consumer come up to the newest publication and compare."""
    county = _county(home)
    _publish(county, 0)
    county.con.close()
    with service(home) as running:
        environment = {**os.environ, "CITYHUB_BENCH_KEY": running.key, "CITYHUB_HOME": str(home)}

        def start(*words: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "bench.extracts_soak", *words]
            return subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)

        copies = [home / f"copy-{n}.duckdb" for n in range(CONSUMERS)]
        started = [("publisher", start("publisher", str(home), str(seconds)))]
        started += [("analyst", start("analyst", str(home), str(seconds))) for _ in range(ANALYSTS)]
        started += [
            ("consumer", start("consumer", str(home), str(seconds), running.base, str(copy))) for copy in copies
        ]
        told = [(kind, json.loads(process.communicate()[0])) for kind, process in started]
        for copy in copies:
            _follow(running.base, running.key, copy)
    return {
        "seconds": seconds,
        "times": {
            kind: [item["times"] for name, item in told if name == kind]
            for kind in ("publisher", "consumer", "analyst")
        },
        "errors": sorted({error for _, item in told for error in item["errors"]}),
        "publications": len(Store(root_of(_settings(home))).sequences()),
        "equal": all(_equal(home, copy) for copy in copies),
    }  # fmt: skip


def main() -> int:
    """One of the processes."""
    kind, home, seconds = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    end, times, errors = time.monotonic() + seconds, 0, []
    county = _again(home) if kind == "publisher" else None
    while time.monotonic() < end:
        try:
            if county is not None:
                _publish(county, times + 1)
            elif kind == "analyst":
                with closing(lake.connect(_settings(home), read_only=True)) as con:
                    con.execute("USE lake")
                    for query in _ANALYSIS:
                        con.execute(query).fetchall()
            else:
                _follow(sys.argv[4], os.environ["CITYHUB_BENCH_KEY"], Path(sys.argv[5]))
            times += 1
        except (HubError, duckdb.Error, OSError) as error:
            errors.append(f"{kind}: {str(error).splitlines()[0]}")
    print(json.dumps({"times": times, "errors": errors}))
    return 0


def _settings(home: Path) -> Settings:
    return Settings(home, home / "feeds", str(home / "lake/catalog.sqlite"), str(home / "lake/data"))


def _county(home: Path) -> County:
    county = County(home)
    county.manual_tables()
    county.scores(MONTH)
    county.digital(MONTH, **dict.fromkeys(UNITS, "90"))
    return county


def _again(home: Path) -> County:
    county = County.__new__(County)
    county.settings = _settings(home)
    county.con = lake.connect(county.settings)
    return county


def _publish(county: County, turn: int) -> None:
    """Another state of the month: values that come, change and go, as corrections bring them."""
    chance = random.Random(turn)
    county.run("DELETE FROM indicator_value WHERE random() < 0.2")
    for _ in range(20):
        day = f"{chance.randint(1, 28):02d}"
        county.run(f"DELETE FROM indicator_value WHERE code = 'SAN-02' AND period = '{MONTH}-{day}'")
        county.day_value(day, chance.uniform(0, 100))
    score_month(county.settings, MONTH, LAST)
    publish(county.settings, MONTH, LAST)
    make_missing(county.settings)


def _follow(base: str, key: str, copy: Path) -> None:
    client = Client(base, key)
    try:
        pull(HttpSource(client), copy)
    finally:
        client.close()


def _equal(home: Path, copy: Path) -> bool:
    """Whether a copy holds what the newest extract says, of every dataset."""
    store = Store(root_of(_settings(home)))
    newest = store.sequences()[-1]
    with duckdb.connect(str(copy), read_only=True) as con:
        for item in store.manifest(newest).files:
            if item.format == "ndjson.gz":
                (held,) = con.execute(f'SELECT count(*) FROM "{item.dataset}"').fetchone() or (0,)
                if held != item.rows:
                    return False
        file = store.folder(newest) / "indicator_value.ndjson.gz"
        rows = con.execute("SELECT period, unit, CAST(value AS VARCHAR) FROM indicator_value ORDER BY ALL").fetchall()
        said = con.execute(
            f"SELECT period, unit, CAST(value AS VARCHAR) FROM read_json('{file}', columns = {{period: 'VARCHAR',"
            " unit: 'VARCHAR', value: 'VARCHAR'}) ORDER BY ALL"
        ).fetchall()
    return rows == said


if __name__ == "__main__":
    sys.exit(main())
