"""What quality costs: one million rows loaded with all that is checked, and with nothing checked, in one run.

`python -m bench.quality [--rows N] [--rounds N]`. The same landed delivery is loaded under two specs into hubs of their
own, round by round: `bare` has no bound, no required field, no check and no watch; `checked` is what department IT
would write, its load looks for drift and personal data, and the table checks (great-expectations) and watches of its
day follow. The import of great-expectations, seconds once a night for all feeds, is apart. Exit code 1 when quality
costs 25 % of the bare load or more.
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
            "checks": CHECKS if checked else [], "watch": {} if checked else {"off": OFF},
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
    from expectations.run import check_day
    from warehouse.watch.run import watch_day

    imported = time.perf_counter() - began
    bodies = [page(number, PAGE) for number in range(1, options.rows // PAGE + 1)]
    times: dict[str, list[float]] = {"bare": [], "load": [], "table_checks": [], "watches": []}
    for _ in range(options.rounds):
        for checked in (False, True):
            home = Path(tempfile.mkdtemp(prefix="cityhub-quality-"))
            settings = Settings(home, home / "feeds", str(home / "lake/catalog.sqlite"), str(home / "lake/data"))
            wanted = spec(checked=checked)
            prepare(settings, [wanted])
            manifest = landed(settings, bodies, day)
            with lake.connect(settings) as con:
                begin = time.perf_counter()
                result = load(settings, wanted, manifest, con=con)
                times["load" if checked else "bare"].append(time.perf_counter() - begin)
            assert result.loaded == options.rows, result
            if checked:
                for name, step in (("table_checks", check_day), ("watches", watch_day)):
                    begin = time.perf_counter()
                    step(settings, [wanted], day)
                    times[name].append(time.perf_counter() - begin)
            shutil.rmtree(home)
    found = {name: round(statistics.median(values), 3) for name, values in times.items()}
    cost = [
        (load_s + checks + watches) / bare - 1
        for bare, load_s, checks, watches in zip(*times.values(), strict=True)
    ]  # fmt: skip
    found |= {"quality_share": round(statistics.median(cost), 3), "import_s": round(imported, 2)}
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 1 if found["quality_share"] >= MOST else 0


def landed(settings: Settings, bodies: list[bytes], day: date) -> Manifest:
    """The delivery in landing."""
    with Delivery(settings.landing, "bench.position", day) as delivery:
        for body in bodies:
            delivery.add(body, "json", request="bench")
    assert delivery.manifest is not None
    return delivery.manifest


if __name__ == "__main__":
    sys.exit(main())
