"""The gate: which key a request comes with, whether it is good, and whether its owner may ask again already."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cityhub.clock import now
from cityhub.errors import HubError, Retry, Unauthorised
from serving.access import keys, signatures
from serving.access.gov import Gov
from serving.access.keys import Key
from serving.access.limits import Buckets, Taken
from serving.call import Call
from serving.config import Service
from serving.problems import Problem

CLOSED = ("/v1", "/ogc", "/gov")
OPEN = frozenset({"/v1", "/v1/", "/v1/openapi.json", "/v1/docs", "/v1/metrics", "/ogc", "/ogc/", "/ogc/openapi.json"})
_LONGEST = 200  # characters of a credential that are looked at


class Gate:
    """Admits a request or raises the problem that it is answered with."""

    def __init__(self, home: Path, limits: Service, buckets: Buckets | None = None) -> None:
        self.file, self.limits = home / keys.FILE, limits
        self.buckets = buckets or Buckets()
        self.gov = Gov(home) if limits.gov else None

    def admit(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], call: Call) -> None:
        """Put the key into `call`, with the headers that tell its limits. Raises `Problem` 401 or 429."""
        path: str = scope["path"]
        if not _below(path) or path in OPEN:
            return
        address = f"address {(scope.get('client') or ('?',))[0]}"
        self._wait(
            self.buckets.take(address, rate=self.limits.failures, size=self.limits.failure_burst, tokens=0), call
        )
        try:
            key = self._key(scope, headers, call.method)
        except HubError as error:
            self.buckets.take(address, rate=self.limits.failures, size=self.limits.failure_burst)
            raise Problem(error, headers={"WWW-Authenticate": 'Bearer realm="cityhub"'}) from None
        call.key = key
        rate = key.rate or self.limits.rate
        size = max(1, round(self.limits.burst * rate / self.limits.rate))
        taken = self.buckets.take(f"key {key.id}", rate=rate, size=size)
        call.headers |= taken.headers()
        self._wait(taken, call)

    def _wait(self, taken: Taken, call: Call) -> None:
        if not taken.granted:
            call.headers |= taken.headers()
            raise Problem(Retry("CH-SERVE-010", seconds=taken.wait_s))

    def _key(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes], method: str) -> Key:
        if self.gov and scope.get("cityhub.gov"):
            return good(self.gov.key(keys.read(self.file), headers, scope))
        given = headers.get(b"authorization", b"").decode("latin-1")
        if not given:
            raise Unauthorised("CH-SERVE-001", problem="there is no header Authorization")
        if sum(name == b"authorization" for name, _ in scope["headers"]) > 1:
            raise Unauthorised("CH-SERVE-001", problem="the header Authorization stands twice")
        scheme, _, presented = given.partition(" ")
        if scheme.lower() != "bearer" or len(presented) > _LONGEST:
            raise Unauthorised("CH-SERVE-001", problem="the header Authorization holds no Bearer key")
        key = good(keys.find(keys.read(self.file), presented.strip()))
        if key.public_key is not None:
            signatures.demand(key, scope, method)
        return key


def good(key: Key | None) -> Key:
    """The key when it is good now; raises `Unauthorised` CH-SERVE-001, 002 (expired), 003 (revoked)."""
    if key is None:
        raise Unauthorised("CH-SERVE-001", problem="this key is not known here")
    state = key.state(now())
    if state == "expired":
        raise Unauthorised("CH-SERVE-002", key=key.id, until=key.expires_at)
    if state == "revoked":
        raise Unauthorised("CH-SERVE-003", key=key.id)
    return key


def _below(path: str) -> bool:
    """Whether a path lies where keys are asked for, however its slashes are doubled."""
    clean = "/" + path.lstrip("/")
    return any(clean == room or clean.startswith(f"{room}/") for room in CLOSED)
