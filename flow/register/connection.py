"""`feed connect`: the steps to a source, whatever its transport; what a broker does comes after the network's steps."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cityhub.errors import Stop
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import Listening, MqttSource
from connectors.check import Step, check_connection, tried
from connectors.network import explain

if TYPE_CHECKING:
    from sensors.broker import Broker

LISTEN_S = 5.0


def steps(settings: Settings, spec: FeedSpec, day: date | None = None, *, listen_s: float = LISTEN_S) -> Iterator[Step]:
    """One step after the other, ending with the first that fails. Nothing is written."""
    del settings  # nothing of this installation is needed but its secrets
    good = True
    for step in check_connection(spec, day):
        yield step
        good = step.ok
    if good and isinstance(spec.source, MqttSource):
        yield from _broker(spec, listen_s)
    elif good and isinstance(spec.source, Listening):
        yield tried("gateway", lambda: _gateway(spec))


def _broker(spec: FeedSpec, listen_s: float) -> Iterator[Step]:
    from sensors.broker import brokers
    from sensors.visit import Visit

    def message(visit: Visit) -> str:
        if visit.hear(1, listen_s) == 0:
            raise Stop("CH-REG-051", feed=spec.feed, topic=visit.topic, seconds=f"{listen_s:g}")
        return "a message came"

    broker = brokers([spec])[0]
    with Visit(broker) as visit:
        first = [("tls", lambda: _tls(broker, spec.feed))] if broker.tls else []
        for name, attempt in (*first, ("login", visit.login), ("subscribe", visit.subscribe)):
            step = tried(name, attempt)
            yield step
            if not step.ok:
                return
        yield tried("first message", lambda: message(visit))


def _tls(broker: Broker, feed: str) -> str:
    """Shake hands with the authority and the certificate that the address names."""
    from sensors.tls import client_context

    context = client_context(broker)
    try:
        with (
            socket.create_connection((broker.host, broker.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as secure,
        ):
            return f"{secure.version()}, the certificate is trusted"
    except OSError as error:
        raise explain(error, host=broker.host, port=broker.port, seconds=10, feed=feed) from None


def _gateway(spec: FeedSpec) -> str:
    """Devices come to us: whether somebody is there to receive them."""
    from cityhub.clock import yesterday
    from connectors.expand import expand

    where = urlsplit("//" + expand(spec.source.address, yesterday(), feed=spec.feed).split("?")[0])
    host = "127.0.0.1" if where.hostname in {None, "0.0.0.0", "::"} else str(where.hostname)
    try:
        with socket.create_connection((host, where.port or 0), 3):
            return f"a gateway listens at port {where.port}"
    except OSError:
        raise Stop("CH-REG-052", feed=spec.feed, port=where.port, kind=spec.source.kind) from None
