"""The hub's whole path: pull to landing (synced), map, check, merge, quarantine, ledger, in one transaction.
`contender_hub URL FOLDER [geo]`; geo adds GCJ-02 to WGS-84 and the unit of every point."""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

import duckdb

import connectors.rest  # noqa: F401  # an import like the others, not part of the measured work
from bench.records import DAY
from bench.stopwatch import measure
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.fields import Location, UnitAttribution
from cityhub.spec.read import read_spec
from connectors.pull import pull
from warehouse import lake, ledger
from warehouse.load import load
from warehouse.prepare import prepare


def run(settings: Settings, spec: FeedSpec, con: duckdb.DuckDBPyConnection) -> None:
    """Pull, open the lake and load."""
    manifest = pull(settings, spec, date.fromisoformat(DAY))
    lake.attach(con, settings)
    load(settings, spec, manifest, con=con)
    con.close()


def count(settings: Settings) -> int:
    """The rows stored."""
    with lake.connect(settings, read_only=True) as con:
        found = con.execute("SELECT count(DISTINCT report_id) FROM bench_position").fetchone()
    return int(found[0]) if found else 0


def main() -> None:
    """Prepare an installation, then measure one delivery."""
    home = Path(sys.argv[2])
    os.environ["CITYHUB_BENCH_URL"] = sys.argv[1]
    settings = Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))
    spec = read_spec(Path(__file__).with_name("position.yaml"))
    if "geo" in sys.argv[3:]:
        change = {"location": Location(system="gcj02"), "unit": UnitAttribution(by="point")}
        spec = spec.model_copy(update=change)
    prepare(settings, [spec])
    with lake.connect(settings) as con, lake.write(con, settings, "expect"):
        ledger.expect(con, [spec], date.fromisoformat(DAY))  # as a night begins; also imports pandas
    con = lake.engine(settings)
    con.execute("LOAD ducklake; LOAD sqlite_scanner")  # code, like an import
    measure(lambda: run(settings, spec, con), lambda: count(settings))


if __name__ == "__main__":
    main()
