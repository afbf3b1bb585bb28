"""A TCP gateway: one process per kind for all ports of its feeds, a status file, metrics, an orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from cityhub import log
from cityhub.errors import HubError, Retry, Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors import status
from sensors.finish import finishing
from sensors.metrics import fsync_seconds, metered
from sensors.spool import Limits, Spool
from sensors.tcp.dialects import Make, maker
from sensors.tcp.listen import Listener, listeners
from sensors.tcp.protocol import Dialect
from sensors.tcp.server import Server
from warehouse.lake import lock

logger = log.get("cityhub.sensors")
GROUP_S = 0.002
FILES = 64  # descriptors beside those of connections: segments, catalog, log
LOOK_S = 0.1


def run_tcp(
    settings: Settings,
    specs: Iterable[FeedSpec],
    kind: str,
    stop: threading.Event | None = None,
    *,
    limits: Limits | None = None,
    make: Make | None = None,
    spool: Callable[..., Spool] = Spool,
    metrics: str | None = "off",
    lock_s: float = 10.0,
) -> dict[str, Any]:
    """Take frames for all feeds of `kind` among `specs` until `stop` (without one: until SIGTERM or SIGINT), then
    drain: read no more, make durable, answer, close. The final status.

    `specs` also holds the registries that feeds name. `metrics`: where `/metrics` is served (see
    `sensors/metrics.py`). `limits.group_s` is how long a group gathers at least. Raises `Usage` CH-PUSH-030 and
    `Stop` CH-PUSH-031/034 for listening addresses that cannot be used, `Stop` CH-PUSH-032 beside another gateway of
    the kind, CH-PUSH-033 without feeds, `Usage` CH-PUSH-036 for units that cannot be converted.
    """
    limits = limits or replace(Limits(), group_s=GROUP_S)
    known = {spec.feed: spec for spec in specs}
    found = listeners(kind, known.values())
    if not found:
        raise Stop("CH-PUSH-033", kind=kind, folder=str(settings.feeds))
    for spec in known.values():
        finishing(spec)  # said now, not when the first frames land
    _room_for(sum(listener.connections for listener in found))
    if stop is None:  # we are the whole process
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(settings, f"gateway-{kind}", timeout_s=lock_s))
        except Retry:
            raise Stop("CH-PUSH-032", kind=kind, home=str(settings.home)) from None
        make = make or maker(settings, known, stack)
        dialects = {listener: make(listener) for listener in found}
        registry = CollectorRegistry()
        observe = fsync_seconds(registry, kind)

        def timed(fd: int) -> None:
            began = time.monotonic()
            os.fsync(fd)
            observe(time.monotonic() - began)

        own = spool(settings.spool, limits, sync=timed)
        own.recover(dict.fromkeys(feed for listener in found for feed in listener.feeds))
        gateway = _Gateway(settings, kind, found, dialects, own)
        stack.enter_context(metered(settings, kind, metrics, registry=registry, read=gateway.present))
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(gateway.run(stop))


class _Gateway:
    def __init__(
        self,
        settings: Settings,
        kind: str,
        found: Sequence[Listener],
        dialects: dict[Listener, Dialect],
        spool: Spool,
    ) -> None:
        self._settings, self._kind, self._found = settings, kind, found
        self._dialects, self._spool = dialects, spool
        self._server: Server | None = None

    async def run(self, stop: threading.Event | None) -> dict[str, Any]:
        """Serve until `stop` or a signal."""
        server = self._server = Server(self._found, self._dialects, self._spool)
        ended = asyncio.Event()
        try:
            server.bind()
        except HubError as error:
            status.write(self._settings, self._kind, self._status("failed", error))
            raise
        places = ", ".join(f"{one.host}:{port}" for one, port in server.ports.items())
        log.event(logger, "gateway_listens", gateway=self._kind, listen=places)
        if stop is None:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, ended.set)
        telling = asyncio.create_task(self._tell(stop, ended))
        try:
            complete = await server.run(ended)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        log.event(logger, "gateway_drained", gateway=self._kind, durable=server.committer.lines, complete=complete)
        final = self._status("stopped")
        status.write(self._settings, self._kind, final)
        return final

    async def _tell(self, stop: threading.Event | None, ended: asyncio.Event) -> None:
        """Keep the status file; look at `stop`."""
        shown, written = None, 0.0
        while True:
            present = self._status(self._state())
            now = time.monotonic()
            # the state at once, counters at most twice a second: tests and people wait for them
            key = (present["state"], present["durable"], present["open"])
            if (key != shown and now - written >= 0.5) or present["state"] != (shown or [None])[0]:
                shown, written = key, now
                await asyncio.to_thread(status.write, self._settings, self._kind, present)
            elif now - written >= status.BEAT_S:
                written = now
                await asyncio.to_thread(status.write, self._settings, self._kind, present)
            if stop is not None and stop.is_set():
                ended.set()
            await asyncio.sleep(LOOK_S)

    def present(self) -> dict[str, Any]:
        """The status as it is now."""
        return self._status(self._state())

    def _state(self) -> str:
        server = self._server
        if server is None or not server.ports:
            return "starting"
        if server.draining:
            return "draining"
        return "degraded" if server.committer.failed else "ready"

    def _status(self, state: str, failure: HubError | None = None) -> dict[str, Any]:
        server = self._server
        if server is None:
            return {"kind": self._kind, "state": state, "pid": os.getpid()}
        trouble = self._spool.failure
        age = None if server.last_frame is None else round(server.now() - server.last_frame, 3)
        return {
            "kind": self._kind,
            "state": state,
            "pid": os.getpid(),
            "durable": server.committer.lines,
            "open": len(server.connections),
            "error": failure.as_dict() if failure else None,
            "spool_error": trouble.as_dict() if trouble else None,
            "listeners": [
                {"listen": one.shown, "port": server.ports.get(one), "feeds": list(one.feeds), "tls": bool(one.cert)}
                for one in self._found
            ],
            "numbers": {
                "connections": len(server.connections),
                "accepted": server.accepted,
                "refused": dict(server.refused),
                "ended": dict(server.ends),
                "frames": dict(server.frames),
                "received_bytes": server.bytes,
                "waiting_bytes": server.committer.waiting_bytes,
                "last_frame_age_seconds": age,
                "reading": int(server.reading),
            },
        }


def _room_for(connections: int) -> None:
    """Raise the limit of open files as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        if most < wanted:
            log.event(logger, "few_open_files", level=logging.WARNING, allowed=most, wanted=wanted)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
