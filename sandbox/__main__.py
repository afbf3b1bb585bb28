"""`python -m sandbox serve --day D --seed N --scale S --records DIR --home DIR --fault NAME=KIND`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import date
from pathlib import Path

from cityhub.clock import yesterday
from sandbox.plan import KINDS, parse
from sandbox.serve import Sandbox
from sandbox.world import World, parse_scale


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 2 for a wrong option."""
    options = _parser().parse_args(arguments)
    try:
        plan, scale = parse(options.fault), parse_scale(options.scale)
    except ValueError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    if options.records is not None and not options.records.is_dir():
        sys.stderr.write(f"sandbox: --records {options.records}: no such folder\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    world = World(options.seed, options.day, scale, options.records, plan)
    with Sandbox(world, options.home) as city:
        made, ready = city.ready["generation"], options.home / "ready.json"
        sys.stdout.write(
            f"sandbox: {made['records']} records of {world.day} ready in {made['seconds']} s"
            f" ({made['rest_records_per_s']} records/s, {made['peak_mb']} MB); {ready}\n"
        )
        sys.stdout.flush()
        while not stop.wait(3600):
            pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The city in a box.")
    serve = parser.add_subparsers(required=True).add_parser("serve", help="start all platforms")
    serve.add_argument("--day", type=date.fromisoformat, default=yesterday(), help="service day, 2026-11-20")
    serve.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
    serve.add_argument("--scale", default="demo", help="demo (200 k records a day), county (5 M) or a number")
    serve.add_argument("--records", type=Path, help="folder of the public records")
    serve.add_argument("--home", type=Path, default=Path("var/sandbox"), help="where files go")
    serve.add_argument(
        "--fault",
        action="append",
        default=[],
        help=f"NAME=KIND[:ARG][,KIND], none; {', '.join(KINDS)}",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
