"""A month of a county's detail → all indicators: time, memory, growth, against SQL by hand, and one late day.

    python -m bench.indicators [--days 30] [--rows-per-day 5000000] [--rounds 3] [--memory 1500MB] [--home FOLDER]

Every step is a process of its own, so that its peak memory is its own. CPU seconds (all threads) decide, since what
else a machine does moves the clock alone; both are told. Exit code 1 when a goal is missed. `--home` leaves the lake
there; otherwise it is removed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench import county
from cityhub import clock
from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.read import read_all
from indicators import engine, kept, run, views
from indicators.definitions import HUB_TABLES
from indicators.definitions import read_all as definitions
from indicators.period import of_day
from warehouse import lake

Step = Callable[[Settings, argparse.Namespace], dict[str, Any]]
MOST_MB = 4096
MOST_GROWTH, MOST_TO_HAND, MOST_LATE = 1.25, 1.3, 0.1
BY_HAND = Path(__file__).with_name("indicators_by_hand.sql")


def main() -> int:
    """Generate, measure, print, tidy up."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--days", type=int, default=30)
    asked.add_argument("--rows-per-day", type=int, default=5_000_000)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--memory", default="1500MB", help="CITYHUB_MEMORY")
    asked.add_argument("--home", type=Path)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--step", choices=sorted(STEPS), help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.step:
        print(json.dumps(_measured(STEPS[given.step], given)), flush=True)
        return 0
    kept_home = given.home is not None
    given.home = given.home or Path(tempfile.mkdtemp(prefix="cityhub-indicators-"))
    try:
        told = {name: _process(name, given) for name in STEPS}
    finally:
        if not kept_home:
            shutil.rmtree(given.home)
    found = judged(told, given.days)
    print(json.dumps(told | found, indent=1) if given.json else "\n".join(f"{k}: {v}" for k, v in found.items()))
    return 0 if all(found["goals"].values()) else 1


def judged(told: dict[str, Any], days: int) -> dict[str, Any]:
    """The numbers that goals are about."""
    each, month = told["month"]["day_cpu_s"], told["month"]["month_cpu_s"]
    whole = sum(each) + month
    # the first day has no day before it to look back at, and warms up: the second one stands for a single day
    growth = whole / days / (each[min(1, days - 1)] + told["month"]["first_month_cpu_s"])
    ratios = told["by_hand"]["ratio"]
    found: dict[str, Any] = {
        "rows": told["generate"]["rows"],
        "lake_mb": told["generate"]["lake_mb"],
        "month_wall_s": told["month"]["wall_s"],
        "month_cpu_s": round(whole, 1),
        "peak_mb": max(told[name]["rss_mb"] for name in ("month", "late_feed", "late_day")),
        "growth": round(growth, 2),
        "to_sql_by_hand": ratios,
        "to_sql_by_hand_all": told["by_hand"]["ratio_all"],
        "late_feed": round(told["late_feed"]["cpu_s"] / whole, 3),
        "late_day": round(told["late_day"]["cpu_s"] / whole, 3),
    }
    found["goals"] = {
        f"memory under {MOST_MB} MB": found["peak_mb"] <= MOST_MB,
        f"growth under {MOST_GROWTH}": growth <= MOST_GROWTH,
        f"at most {MOST_TO_HAND} times SQL by hand": max(ratios.values()) <= MOST_TO_HAND,
        f"a late day at most {MOST_LATE} of the month": max(found["late_feed"], found["late_day"]) <= MOST_LATE,
    }
    return found


def _generate(settings: Settings, given: argparse.Namespace) -> dict[str, Any]:
    specs = read_all(settings.feeds)
    county.ready(settings, specs)
    rows = sum(county.add_day(settings, specs, day, given.rows_per_day) for day in _days(given))
    return {"rows": rows, "lake_mb": _size_mb(Path(settings.data))}


def _month(settings: Settings, given: argparse.Namespace) -> dict[str, Any]:
    """Every day in turn, then the month, as a back-fill does it; the month once after the first day, too."""
    name = clock.month_of(county.FIRST)
    each: list[float] = []
    months: list[float] = []
    for day in _days(given):
        each.append(_cpu(engine.compute_day, settings, day))
        if day in {county.FIRST, _days(given)[-1]}:
            months.append(_cpu(engine.compute_month, settings, name, day))
    return {"day_cpu_s": each, "first_month_cpu_s": months[0], "month_cpu_s": months[-1]}


def _late_feed(settings: Settings, given: argparse.Namespace) -> dict[str, Any]:
    """The heaviest feed brings some rows of the middle day once more."""
    return _late(settings, given, {"mk_position"})


