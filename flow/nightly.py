"""The whole night on one machine: city, gateway, the real DAGs, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cityhub.settings import Settings
from flow import city as box
from flow.observe import nights
from flow.steps import active, open_day
from flow.workers import plan, run_plan, workers
from warehouse import lake

Tell = Callable[[str], None]


@dataclass
class Night:
    """What a night was: seconds by phase, DAGs that did not succeed, MQTT messages published."""

    day: date
    seconds: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    dags: int = 0
    messages: int = 0


def run_night(settings: Settings, day: date, options: box.CityOptions | None, tell: Tell, *, jobs: int = 2) -> Night:
    """Run feeds, quality, indicators, scoring and publication for one service day.

    `options` None: the sources that this installation's secrets name; else the sandbox is started. `jobs`: worker
    processes at most.
    Raises `Retry` CH-LAKE-004 when another night is under way.
    """
    night = Night(day)
    last = time.monotonic()

    def lap(name: str) -> None:
        nonlocal last
        night.seconds[name] = round(time.monotonic() - last, 1)
        last = time.monotonic()

    with ExitStack() as stack:
        stack.enter_context(lake.lock(settings, "nightly", timeout_s=1))
        env = {"CITYHUB_RETRIES": "0"}  # connectors try again themselves; nobody waits minutes for a task here
        if options is not None:
            env["CITYHUB_SECRETS"] = str(settings.home / "sandbox" / "secrets")
        name = nights.begin(settings, day)
        env["CITYHUB_NIGHT"] = name
        started = stack.enter_context(workers(settings, day, env, jobs))
        if options is not None:
            if box.identity_changed(settings, options):
                tell("note: this warehouse already holds another sandbox city; its rows stay (make clean starts anew)")
            tell(f"sandbox: seed {options.seed}, scale {options.scale}, "
                 f"{'public records' if options.records else 'generated records'}")  # fmt: skip
            ready = stack.enter_context(box.city(settings, day, options))
            lap("sandbox")
        open_day(settings, day)
        lap("prepare")
        if options is not None and not box.already_sent(settings, day, options):
            with box.gateway(settings, env) as running:
                night.messages = box.publish_messages(settings, ready, running)
            box.remember_sent(settings, day, options)
            tell(f"gateway: {night.messages} messages acknowledged and spooled")
            lap("gateway")
        progress = settings.home / "logs" / "progress.jsonl"
        progress.write_bytes(b"")
        ended: list[dict[str, Any]] = []
        for record in run_plan(started, plan(active(settings))):
            night.dags += 1
            ended.append(record)
            with progress.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(record) + "\n")
            if record["state"] != "success":
                night.failed.append(record["dag"])
            why = "" if record["state"] == "success" else nights.why(settings, day, record["dag"])
            tell(f"{record['dag']}: {record['state']} in {record['seconds']} s{why}")
        lap("dags")
        tell(nights.hint(nights.end(settings, day, name, dags=ended, phases=night.seconds)))
    return night
