"""The city in a box and the gateway, as children of the nightly run."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from cityhub.settings import Settings
from flow.child import child, wait_until

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class CityOptions:
    """What city the sandbox plays: same options, same bytes."""

    seed: int = 1
    scale: str = "demo"
    records: Path | None = None
    faults: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What makes the records of one city differ from another's."""
        return {"seed": self.seed, "scale": self.scale, "records": self.records is not None}


@contextmanager
def city(settings: Settings, day: date, options: CityOptions) -> Iterator[dict[str, Any]]:
    """Run the sandbox; yields its `ready.json` (secrets folder, control address, counts)."""
    home = settings.home / "sandbox"
    ready = home / "ready.json"
    ready.unlink(missing_ok=True)
    log = settings.home / "logs" / "sandbox.log"
    command = [sys.executable, "-m", "sandbox", "serve", "--day", day.isoformat(), "--home", str(home)]
    command += ["--seed", str(options.seed), "--scale", options.scale]
    if options.records:
        command += ["--records", str(options.records.resolve())]
    for fault in options.faults:
        command += ["--fault", fault]
    with child(command, log) as process:
        wait_until(ready.exists, process, name="the sandbox", log=log, seconds=300)
        yield json.loads(ready.read_text(encoding="utf-8"))


def identity_changed(settings: Settings, options: CityOptions) -> bool:
    """Whether this warehouse already holds the records of another city; remembers the present one."""
    note = settings.home / "sandbox" / "city.json"
    before = json.loads(note.read_text(encoding="utf-8")) if note.exists() else None
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(options.identity()), encoding="utf-8")
    return before is not None and before != options.identity()


@contextmanager
def gateway(settings: Settings, env: dict[str, str]) -> Iterator[Process]:
    """Run the MQTT gateway until the block ends; inside it is subscribed."""
    from sensors.gateway import status_file

    log = settings.home / "logs" / "gateway.log"
    status = status_file(settings)
    status.unlink(missing_ok=True)
    with child([sys.executable, "-m", "cli.main", "gateway", "run", "mqtt"], log, env) as process:
        wait_until(lambda: _subscribed(status), process, name="the MQTT gateway", log=log, seconds=60)
        yield process


def _subscribed(status: Path) -> bool:
    if not status.exists():
        return False
    try:
        return bool(json.loads(status.read_text(encoding="utf-8")).get("subscribed"))
    except json.JSONDecodeError:
        return False


def already_sent(settings: Settings, day: date, options: CityOptions) -> bool:
    """Whether the day's messages of this city are in the spool already: a device does not send twice what was
    acknowledged."""
    note = _sent_note(settings, day)
    return note.exists() and json.loads(note.read_text(encoding="utf-8")) == options.identity()


def remember_sent(settings: Settings, day: date, options: CityOptions) -> None:
    """Note that the gateway has made the day's messages durable."""
    _sent_note(settings, day).write_text(json.dumps(options.identity()), encoding="utf-8")


def _sent_note(settings: Settings, day: date) -> Path:
    return settings.home / "sandbox" / f"sent-{day}.json"


def publish_messages(settings: Settings, ready: dict[str, Any], running: Process) -> int:
    """Ask the sandbox to publish the day's MQTT messages; the number that the broker acknowledged.

    Returns when the gateway has made at least as many durable: the broker's acknowledgement only says that it
    queued them, and the sandbox's broker ends with the night. Raises `Stop` CH-RUN-001 after 120 s.
    """
    from sensors.status import read

    def durable() -> int:
        return int((read(settings, "mqtt") or {}).get("durable", 0))

    before = durable()
    request = urllib.request.Request(f"{ready['control']}/publish", method="POST")
    with urllib.request.urlopen(request, timeout=300) as answer:
        told = json.loads(answer.read())
    published = int(told["published"]) - int(told.get("unheard", 0))
    log = settings.home / "logs" / "gateway.log"
    name = "the gateway's spool"
    wait_until(lambda: durable() >= before + published, running, name=name, log=log, seconds=120)
    return published
