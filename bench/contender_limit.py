"""The limit: urllib3, envelope off, one file a page, one typed read_json, MERGE into an empty table. No fsync, no
check, no landing, no ledger: what no honest path can beat. `contender_limit URL FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import urllib3

from bench.stopwatch import measure

COLUMNS = (
    "{'id': 'VARCHAR', 'terminalPhone': 'VARCHAR', 'gpsTime': 'TIMESTAMP', 'lng': 'DOUBLE', 'lat': 'DOUBLE',"
    " 'speed': 'DOUBLE', 'direction': 'DOUBLE', 'mileage': 'DOUBLE', 'acc': 'VARCHAR'}"
)
MERGE = (
    "MERGE INTO position AS t USING ("
    "SELECT * FROM read_json('{files}', format = 'array', columns = {columns})"
    " QUALIFY row_number() OVER (PARTITION BY id ORDER BY gpsTime DESC) = 1) AS s ON t.id = s.id"
    " WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT"
)


def run(url: str, folder: Path) -> None:
    """Pull and merge."""
    pool, number = urllib3.PoolManager(), 0
    con = duckdb.connect(str(folder / "limit.duckdb"))
    while True:
        number += 1
        body = pool.request("GET", f"{url}/positions?pageNo={number}").data
        records = body[body.index(b"[") : -1]
        if records == b"[]":
            break
        (folder / f"{number:06d}.json").write_bytes(records)
    kinds = COLUMNS.replace("{", "").replace("}", "").replace("'", "").replace(":", "")
    con.execute(f"CREATE TABLE position ({kinds})")
    con.execute(MERGE.format(files=folder / "*.json", columns=COLUMNS))
    con.close()


def count(folder: Path) -> int:
    """The rows stored."""
    with duckdb.connect(str(folder / "limit.duckdb")) as con:
        found = con.execute("SELECT count(DISTINCT id) FROM position").fetchone()
    return int(found[0]) if found else 0


if __name__ == "__main__":
    place = Path(sys.argv[2])
    measure(lambda: run(sys.argv[1], place), lambda: count(place))
