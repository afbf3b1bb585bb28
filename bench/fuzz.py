"""Throw mutated and random frames at the decoders of HJ 212, JT/T 808 and JT/T 809.

    python -m bench.fuzz [hj212 jt808 jt809] [--frames 5000000] [--seed 1] [--jobs 2] [--json]
    python -m bench.fuzz hj212 --guided --seconds 300        # coverage-guided; needs atheris (see below)

Counted as failures: an exception, a frame that takes more than a second, an answer that is no JSON, a blob on which
the bulk landing fails, and a frame that is accepted although an independent reading finds its checksum and its length
both wrong. Half of the mutated frames get a true length and checksum again: otherwise nothing beyond the checksum
would be tested. Exit code 1 when there was a failure; each is printed with the frame.

atheris lives in an environment of its own:
    uv venv var/fuzz-venv
    uv pip install --python var/fuzz-venv/bin/python atheris numpy msgspec cryptography ruamel.yaml
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from typing import Any

from bench.fuzz_targets import TARGETS, Target, mutated

BATCH = 500
SLOW_S = 1.0


def judged(
    target: Target, decode_line: Callable[[str], dict[str, Any]], frame: bytes, seen: Counter[str]
) -> str | None:
    """What is wrong with the decoder's answer to this frame; None when nothing is."""
    started = time.thread_time()
    try:
        found = decode_line(target.line(frame))
        json.dumps(found).encode()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what we look for)
        return f"raised {type(error).__name__}: {error}"
    if time.thread_time() - started > SLOW_S:
        return f"took {time.thread_time() - started:.1f} s"
    if not found["ok"]:
        seen[f"refused: {found['error']['code']}"] += 1
        return None
    seen["accepted"] += 1
    return "accepted though checksum and length are both wrong" if target.both_wrong(frame) else None


def landed(target: Target, blob: bytes, seen: Counter[str]) -> str | None:
    """What is wrong with the bulk landing of a blob."""
    records = import_module(f"sensors.{target.name}.landing").records
    try:
        for record in records(blob, "2026-11-01T08:00:00+08:00", "fuzz"):
            seen["records"] += 1
            json.loads(record)
    except Exception as error:  # noqa: BLE001
        return f"landing raised {type(error).__name__}: {error}"
    return None


def run(name: str, frames: int, seed: int) -> dict[str, Any]:
    """`frames` frames for one decoder, with what came of them."""
    target, rng = TARGETS[name], random.Random(seed)
    decode_line = import_module(f"sensors.{name}.decode").decode_line
    seeds, seen, failures = target.seeds(), Counter[str](), []
    started = time.monotonic()
    for first in range(0, frames, BATCH):
        batch = [mutated(target, seeds, rng) for _ in range(min(BATCH, frames - first))]
        for frame in batch:
            problem = judged(target, decode_line, frame, seen)
            if problem is not None:
                failures.append({"problem": problem, "frame": frame.hex()})
        problem = landed(target, b"".join(batch), seen)
        if problem is not None:
            failures.append({"problem": problem, "frame": b"".join(batch).hex()})
    return {
        "protocol": name,
        "frames": frames,
        "seconds": round(time.monotonic() - started, 1),
        "seen": dict(seen),
        "failures": failures[:20],
        "failed": len(failures),
    }


def guided(name: str, seconds: int, seed: int) -> None:
    """libFuzzer over one decoder; an input's first byte says whether its checksum is made true. Ends the process."""
    try:
        import atheris
    except ImportError:
        raise SystemExit(f"--guided needs atheris:\n{__doc__.partition('atheris lives')[2]}") from None
    target = TARGETS[name]
    with atheris.instrument_imports(include=["sensors"]):
        decode_line = import_module(f"sensors.{name}.decode").decode_line
        import_module(f"sensors.{name}.landing")
    seen: Counter[str] = Counter()

    def one(data: bytes) -> None:
        frame = target.refit(data[1:]) if data[:1] < b"\x80" else data[1:]
        problem = judged(target, decode_line, frame, seen) or landed(target, frame, seen)
        if problem is not None:
            raise RuntimeError(problem)

    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as corpus:
        for number, frame in enumerate(target.seeds()):
            (Path(corpus) / str(number)).write_bytes(b"\xff" + frame)
            (Path(corpus) / f"r{number}").write_bytes(b"\x00" + frame)
        atheris.Setup(
            [
                sys.argv[0],
                corpus,
                f"-max_total_time={seconds}",
                f"-seed={seed}",
                "-max_len=2048",
                "-print_final_stats=1",
            ],
            one,
        )
        atheris.Fuzz()


def main() -> int:
    """Run what the command line asks for; 1 when a decoder failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("protocol", nargs="*", help=f"of {', '.join(TARGETS)}; default all")
    parser.add_argument("--frames", type=int, default=100_000, help="for each protocol")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--guided", action="store_true", help="coverage-guided, one protocol")
    parser.add_argument("--seconds", type=int, default=60, help="with --guided")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.protocol = given.protocol or list(TARGETS)
    if not set(given.protocol) <= set(TARGETS):
        parser.error(f"there are {', '.join(TARGETS)}")
    if given.guided:
        guided(given.protocol[0], given.seconds, given.seed)
        return 0
    share = -(-given.frames // given.jobs)
    with ProcessPoolExecutor(given.jobs) as pool:
        work = [
            pool.submit(run, name, share, given.seed * 1000 + job)
            for name in given.protocol
            for job in range(given.jobs)
        ]
        results = [one.result() for one in work]
    for result in results:
        if given.json:
            print(json.dumps(result))
        else:
            seen = ", ".join(f"{what} {number:,}" for what, number in sorted(result["seen"].items()))
            print(
                f"{result['protocol']}: {result['frames']:,} frames, {result['seconds']} s, {result['failed']} failed"
            )
            print(f"  {seen}")
            for failure in result["failures"]:
                print(f"  {failure['problem']}: {failure['frame'][:2000]}")
    return 1 if any(result["failed"] for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
