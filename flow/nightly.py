"""The whole night on one machine: city, gateway, the real DAGs, and what came of it."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from cityhub.errors import Stop
from cityhub.settings import Settings
from flow import city as box
from flow.airflow_env import environment
from flow.child import child, tail
from flow.steps import active, open_day
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


def run_night(settings: Settings, day: date, options: box.CityOptions | None, tell: Tell) -> Night:
    """Run feeds, quality, indicators, scoring and publication for one service day.

    `options` None: the sources that this installation's secrets name; else the sandbox is started.
    Raises `Retry` CH-LAKE-004 when another night is under way.
    """
    night = Night(day)
    started = time.monotonic()

    def lap(name: str) -> None:
        nonlocal started
        night.seconds[name] = round(time.monotonic() - started, 1)
        started = time.monotonic()

    with ExitStack() as stack:
        stack.enter_context(lake.lock(settings, "nightly", timeout_s=1))
        env = {"CITYHUB_RETRY_DELAY_S": "1", "CITYHUB_RETRIES": "1"}
        if options is not None:
            if box.identity_changed(settings, options):
                tell(
                    "note: this warehouse already holds another sandbox city; its rows stay (make clean starts anew)"
                )
            tell(f"sandbox: seed {options.seed}, scale {options.scale}, "
                 f"{'public records' if options.records else 'generated records'}")  # fmt: skip
            ready = stack.enter_context(box.city(settings, day, options))
            env["CITYHUB_SECRETS"] = str(settings.home / "sandbox" / "secrets")
            lap("sandbox")
        open_day(settings, day)
        lap("prepare")
        if options is not None and any(s.source.kind == "mqtt" for s in active(settings).values()):
            with box.gateway(settings, env) as running:
                night.messages = box.publish_messages(settings, ready, running)
            tell(f"gateway: {night.messages} messages acknowledged and spooled")
            lap("gateway")
        for record in run_dags(settings, day, env):
            night.dags += 1
            if record["state"] != "success":
                night.failed.append(record["dag"])
            tell(f"{record['dag']}: {record['state']} in {record['seconds']} s")
        lap("dags")
    return night


def run_dags(settings: Settings, day: date, env: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Run the DAGs in a child process; yields `{dag, state, seconds}` as each ends."""
    progress = settings.home / "logs" / "progress.jsonl"
    log = settings.home / "logs" / "airflow.log"
    progress.parent.mkdir(parents=True, exist_ok=True)
    progress.write_bytes(b"")
    command = [sys.executable, "-m", "flow.airflow_night", day.isoformat(), "--progress", str(progress)]
    with child(command, log, environment(settings) | env) as process:
        yield from _follow(progress, process.poll)
        code = process.wait()
    if code not in {0, 1}:
        raise Stop("CH-RUN-004", exit_code=code, log=str(log), detail=tail(log))


def _follow(progress: Path, ended: Callable[[], int | None]) -> Iterator[dict[str, Any]]:
    pause = threading.Event()
    with progress.open(encoding="utf-8") as lines:
        last_turn = False
        while True:
            for line in iter(lines.readline, ""):
                yield json.loads(line)
            if last_turn:
                return
            last_turn = ended() is not None
            if not last_turn:
                pause.wait(0.1)
