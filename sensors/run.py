"""Running a gateway by its kind, with its metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec

KINDS = ("mqtt", "hj212", "jt808", "jt809")


def run(
    settings: Settings, specs: Iterable[FeedSpec], kind: str, *, metrics: str | None = None, instance: int = 1
) -> dict[str, Any]:
    """Run one gateway of `KINDS` until SIGTERM; its final status. `metrics`: `host:port`, None for the kind's own
    port on loopback, `off`. `instance`: which of several MQTT gateways of this installation; those after the first
    have their metrics ten ports further each. Raises what `run_mqtt` and `run_tcp` raise, `Usage` CH-PUSH-035 for a
    metrics address.
    """
    if kind == "mqtt":
        from sensors.gateway import named, run_mqtt
        from sensors.metrics import PORTS, metered

        own = metrics or f"127.0.0.1:{PORTS[kind] + 10 * (instance - 1)}"
        with metered(settings, named(instance), own):
            return run_mqtt(settings, specs, instance=instance)
    from sensors.tcp.gateway import run_tcp

    return run_tcp(settings, specs, kind, metrics=metrics)
