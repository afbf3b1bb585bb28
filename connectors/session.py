"""Sessions of `requests` to one host that send what we say and nothing of the machine's own."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests

from cityhub.clock import now

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def host_and_port(address: str) -> tuple[str, int]:
    """Host and port of an HTTP address; the host is empty where the address has none."""
    cut = urlsplit(address)
    return cut.hostname or "", cut.port or (443 if cut.scheme == "https" else 80)


def session_to(host: str) -> requests.Session:
    """A session without a proxy for this machine itself, and without a netrc file, which would take the place of our
    own `Authorization`."""
    session = requests.Session()
    session.trust_env = host not in _LOOPBACK
    session.auth = _unchanged
    return session


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def asked_wait(value: str | None) -> float | None:
    """Seconds from a Retry-After header: a number or a date; None without one or with nonsense."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - now()).total_seconds())
    except (ValueError, TypeError):
        return None
