"""What quality costs: one million rows loaded with all that is checked, and with nothing checked, in one run.

`python -m bench.quality [--rows N] [--rounds N]`. The same landed delivery is loaded under two specs into hubs of their
own, round by round: `bare` has no bound, no required field, no check and no watch; `checked` is what department IT
would write (as the shipped feeds of positions), its load looks for drift and personal data, and the table checks
(great-expectations) and watches of its day follow. What a night pays once for all its feeds is told apart: the import
of great-expectations, and `night_s`, the checks and watches of a day of 1,000 rows in the same run. `whole_share` has
it in, `quality_share` is what the rows cost. Exit code 1 when that is 25 % of the bare load or more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.records import DAY, page
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from warehouse import lake
from warehouse.landing import Delivery, Manifest
from warehouse.load import load
from warehouse.prepare import prepare

PAGE = 5000
FEW = 1000
MOST = 0.25
CHECKS = [
    {"check": "row_count", "min": 1000, "severity": "critical"},
    {"check": "not_null", "column": "lon", "mostly": 0.95},
    {"check": "mean_between", "column": "speed_kmh", "min": 2, "max": 60},
    {"check": "distinct_at_least", "column": "terminal_phone", "min": 10},
]
OFF = [
    "late", "rows", "same_body", "clock", "frozen", "zero_run", "uniform", "silent", "gaps", "rate", "levels", "spikes",
    "counters", "places", "jumps", "strangers", "midnight",
]  # fmt: skip


def spec(*, checked: bool) -> FeedSpec:
    """The feed of vehicle positions, with everything or with nothing that is checked."""
    rules: dict[str, dict[str, Any]] = {
        "report_id": {"required": True, "pattern": "G[0-9]{9}"}, "terminal_phone": {"required": True},
        "ts": {"required": True}, "lon": {"min": 73, "max": 136}, "lat": {"min": 3, "max": 54},
        "speed_kmh": {"min": 0, "max": 200}, "direction_deg": {"min": 0, "max": 360}, "odo_km": {"min": 0},
        "acc": {"if_bad": "null"},
    }  # fmt: skip
    sources = ("id", "terminalPhone", "gpsTime", "lng", "lat", "speed", "direction", "mileage", "acc")
    kinds = ("text", "text", "timestamp", "double", "double", "double", "double", "double", "boolean")
    fields = {
        name: {"from": source, "type": kind} | (rules[name] if checked else {})
        for name, source, kind in zip(rules, sources, kinds, strict=True)
    }
    return FeedSpec.model_validate(
        {
            "feed": "bench.position", "title": {"zh": "车辆定位", "en": "Vehicle positions"}, "platform": "bench",
            "table": "bench_position", "description": "Positions of vehicles, for measurements.",
            "owner": {"department": "测试", "person": "测试", "phone": "0"},
            "source": {"kind": "rest", "address": "http://127.0.0.1"},
            "arrives": {"device": ["terminal_phone"]} if checked else {"min_rows": 0},
            "identity": {"key": ["report_id", "ts"], "day_from": "ts"}, "fields": fields,
            "location": {"lon": "lon", "lat": "lat", "system": "gcj02"},
            "checks": CHECKS if checked else [], "watch": {"frozen": ["speed_kmh"]} if checked else {"off": OFF},
        }
    )  # fmt: skip


def main() -> int:
    """Run the rounds and print one JSON object."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--rounds", type=int, default=3)
    options = asked.parse_args()
    day = date.fromisoformat(DAY)
    os.environ["CITYHUB_NOW"] = f"{day + timedelta(days=1)}T05:00:00+08:00"
    began = time.perf_counter()
    import expectations.run  # noqa: F401 - seconds, which no round shall hold

    imported = time.perf_counter() - began
    bodies, few = [page(number, PAGE) for number in range(1, options.rows // PAGE + 1)], [page(1, FEW)]
    bare, load_s, checks, watches, night, whole, rows = ([] for _ in range(7))  # type: list[float]
    for _ in range(options.rounds):
        plain, *_ = seconds(bodies, day, checked=False)
        _, *once = seconds(few, day, checked=True)
        loaded, checked, watched = seconds(bodies, day, checked=True)
        bare.append(plain)
        load_s.append(loaded)
        checks.append(checked)
        watches.append(watched)
        night.append(sum(once))
        whole.append((loaded + checked + watched) / plain - 1)
        rows.append((loaded + checked + watched - sum(once)) / plain - 1)
    told = {
        "bare": bare, "load": load_s, "table_checks": checks, "watches": watches, "night_s": night,
        "whole_share": whole, "quality_share": rows,
    }  # fmt: skip
    found = {name: round(statistics.median(values), 3) for name, values in told.items()}
    sys.stdout.write(json.dumps(found | {"import_s": round(imported, 2)}, indent=1) + "\n")
    return 1 if found["quality_share"] >= MOST else 0


def seconds(bodies: list[bytes], day: date, *, checked: bool) -> tuple[float, float, float]:
    """What load, table checks and watches take in a hub of their own; the last two without anything checked: zero."""
    from expectations.run import check_day
    from warehouse.watch.run import watch_day

    home = Path(tempfile.mkdtemp(prefix="cityhub-quality-"))
    try:
        settings = Settings(home, home / "feeds", str(home / "lake/catalog.sqlite"), str(home / "lake/data"))
        wanted = spec(checked=checked)
        prepare(settings, [wanted])
        manifest = landed(settings, bodies, day)
        with lake.connect(settings) as con:
            begin = time.perf_counter()
            result = load(settings, wanted, manifest, con=con)
            took = time.perf_counter() - begin
        assert result.loaded == sum(body.count(b'"id"') for body in bodies), result
        if not checked:
            return took, 0.0, 0.0
        with lake.connect(settings) as con:  # both in one connection, as the night does
            begin = time.perf_counter()
            check_day(settings, [wanted], day, con=con)
            between = time.perf_counter()
            watch_day(settings, [wanted], day, con=con)
            return took, between - begin, time.perf_counter() - between
    finally:
        shutil.rmtree(home)


def landed(settings: Settings, bodies: list[bytes], day: date) -> Manifest:
    """The delivery in landing."""
    with Delivery(settings.landing, "bench.position", day) as delivery:
        for body in bodies:
            delivery.add(body, "json", request="bench")
    assert delivery.manifest is not None
    return delivery.manifest


if __name__ == "__main__":
    sys.exit(main())
