"""The MQTT gateway: one link per broker for all pushed feeds, a status file, an orderly end."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityhub import log
from cityhub.errors import HubError, Retry, Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors import status
from sensors.broker import brokers, refuse_lossy
from sensors.mqtt import Link
from sensors.spool import Limits, Spool
from warehouse.lake import lock

logger = log.get("cityhub.sensors")
KIND = "mqtt"


def run_mqtt(
    settings: Settings,
    specs: Iterable[FeedSpec],
    stop: threading.Event | None = None,
    *,
    limits: Limits | None = None,
    idle_s: float | None = None,
    patience_s: float | None = None,
    instance: int = 1,
) -> dict[str, Any]:
    """Take messages for all MQTT feeds among `specs` until `stop` (without one: until SIGTERM or SIGINT),
    then drain. The final status.

    `idle_s`: also end once every broker is subscribed and has been silent for so long. `patience_s`:
    raise `Retry` CH-PUSH-001 when a broker could not be subscribed within so long; by default it is tried
    for ever. `instance`: further gateways of an installation (2, 3, …) take their share of the shared
    subscriptions and nothing else. Raises `Usage` CH-PUSH-020/021 on settings that cannot work or lose messages,
    `Stop` CH-PUSH-005 beside another gateway, CH-PUSH-006 without feeds, CH-PUSH-023 without shared ones, and
    the broker's refusal (`Unauthorised` CH-PUSH-002/004 …) when all refuse.
    """
    limits = limits or Limits()
    found = brokers(specs)
    if not found:
        raise Stop("CH-PUSH-006", folder=str(settings.feeds))
    for broker in found:
        refuse_lossy(broker, limits.group_lines)
    kind = named(instance)
    served = list(enumerate(found))
    if instance > 1:
        served = [(number, kept) for number, broker in served if (kept := broker.shared_only())]
        if not served:
            raise Stop("CH-PUSH-023", instance=instance)
    changed = threading.Event()
    with ExitStack() as stack:
        if stop is None:  # we are the whole process
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
            stop = stack.enter_context(_signals())
        try:
            stack.enter_context(lock(settings, f"gateway-{kind}", timeout_s=10))
        except Retry:
            raise Stop("CH-PUSH-005", home=str(settings.home)) from None
        stem = _client_id(settings)
        suffix = f"-i{instance}" if instance > 1 else ""
        links = []
        for number, broker in served:
            spool = Spool(settings.spool, limits)
            spool.recover(dict.fromkeys(feed for feed, _ in broker.filters))
            client_id = broker.client_id or (f"{stem}-{number}" if number else stem)
            links.append(Link(broker, spool, client_id + suffix, changed.set))
        patience = _Patience(idle_s, patience_s)
        return _supervise(settings, kind, links, stop, changed, patience)


def named(instance: int) -> str:
    """The name of a gateway's status and lock: `mqtt`, `mqtt-2`, …"""
    return KIND if instance == 1 else f"{KIND}-{instance}"


@dataclass(frozen=True)
class _Patience:
    idle_s: float | None
    connect_s: float | None


def _supervise(
    settings: Settings,
    kind: str,
    links: Sequence[Link],
    stop: threading.Event,
    changed: threading.Event,
    patience: _Patience,
) -> dict[str, Any]:
    end, started, failure = threading.Event(), time.monotonic(), None
    shown: dict[str, Any] = {}
    written = 0.0
    with ThreadPoolExecutor(len(links), thread_name_prefix="mqtt") as pool:
        running = [pool.submit(link.run, end) for link in links]
        for future in running:
            future.add_done_callback(lambda _: changed.set())
        while not end.is_set():
            present = _status(links, _overall(links))
            if present != shown or time.monotonic() - written >= status.BEAT_S:
                status.write(settings, kind, present)
                shown, written = present, time.monotonic()
            if changed.wait(0.2 if patience.idle_s is None else 0.05):
                changed.clear()
            failure = _hopeless(links, time.monotonic() - started, patience.connect_s)
            if failure or stop.is_set() or any(future.done() for future in running) or _idle(links, patience.idle_s):
                end.set()
    for future in running:
        future.result()  # an error nobody expected ends the process loudly
    final = _status(links, "failed" if failure else "stopped", failure)
    status.write(settings, kind, final)
    if failure:
        raise failure
    return final


def _hopeless(links: Sequence[Link], seconds: float, patience_s: float | None) -> HubError | None:
    """Why it makes no sense to go on: every broker refuses us, or one stayed away for longer than the
    patience.
    """
    refusals = [link.error for link in links if link.error and not isinstance(link.error, Retry)]
    if len(refusals) == len(links) and not any(link.ever_ready for link in links):
        return refusals[0]
    if patience_s is not None and seconds > patience_s:
        return next((link.error for link in links if not link.ever_ready and link.error), None)
    return None


def _idle(links: Sequence[Link], idle_s: float | None) -> bool:
    return idle_s is not None and all(
        link.state == "ready" and not link.spool.waiting and time.monotonic() - link.last_message >= idle_s
        for link in links
    )


def _overall(links: Sequence[Link]) -> str:
    if any(link.state == "draining" for link in links):
        return "draining"
    if any(link.spool.failure for link in links):
        return "degraded"
    if all(link.state == "ready" for link in links):
        return "ready"
    return "degraded" if any(link.ever_ready or link.error for link in links) else "starting"


def _status(links: Sequence[Link], state: str, failure: HubError | None = None) -> dict[str, Any]:
    return {
        "kind": KIND,
        "state": state,
        "pid": os.getpid(),
        "subscribed": all(link.state == "ready" for link in links),
        "durable": sum(link.spool.durable for link in links),
        "error": failure.as_dict() if failure else None,
        "brokers": [
            {
                "address": link.broker.shown,
                "client_id": link.client_id,
                "state": link.state,
                "feeds": dict(link.broker.filters),
                "session_present": link.session_present,
                "connects": link.connects,
                "received": link.received,
                "duplicates": link.duplicates,
                "retained": link.retained,
                "unmatched": link.unmatched,
                "durable": link.spool.durable,
                "acknowledged": link.acknowledged,
                "waiting": link.spool.waiting,
                "last_received_at": link.last_received_at,
                "error": link.error.as_dict() if link.error else None,
                "spool_error": link.spool.failure.as_dict() if link.spool.failure else None,
            }
            for link in links
        ],
    }


def status_file(settings: Settings) -> Path:
    """Where `run_mqtt` says what it does: `subscribed` when it listens everywhere, `durable` counts lines."""
    return status.path(settings, KIND)


def _client_id(settings: Settings) -> str:
    """One id per installation for ever: the broker finds our session by it."""
    file = settings.home / "gateways" / "mqtt-client-id"
    with lock(settings, "gateway-client-id", timeout_s=10):  # several gateways may start at once
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            temporary = file.with_suffix(".tmp")
            temporary.write_text(f"cityhub-{secrets.token_hex(6)}\n", encoding="utf-8")
            temporary.replace(file)
    return file.read_text(encoding="utf-8").strip()


@contextmanager
def _signals() -> Iterator[threading.Event]:
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