def _late_day(settings: Settings, given: argparse.Namespace) -> dict[str, Any]:
    """Every feed does."""
    return _late(settings, given, {*county.shape()["series"], *county.shape()["events"]})


def _late(settings: Settings, given: argparse.Namespace, tables: set[str]) -> dict[str, Any]:
    day = county.FIRST + timedelta(days=given.days // 2)
    county.add_late(settings, tables, day)
    seconds = _cpu(engine.compute_dirty, settings)
    with lake.connect(settings) as con:
        marks = con.execute("SELECT COUNT(*) FROM dirty_day").fetchone()
    assert marks == (0,), "late rows are not dealt with"
    return {"day": day.isoformat(), "tables": len(tables), "cpu_s": seconds}


def _by_hand(settings: Settings, given: argparse.Namespace) -> dict[str, Any]:
    """The engine's statements and those by hand in turn, over the last day; both must give the same numbers."""
    period = of_day(_days(given)[-1])
    texts = dict(part.split("\n", 1) for part in BY_HAND.read_text(encoding="utf-8").split("-- name: ")[1:])
    found = definitions()
    seconds: dict[str, tuple[list[float], list[float]]] = {code: ([], []) for code in texts}
    with lake.connect(settings) as con:
        tables = {table for item in found.values() for table in item.reads()}
        views.create(con, tables)
        kept.keep(con, tables - HUB_TABLES)
        for _ in range(given.rounds + 1):  # the first round warms up
            for code, text in texts.items():
                begin = time.process_time()
                ours = run.sums(con, found[code], found[code].sql or "", period)
                middle = time.process_time()
                theirs = con.execute(text, {"day": period.first}).fetchall()
                seconds[code][1].append(time.process_time() - middle)
                seconds[code][0].append(middle - begin)
                _compare(code, ours, theirs)
    cost = {code: [statistics.median(times[1:]) for times in both] for code, both in seconds.items()}
    return {
        "engine_cpu_s": {code: round(ours, 3) for code, (ours, _) in cost.items()},
        "hand_cpu_s": {code: round(hand, 3) for code, (_, hand) in cost.items()},
        "ratio": {code: round(ours / hand, 2) for code, (ours, hand) in cost.items()},
        "ratio_all": round(sum(ours for ours, _ in cost.values()) / sum(hand for _, hand in cost.values()), 2),
    }


def _compare(code: str, ours: dict[str, list[run.Sums]], theirs: list[tuple[Any, ...]]) -> None:
    """Stop where the two do not give the same units with the same numbers."""
    mine = {(kind, row.unit and row.unit.split(":")[-1]): row for kind, rows in ours.items() for row in rows}
    hand = {(kind, unit): (numerator, denominator) for kind, unit, numerator, denominator in theirs}
    assert set(mine) == set(hand), f"{code}: other units"
    for key, row in mine.items():
        for one, other in zip((row.numerator, row.denominator), hand[key], strict=True):
            equal = one is other if one is None or other is None else math.isclose(one, other, rel_tol=1e-9)
            assert equal, f"{code} {key}: {one} and {other}"


def _days(given: argparse.Namespace) -> list[date]:
    return [county.FIRST + timedelta(days=number) for number in range(given.days)]


def _cpu(work: Callable[..., Any], *arguments: Any) -> float:
    """CPU seconds of all threads."""
    begin = time.process_time()
    result = work(*arguments)
    assert not getattr(result, "errors", ()), result.errors
    return round(time.process_time() - begin, 2)


def _measured(step: Step, given: argparse.Namespace) -> dict[str, Any]:
    home: Path = given.home
    settings = Settings(home, REPOSITORY / "feeds", str(home / "lake/catalog.sqlite"), str(home / "lake/data"))
    begin = time.perf_counter()
    found = step(settings, given)
    wall = round(time.perf_counter() - begin, 1)
    return found | {"wall_s": wall, "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def _process(name: str, given: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.indicators", "--step", name, "--home", str(given.home)]
    command += ["--days", str(given.days), "--rows-per-day", str(given.rows_per_day), "--rounds", str(given.rounds)]
    environment = os.environ | {"CITYHUB_MEMORY": given.memory, "CITYHUB_THREADS": "2"}
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    sys.stderr.write(f"{name}: {told['wall_s']} s, {told['rss_mb']} MB\n")
    return told


def _size_mb(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 2**20


STEPS: dict[str, Step] = {
    "generate": _generate,
    "month": _month,
    "by_hand": _by_hand,
    "late_feed": _late_feed,
    "late_day": _late_day,
}

if __name__ == "__main__":
    sys.exit(main())
