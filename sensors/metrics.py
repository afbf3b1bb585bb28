"""What a gateway does, for Prometheus: `/metrics`, and `/health` for whoever only wants to know whether it is well.

Numbers are read when somebody asks, so a frame costs nothing here. `metered` serves them while a block runs:

    with metered(settings, "mqtt", "127.0.0.1:9460"):
        run_mqtt(settings, specs)
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cityhub import log
from cityhub.errors import Usage
from cityhub.settings import Settings
from sensors import status

logger = log.get("cityhub.sensors")
PORTS = {"mqtt": 9460, "hj212": 9461, "jt808": 9462, "jt809": 9463}
BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
PREFIX = "cityhub_gateway_"
_BROKER = ("received", "duplicates", "retained", "unmatched", "acknowledged", "connects")


def address(kind: str, given: str | None) -> tuple[str, int] | None:
    """Where to serve: `host:port` as given, loopback and the kind's own port by default, None for `off`.

    Raises `Usage` CH-PUSH-035 for what is neither.
    """
    if given == "off":
        return None
    host, _, port = (given or f"127.0.0.1:{PORTS[kind]}").rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise Usage("CH-PUSH-035", address=given)
    return host.strip("[]"), int(port)


class Numbers(Collector):
    """Counters and gauges of a gateway, made from its status: `{"durable": …, "numbers": {name: value or
    {label: value}}, "brokers": [...]}`.
    """

    def __init__(self, kind: str, read: Callable[[], Mapping[str, Any] | None]) -> None:
        self._kind, self._read = kind, read

    def collect(self) -> Iterable[Metric]:
        """The metrics as they are now."""
        content = self._read()
        if content is None:
            return
        up = GaugeMetricFamily(PREFIX + "ready", "1 when it listens everywhere and can write", labels=["gateway"])
        up.add_metric([self._kind], float(content.get("state") == "ready"))
        yield up
        yield self._counter("durable_lines", "lines of the spool that are on disk", content.get("durable", 0))
        for name, value in content.get("numbers", {}).items():
            yield from self._family(name, value)
        brokers = content.get("brokers", [])
        for name in _BROKER if brokers else ():
            family = CounterMetricFamily(PREFIX + name, f"{name}, by broker", labels=["gateway", "broker"])
            for broker in brokers:
                family.add_metric([self._kind, broker["address"]], float(broker.get(name, 0)))
            yield family

    def _counter(self, name: str, told: str, value: float) -> Metric:
        family = CounterMetricFamily(PREFIX + name, told, labels=["gateway"])
        family.add_metric([self._kind], float(value))
        return family

    def _family(self, name: str, value: Any) -> Iterator[Metric]:
        told, label, counted = NAMES.get(name, (name.replace("_", " "), "what", True))
        kind = CounterMetricFamily if counted else GaugeMetricFamily
        parts = value if isinstance(value, Mapping) else None
        family = kind(PREFIX + name, told, labels=["gateway", label] if parts is not None else ["gateway"])
        for part, number in (parts or {}).items():
            family.add_metric([self._kind, str(part)], float(number))
        if parts is None and value is not None:
            family.add_metric([self._kind], float(value))
        yield family


# name: what it says, the label of its parts, whether it only grows
NAMES = {
    "connections": ("connections that are open", "listener", False),
    "accepted": ("connections accepted", "listener", True),
    "refused": ("connections closed unheard", "reason", True),
    "ended": ("connections ended", "reason", True),
    "frames": ("frames, by outcome", "outcome", True),
    "received_bytes": ("bytes received", "listener", True),
    "waiting_bytes": ("bytes of the spool that are not on disk", "feed", False),
    "last_frame_age_seconds": ("seconds since the last frame", "listener", False),
    "reading": ("1 while input is read, 0 while the disk holds it up", "listener", False),
}


def fsync_seconds(registry: CollectorRegistry, kind: str) -> Callable[[float], None]:
    """A histogram of the time that the disk takes for one group; returns its `observe`."""
    family = Histogram(
        PREFIX + "fsync_seconds", "seconds until a group is on disk", ["gateway"], buckets=BUCKETS, registry=registry
    )
    observe: Callable[[float], None] = family.labels(kind).observe
    return observe


@contextmanager
def metered(
    settings: Settings,
    kind: str,
    given: str | None = None,
    *,
    registry: CollectorRegistry | None = None,
    read: Callable[[], Mapping[str, Any] | None] | None = None,
) -> Iterator[int | None]:
    """Serve `/metrics` and `/health` of a gateway until the block ends; the port, None when nothing is served.

    Without `read` the numbers are those of the gateway's status file. A port that is taken is logged, never an
    error: a gateway must not stay down for want of its metrics.
    """
    where = address(kind, given)
    registry = registry or CollectorRegistry()
    registry.register(Numbers(kind, read or (lambda: status.read(settings, kind))))
    server = _server(where, registry, lambda: status.healthy(settings, kind), kind) if where else None
    if server is None:
        yield None
        return
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # the HTTP server's own asks the name service for our name


def _server(
    where: tuple[str, int], registry: CollectorRegistry, healthy: Callable[[], bool], kind: str
) -> ThreadingHTTPServer | None:
    class Answer(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._send(200, generate_latest(registry), CONTENT_TYPE_LATEST)
            elif path == "/health":
                well = healthy()
                self._send(200 if well else 503, json.dumps({"gateway": kind, "healthy": well}).encode())
            else:
                self._send(404, b'{"there is": ["/metrics", "/health"]}')

        def _send(self, code: int, body: bytes, kind: str = "application/json") -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """A scrape every few seconds is no event."""

    try:
        return _Server(where, Answer)
    except OSError as error:
        place = f"{where[0]}:{where[1]}"
        log.event(logger, "metrics_not_served", level=logging.WARNING, address=place, detail=error)
        return None
