"""The whole city: makes the day's records, starts every transport, writes secrets, then `ready.json`."""

from __future__ import annotations

import json
import resource
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Self

from sandbox import drops, exchange, platforms, publisher
from sandbox.control import Control
from sandbox.gate import Gate, secret_names
from sandbox.keys import Keys, write
from sandbox.rest import Api, Server
from sandbox.store import Store
from sandbox.world import World

# Transports beside REST; each gives the names and values of its addresses, and may have stop and ensure_day.
OTHERS: dict[str, Callable[[World, Path], dict[str, str]]] = {
    "exchange": exchange.start,
    "drops": drops.write,
    "publisher": publisher.start,
}
WORKERS = 2


class Sandbox:
    """A running city. Use as a context manager; `ready` is what `ready.json` holds.

    `transports` names the modules besides REST that are started, `only` the platforms that answer REST calls
    (None: all).
    """

    def __init__(
        self,
        world: World,
        home: Path,
        transports: Sequence[str] = tuple(OTHERS),
        only: Sequence[str] | None = None,
    ) -> None:
        self.world, self.home, self.transports = world, home, transports
        self._platforms = tuple(only) if only is not None else platforms.names()
        self.ready: dict[str, Any] = {}
        self._keys = Keys(world.seed, home)
        self._store = Store(world, home / "rendered")
        self._running: list[Any] = []
        self._others: dict[str, Any] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make the records, open the ports, write secrets, `truth.json` and last `ready.json`."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "ready.json").unlink(missing_ok=True)
        began = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as pool:  # numpy and DuckDB let each other run
            list(pool.map(self._make, self._platforms))
        made, rows = time.perf_counter() - began, sum(item.rows for item in self.world.truth.values())
        values, ports = self._serve()
        for name in self.transports:
            values |= self._start(name)
        control = Control(self.world.day, self._publish, self._ensure_day)
        control.start()
        self._running.append(control)
        write(self.home / "secrets", values)
        _json(self.home / "truth.json", self.world.truth.as_dict())
        self.ready = {
            "day": self.world.day.isoformat(),
            "seed": self.world.seed,
            "scale": self.world.scale,
            "records": self.world.records is not None,
            "control": control.url,
            "secrets": str(self.home / "secrets"),
            "ports": ports,
            "feeds": {
                feed: {"rows": item.rows, "origins": item.origins} for feed, item in sorted(self.world.truth.items())
            },
            "generation": {
                "rest_records": rows,
                "rest_seconds": round(made, 2),
                "rest_records_per_s": round(rows / made) if made else 0,
                "records": sum(item.rows for item in self.world.truth.values()),
                "seconds": round(time.perf_counter() - began, 2),
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            },
        }
        _json(self.home / "ready.json", self.ready)

    def stop(self) -> None:
        """Stop everything, last started first; safe to call twice."""
        while self._running:
            self._running.pop().stop()

    def _publish(self, day: date) -> dict[str, int]:
        """Messages that the broker acknowledged, and how many of them nobody had subscribed to."""
        publisher = self._others.get("publisher")
        return asdict(publisher.publish(day)) if publisher is not None else {"published": 0, "unheard": 0}

    def _ensure_day(self, day: date) -> None:
        """REST days are made when asked for; the other transports must be told."""
        for other in self._others.values():
            if hasattr(other, "ensure_day"):
                other.ensure_day(day)

    def _make(self, platform: str) -> None:
        module = platforms.load(platform)
        for endpoint in platforms.endpoints(platform):
            dataset = module.DATASETS[endpoint.dataset]
            self._store.get(endpoint.dataset, dataset, endpoint.manner.format)

    def _serve(self) -> tuple[dict[str, str], dict[str, int]]:
        values: dict[str, str] = {}
        ports: dict[str, int] = {}
        for platform in self._platforms:
            endpoints = platforms.endpoints(platform)
            if not endpoints:
                continue
            for endpoint in endpoints:
                values |= {name: self._keys.value(name) for name in secret_names(platform, endpoint.manner.auth)}
            url = self._listen(platform)
            values[f"{platform}_url"], ports[platform] = url, int(url.rpartition(":")[2])
        return values, ports

    def _listen(self, platform: str) -> str:
        plan = self.world.plan
        if plan.has(platform, "dead") is not None:
            return f"http://127.0.0.1:{_closed_port()}"
        expired = plan.has(platform, "expired")
        api = Api(
            platform,
            {item.path: item for item in platforms.endpoints(platform)},
            dict(platforms.load(platform).DATASETS),
            self._store,
            plan,
            Gate(platform, self._keys, int(expired) if expired else None),
        )
        server = Server(api)
        server.start()
        self._running.append(server)
        return server.url

    def _start(self, name: str) -> Mapping[str, str]:
        other = OTHERS[name](self.world, self.home)
        self._others[name] = other
        if hasattr(other, "stop"):
            self._running.append(other)
        return other


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _json(path: Path, value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)  # a reader sees the whole file or none
