"""Running a gateway by its kind, with its metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec

KINDS = ("mqtt", "hj212", "jt808", "jt809")


def run(settings: Settings, specs: Iterable[FeedSpec], kind: str, *, metrics: str | None = None) -> dict[str, Any]:
    """Run one gateway of `KINDS` until SIGTERM; its final status. `metrics`: `host:port`, None for the kind's own
    port on loopback, `off`. Raises what `run_mqtt` and `run_tcp` raise, `Usage` CH-PUSH-035 for a metrics address.
    """
    if kind == "mqtt":
        from sensors.gateway import run_mqtt
        from sensors.metrics import metered

        with metered(settings, kind, metrics):
            return run_mqtt(settings, specs)
    from sensors.tcp.gateway import run_tcp

    return run_tcp(settings, specs, kind, metrics=metrics)
