"""One million positions over HTTP into a table, merged on the key: the hub's whole path beside its peers.

`python -m bench.pull [--rows N] [--rounds N] [--json] [--without-dlt] [--geo]`. Every contender runs in a process
and a folder of its own, all in turn, round by round, against one server; the median of the rounds counts.
Exit code 1 when a target is missed or a row is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "var" / "bench-venv"
SIZE = 5000
# The hub's rows a second over those of the contender: at least this.
TARGETS = {"dlt_rest": 6.0, "dlt_arrow": 2.0, "limit": 0.5}


@dataclass(frozen=True)
class Contender:
    """A process that takes URL and folder and prints what it measured."""

    name: str
    title: str
    command: list[str]
    extra: list[str]


def contenders(*, dlt: bool, geo: bool) -> list[Contender]:
    """Who runs, in the order of a round."""
    here = [sys.executable, "-m"]
    found = [
        Contender("hub", "CityHub, whole path", [*here, "bench.contender_hub"], []),
        Contender("limit", "limit: urllib3, read_json, merge", [*here, "bench.contender_limit"], []),
    ]
    if geo:
        found.append(Contender("hub_geo", "CityHub, GCJ-02 and units too", [*here, "bench.contender_hub"], ["geo"]))
    if dlt:
        other = [str(ENVIRONMENT / "bin" / "python"), str(ROOT / "bench" / "contender_dlt.py")]
        found.append(Contender("dlt_arrow", "dlt, Arrow by hand", other, ["arrow"]))
        found.append(Contender("dlt_rest", "dlt rest_api, tuned", other, ["rest"]))
    return found


def environment() -> None:
    """dlt in an environment of its own, from the lock file: it must not share ours."""
    settings = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)}
    sync = ["uv", "sync", "--quiet", "--frozen", "--only-group", "bench", "--no-install-project"]
    subprocess.run(sync, cwd=ROOT, env=settings, check=True)
    import pyarrow

    wanted = f"pyarrow=={pyarrow.__version__}"
    install = ["uv", "pip", "install", "--quiet", "--python", str(ENVIRONMENT / "bin" / "python"), wanted]
    subprocess.run(install, cwd=ROOT, check=True)


def run(contender: Contender, url: str) -> dict[str, Any]:
    """One run in a fresh folder; raises `RuntimeError` with the end of its output when it fails."""
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=ROOT / "var"))
    try:
        done = subprocess.run(
            [*contender.command, url, str(folder), *contender.extra],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{contender.name} failed:\n{done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def summary(runs: dict[str, list[dict[str, Any]]], rows: int) -> dict[str, Any]:
    """Medians by contender, the hub's ratios to the others, and whether all is as it should be."""
    found = {
        name: {
            "rows_per_s": round(statistics.median(item["rows"] / item["seconds"] for item in items)),
            "cpu_s": statistics.median(item["cpu_s"] - item["startup_s"] for item in items),
            "startup_s": statistics.median(item["startup_s"] for item in items),
            "rss_mb": max(item["rss_mb"] for item in items),
            "complete": all(item["rows"] == rows for item in items),
        }
        for name, items in runs.items()
    }
    # Ratios within a round, then their median: what else the machine does hits a round alike.
    ratios = {
        name: round(
            statistics.median(
                other["seconds"] / mine["seconds"] for mine, other in zip(runs["hub"], runs[name], strict=True)
            ),
            2,
        )
        for name in runs
        if name in TARGETS
    }
    met = {name: ratio >= TARGETS[name] for name, ratio in ratios.items()}
    return {"rows": rows, "contenders": found, "ratios": ratios, "targets": TARGETS, "met": met}


def show(result: dict[str, Any], titles: dict[str, str]) -> None:
    """The result as a table."""
    table = Table("contender", "rows/s", "CPU s", "start-up s", "memory MB", "hub is … times", "target")
    for name, item in result["contenders"].items():
        ratio = result["ratios"].get(name)
        table.add_row(
            titles[name] + ("" if item["complete"] else " ROWS ARE MISSING"),
            f"{item['rows_per_s']:,}", f"{item['cpu_s']:.2f}", f"{item['startup_s']:.2f}", f"{item['rss_mb']:,}",
            "" if ratio is None else f"{ratio:.2f}", "" if ratio is None else f"≥ {TARGETS[name]:g}",
        )  # fmt: skip
    Console().print(table)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help=f"a multiple of {SIZE}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--without-dlt", action="store_true", help="only the hub and the limit")
    parser.add_argument("--geo", action="store_true", help="also the hub with coordinates and units")
    options = parser.parse_args()
    (ROOT / "var").mkdir(exist_ok=True)
    if not options.without_dlt:
        environment()
    every = contenders(dlt=not options.without_dlt, geo=options.geo)
    runs: dict[str, list[dict[str, Any]]] = {item.name: [] for item in every}
    rows = options.rows // SIZE * SIZE
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.server", str(rows), str(SIZE)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        for number in range(options.rounds):
            for item in every:
                found = run(item, url)
                runs[item.name].append(found)
                print(f"round {number + 1} {item.name}: {found}", file=sys.stderr)
    finally:
        server.terminate()
        server.wait()
    result = summary(runs, rows)
    if options.json:
        print(json.dumps(result))
    else:
        show(result, {item.name: item.title for item in every})
    complete = all(item["complete"] for item in result["contenders"].values())
    return 0 if complete and all(result["met"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
