"""Placeholders in addresses, queries, headers and patterns: named addresses and the service day.

| placeholder | for 20 November 2026 |
|---|---|
| `{day}` | `2026-11-20` |
| `{day_compact}` | `20261120` |
| `{month}` | `2026-11` |
| `{day_start}`, `{day_end}` | `2026-11-20 00:00:00`, `2026-11-21 00:00:00` (local time, half-open) |
| `{day_start_ms}`, `{day_end_ms}` | the same two moments in epoch milliseconds |
| `${name}` | the value of the named address |
"""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import urlsplit, urlunsplit

from cityhub import secrets
from cityhub.clock import day_bounds, month_of
from cityhub.errors import Stop

_PLACEHOLDER = re.compile(r"\$\{(?P<name>[A-Za-z0-9_]+)\}|\{(?P<part>[A-Za-z_]+)\}")


def parts(day: date) -> dict[str, str]:
    """All texts that a service day can put into an address."""
    start, end = day_bounds(day)
    return {
        "day": day.isoformat(),
        "day_compact": f"{day:%Y%m%d}",
        "month": month_of(day),
        "day_start": f"{start:%Y-%m-%d %H:%M:%S}",
        "day_end": f"{end:%Y-%m-%d %H:%M:%S}",
        "day_start_ms": str(int(start.timestamp()) * 1000),
        "day_end_ms": str(int(end.timestamp()) * 1000),
    }


def expand(text: str, day: date, *, feed: str) -> str:
    """The text with its placeholders filled.

    Raises `Stop` CH-CONF-001 for a name that nobody has set, CH-PULL-020 for a placeholder that is none.
    """
    known = parts(day)

    def fill(match: re.Match[str]) -> str:
        if match["name"]:
            return secrets.address(match["name"], feed=feed)
        if match["part"] not in known:
            names = ", ".join(f"{{{name}}}" for name in known)
            detail = f"{match[0]} is no placeholder; there are {names}"
            raise Stop("CH-PULL-020", feed=feed, value=text, detail=detail)
        return known[match["part"]]

    return _PLACEHOLDER.sub(fill, text)


def shown(address: str) -> str:
    """An address fit for errors, logs and manifests: without user, password and query."""
    cut = urlsplit(address)
    if not cut.netloc:
        return address
    return urlunsplit((cut.scheme, cut.netloc.rpartition("@")[2], cut.path, "", ""))
