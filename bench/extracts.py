"""Extracts over HTTP: files against the bare kernel, rows built per request, many consumers, memory; and a soak.

    python -m bench.extracts [--rows 1000000] [--consumers 200] [--seconds 20] [--rounds 5]
    python -m bench.extracts --soak MINUTES
    python -m bench.extracts --stalled READERS [--rows 200000] [--rounds 3]

The first prints one JSON object. `files`: for Parquet, csv.gz and ndjson.gz of one dataset the bytes a second that
curl gets from `cityhub serve`, and from a server of a few lines that only calls sendfile (`bench/bare_files.py`), turn
by turn in one run; `share` is to be 0.7 at the least. `records`: the same rows as JSON pages built per request.
`latest`: consumers that ask again and again for the newest publication with If-None-Match. `memory_mb`: the service
after a first round of all of it, and after the rest. Exit code 1 when a goal is missed.

`--stalled`: readers who ask for pages of 10,000 rows and never read them (`bench/extracts_stalled.py`). Exit code 1
when the process grew by more than the budget for slow readers and MOST_BUILT_MB.

The soak publishes again and again while consumers follow the changes and analysts query the lake: no error of a lock,
no torn read, and at the end every copy equals the newest publication.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import duckdb

from bench.extracts_soak import soak
from bench.extracts_stalled import memory, stalled
from bench.service import Running, service
from cityhub.settings import REPOSITORY, Settings
from extracts.make import make
from extracts.store import Store, root_of
from scoring.publication import manifest
from scoring.publication.manifest import File, Manifest, folder_of
from warehouse.names import literal

LEAST = 0.7
DATASET = "indicator_value"
MOST_GROWTH_MB = 64
MOST_BUILT_MB = 192  # what pages take while they are made, a few at once
_VALUES = """
SELECT 'C' || (i % 90) AS code, 'unit' || (i // 90 % 400) AS unit_code, 'day' AS period_kind,
       '2026-11-' || lpad(CAST(1 + i // 36000 AS VARCHAR), 2, '0') AS period,
       hash(i) % 1000003 / 7.0 AS numerator, hash(i + 1) % 10007 AS denominator, numerator / (denominator + 1) AS value,
       24 AS n_expected, 24 - i % 3 AS n_valid,
       1 - (i % 3) / 24.0 AS coverage, CASE i % 50 WHEN 0 THEN 'missing' ELSE 'ok' END AS state,
       NULL::VARCHAR AS reason,
       0 AS quarantined, now() AS as_of, repeat('d', 64) AS definition_sha256
FROM range({rows}) AS t(i)
"""
_INDICATOR = """
SELECT 'C' || i AS code, 'bench' AS platform, 'title' AS title_zh, 'title' AS title_en, 'ratio' AS unit,
       'up' AS direction, 'a / b' AS formula, 'ratio' AS kind, 'sum' AS roll_up, 0.9 AS min_coverage, '{}' AS target,
       'bench' AS source, 'low' AS confidence, NULL::VARCHAR AS note, '[]' AS tables,
       repeat('d', 64) AS definition_sha256
FROM range(90) AS t(i)
"""


def main() -> int:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--consumers", type=int, default=200)
    asked.add_argument("--seconds", type=float, default=20)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--stalled", type=int, metavar="READERS")
    asked.add_argument("--soak", type=float, metavar="MINUTES")
    given = asked.parse_args()
    home = Path(tempfile.mkdtemp(prefix="cityhub-extracts-"))
    os.environ["CITYHUB_HOME"] = str(home)  # or this process would sign with the key of another installation
    try:
        if given.soak:
            found = soak(home, given.soak * 60)
            print(json.dumps(found, indent=1))
            return 0 if found["errors"] == [] and found["equal"] else 1
        settings = Settings(home, home / "feeds", str(home / "lake/catalog.sqlite"), str(home / "lake/data"))
        publication(settings, given.rows)
        began = time.perf_counter()
        make(settings, 1)
        if given.stalled:
            with service(home) as running:
                found = stalled(running, DATASET, given.stalled, given.rounds)
            print(json.dumps(found, indent=1))
            most = max(item["most"] for item in found["rounds"])
            return 0 if most - found["before"] <= found["budget_mb"] + MOST_BUILT_MB else 1
        found = {"rows": given.rows, "make_s": round(time.perf_counter() - began, 1)} | measured(settings, given)
    finally:
        shutil.rmtree(home)
    print(json.dumps(found, indent=1))
    good = all(item["share"] >= LEAST for item in found["files"].values())
    return 0 if good and found["memory_mb"]["after"] - found["memory_mb"]["before"] < MOST_GROWTH_MB else 1


def publication(settings: Settings, rows: int) -> None:
    """A publication whose indicator values are so many rows."""
    folder = folder_of(settings.publications, 1)
    folder.mkdir(parents=True)
    files = []
    for name, select in {"indicator_value": _VALUES.format(rows=rows), "indicator": _INDICATOR}.items():
        path = folder / f"{name}.parquet"
        with duckdb.connect() as con:
            con.execute(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet)")
        files.append(File(path.name, path.stat().st_size, manifest.sha256(path), None))
    manifest.write(folder, Manifest(
        number=1, schema_version=2, scheme="qi-county", scheme_version="1", period="2026-11", service_day="2026-11-28",
        status="provisional", reason="bench", supersedes=None, supersedes_sha256=None,
        published_at="2026-11-29T05:00:00+08:00", code_version="0", lake_snapshot=1, complete=False, switches={},
        content_sha256="", files=tuple(files),
    ))  # fmt: skip


def measured(settings: Settings, given: argparse.Namespace) -> dict[str, Any]:
    """All numbers, from one run of the service."""
    store = Store(root_of(settings))
    listed = {item.format: item for item in store.manifest(1).files if item.dataset == DATASET}
    peer = [sys.executable, "-m", "bench.bare_files", str(store.folder(1))]
    with (
        service(settings.home) as running,
        subprocess.Popen(peer, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as bare,
    ):
        try:
            assert bare.stdout is not None
            bare_url = f"http://127.0.0.1:{int(bare.stdout.readline())}/"
            _records(running, given.rows)
            asyncio.run(_latest(running, given.consumers, 2))  # what is loaded once is loaded
            before = memory(running.number)
            files = {}
            for kind, item in listed.items():
                ours, theirs = [], []
                for _ in range(given.rounds):
                    ours.append(_curl(f"{running.base}/v1/files/{item.sha256}.{kind}", running.key, item.bytes))
                    theirs.append(_curl(bare_url + item.path, running.key, item.bytes))
                files[kind] = {
                    "bytes": item.bytes, "mb_s": round(statistics.median(ours)),
                    "bare_mb_s": round(statistics.median(theirs)),
                    "share": round(statistics.median(ours) / statistics.median(theirs), 2),
                }  # fmt: skip
            file_s = listed["ndjson.gz"].bytes / files["ndjson.gz"]["mb_s"] / 1e6
            rows, seconds = _records(running, given.rows)
            latest = asyncio.run(_latest(running, given.consumers, given.seconds))
            return {
                "files": files,
                "records": {"rows_s": round(rows / seconds), "file_rows_s": round(given.rows / file_s)},
                "latest": latest,
                "memory_mb": {"before": before, "after": memory(running.number)},
            }
        finally:
            bare.terminate()


def _curl(url: str, key: str, size: int) -> float:
    """Megabytes a second of a dozen downloads on one connection."""
    times = max(4, min(60, 400_000_000 // size))
    words = ["curl", "-s", "-H", f"Authorization: Bearer {key}", "-w", "%{size_download} %{time_total}\n"]
    for _ in range(times):
        words += ["-o", os.devnull, url]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()
    assert set(said[::2]) == {str(size)}, said
    return size * times / sum(float(item) for item in said[1::2]) / 1e6


def _records(running: Running, most: int) -> tuple[int, float]:
    """Rows as JSON pages of 10,000: their number and the seconds, for a fifth of all rows at the most."""
    began, rows, cursor = time.perf_counter(), 0, ""
    while rows < most / 5:
        request = urllib.request.Request(
            f"{running.base}/v1/datasets/{DATASET}/records?limit=10000{cursor}",
            headers={"Authorization": f"Bearer {running.key}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            page = json.load(answer)
        rows += len(page["items"])
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    return rows, time.perf_counter() - began


async def _latest(running: Running, consumers: int, seconds: float) -> dict[str, Any]:
    """Consumers on connections of their own that ask for `latest` with its ETag as fast as they are answered."""
    head = (
        f"GET /v1/datasets/{DATASET}/publications/latest HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.key}\r\n"
    ).encode()

    async def ask(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, more: bytes
    ) -> tuple[int, dict[str, str]]:
        writer.write(head + more + b"\r\n")
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if int(headers.get("content-length", 0)):
            await reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers

    took: list[float] = []
    statuses: set[int] = set()

    async def consumer() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        _, headers = await ask(reader, writer, b"")
        match = f"If-None-Match: {headers['etag']}\r\n".encode()
        while time.perf_counter() < end:
            began = time.perf_counter()
            status, _ = await ask(reader, writer, match)
            took.append(time.perf_counter() - began)
            statuses.add(status)
        writer.close()

    began = time.perf_counter()
    end = began + seconds
    await asyncio.gather(*(consumer() for _ in range(consumers)))
    took.sort()
    return {
        "consumers": consumers, "requests_s": round(len(took) / (time.perf_counter() - began)),
        "statuses": sorted(statuses),
        "p50_ms": round(took[len(took) // 2] * 1000, 1), "p99_ms": round(took[len(took) * 99 // 100] * 1000, 1),
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
