"""How the service behaves, from the environment: read once when it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cityhub.errors import Usage


@dataclass(frozen=True)
class Service:
    """Limits of the HTTP service.

    `rate`, `burst`: requests a second of one key, and how many may come at once. `failures`, `failure_burst`: the same
    for refused requests of one address. Sizes are bytes, times seconds.
    `outstanding_bytes`: of answers that wait for slow readers; `outstanding_of_key`: of one key's. `page`: rows;
    `builders`: pages made at once. `gov`: whether the profile for consumers with appKey, timestamp and signature is on.
    """

    rate: float = 100.0
    burst: int = 1000
    failures: float = 10.0
    failure_burst: int = 300
    target_bytes: int = 8 * 1024
    header_bytes: int = 16 * 1024
    header_count: int = 100
    body_bytes: int = 16 * 1024
    outstanding_bytes: int = 128 * 1024 * 1024
    outstanding_of_key: int = 32 * 1024 * 1024
    page: int = 1000
    builders: int = 4
    request_s: float = 20.0
    stalled_s: float = 60.0
    idle_s: int = 15
    connections: int = 4000
    gov: bool = False


def load(*, gov: bool | None = None) -> Service:
    """Defaults, changed by `CITYHUB_SERVE_RATE`, `_BURST`, `_FAILURES`, `_FAILURE_BURST`, `_CONNECTIONS`, `_PROFILE`
    (`gov`). Raises `Usage` CH-SERVE-024 for what is no number above 0."""
    base = Service()
    wanted = os.environ.get("CITYHUB_SERVE_PROFILE", "") == "gov" if gov is None else gov
    return Service(
        rate=_number("RATE", base.rate),
        burst=int(_number("BURST", base.burst)),
        failures=_number("FAILURES", base.failures),
        failure_burst=int(_number("FAILURE_BURST", base.failure_burst)),
        connections=int(_number("CONNECTIONS", base.connections)),
        gov=wanted,
    )


def _number(name: str, default: float) -> float:
    variable = f"CITYHUB_SERVE_{name}"
    text = os.environ.get(variable)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise Usage("CH-SERVE-024", variable=variable, value=text[:40])
    return value
