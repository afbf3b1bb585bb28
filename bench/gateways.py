"""From socket to durable answer: frames a second of the TCP gateways, beside the limit of the loop and a naive peer.

    python -m bench.gateways [hj212 jt808 jt809] [--frames N] [--connections N] [--window N] [--idle N] [--rounds N]

Load and server are processes of their own, so two cores are at work. The hub's gateway is the process that compose
runs; an answer is sent when the group that holds its frame is synced. Rounds interleave the contenders; medians.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cityhub.settings import REPOSITORY

FRAMES = {"hj212": 200_000, "jt808": 1_000_000, "jt809": 200_000}
GOALS = {"hj212": 40_000, "jt808": 200_000, "jt809": 0}
CONTENDERS = ("hub", "null", "naive")
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(FRAMES))
    parser.add_argument("--frames", type=int)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--window", type=int, default=50)
    parser.add_argument("--idle", type=int, default=0, help="connections more that say nothing")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = {kind: measured(kind, given) for kind in given.kinds}
    if given.json:
        print(json.dumps(results, indent=1))
    else:
        for kind, found in results.items():
            print(f"{kind}: {given.connections} connections, {given.window} frames unanswered on each")
            for name, one in found.items():
                rate = f"{one['per_s']:>10,.0f} frames/s {one['cpu_us']:>7.2f} us CPU"
                print(f"  {name:6} {rate}  x{one['of_null']:.2f} of null")
    return int(any(found["hub"]["per_s"] < GOALS[kind] for kind, found in results.items()))


def measured(kind: str, given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Medians of all contenders for one protocol."""
    count = given.frames or FRAMES[kind]
    names = [name for name in CONTENDERS if name != "naive" or kind != "jt809"]
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(given.rounds):
        for name in names:
            number = count // 10 if name == "naive" else count
            with server(name, kind) as (process, port):
                cpu = cpu_seconds(process)
                window = 0 if name == "null" else given.window
                told = send(kind, port, number, given.connections, window, given.idle)
                spent = cpu_seconds(process) - cpu
            rounds[name].append((told["frames"] / told["seconds"], spent / told["frames"] * 1e6))
    medians = {
        name: {"per_s": statistics.median(r for r, _ in found), "cpu_us": statistics.median(c for _, c in found)}
        for name, found in rounds.items()
    }
    limit = medians["null"]["per_s"]
    return {name: {**found, "of_null": found["per_s"] / limit} for name, found in medians.items()}


def send(kind: str, port: int, count: int, connections: int, window: int, idle: int) -> dict[str, float]:
    """Run the load."""
    words = [str(word) for word in (port, count, connections, window, idle)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.gateways_load", "send", kind, *words],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def server(name: str, kind: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A contender, running; its port."""
    with tempfile.TemporaryDirectory(prefix="bench-gateway-", dir=os.environ.get("TMPDIR")) as folder:
        home = Path(folder)
        command = [sys.executable, "-m", "bench.gateways_load", name, kind]
        env = dict(os.environ)
        if name == "hub":
            (home / "feeds").mkdir()
            (home / "feeds" / "bench.frames.yaml").write_text(json.dumps(spec(kind)), encoding="utf-8")
            env |= {"CITYHUB_HOME": folder, "CITYHUB_FEEDS": str(home / "feeds")}
            command = [sys.executable, "-m", "sensors", kind]
        elif name == "naive":
            command.append(str(home / "frames"))
        process = subprocess.Popen(
            command, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert process.stdout is not None
        try:
            yield process, hub_port(home, kind, process) if name == "hub" else int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
            process.stdout.close()


def spec(kind: str) -> dict[str, Any]:
    """A feed that takes every frame."""
    return {
        "feed": "bench.frames", "platform": "bench", "table": "bench_frames", "title": {"zh": "帧", "en": "Frames"},
        "description": "Frames of a measurement", "owner": {"department": "d", "person": "p", "phone": "1"},
        "source": {"kind": kind, "listen": "127.0.0.1:0"}, "identity": {"key": ["a"]}, "fields": {"a": {"from": "a"}},
    }  # fmt: skip


def hub_port(home: Path, kind: str, process: subprocess.Popen[str]) -> int:
    """Where the gateway listens, once its status says so."""
    path = home / "gateways" / f"{kind}.json"
    while process.poll() is None:
        if path.is_file() and json.loads(path.read_text(encoding="utf-8"))["state"] == "ready":
            return int(json.loads(path.read_text(encoding="utf-8"))["listeners"][0]["port"])
        time.sleep(0.05)
    raise SystemExit("the gateway did not start")


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    """User and system time of a process so far."""
    words = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


if __name__ == "__main__":
    sys.exit(main())
