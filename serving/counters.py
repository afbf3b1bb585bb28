"""What Prometheus may know of the service: answers by address and status, how long they took, what was published."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Counters:
    """The numbers of one running service. No name of a key stands in them: anybody may read them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._answers = Counter(
            "cityhub_http_answers_total",
            "Answers of the HTTP service by route and status",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "cityhub_http_answer_seconds",
            "Seconds from the request's head to the answer's head",
            ("route",),
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self._receipts = Counter(
            "cityhub_http_receipts_total",
            "Receipts of consumers by whether their sha256 is that of what was published",
            ("matches",),
            registry=self.registry,
        )
        self._latest = Gauge(
            "cityhub_http_latest_sequence", "Newest extract that is served, 0 without one", registry=self.registry
        )

        self._connections = Gauge("cityhub_http_connections", "Connections that are open", registry=self.registry)
        self._waiting = Gauge(
            "cityhub_http_waiting_bytes", "Bytes of answers that slow readers have not taken", registry=self.registry
        )

    def answered(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Count one answer. The route is the pattern, never the path: a scan makes no new series."""
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in {"GET", "POST"} else "other"
        self._answers.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def receipt(self, *, matches: bool) -> None:
        """Count one receipt."""
        self._receipts.labels("yes" if matches else "no").inc()

    def text(self, latest: int | None, *, connections: int, waiting: int) -> bytes:
        """Everything in Prometheus' text format. `waiting`: bytes that slow readers have not taken."""
        self._connections.set(connections)
        self._waiting.set(waiting)
        self._latest.set(latest or 0)
        return generate_latest(self.registry)
