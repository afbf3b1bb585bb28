"""What a spec's `listen` says, and which feeds share a port.

`host:port`, with `?key=value` for what differs from the defaults:

| key | default | meaning |
|---|---|---|
| `connections` | `5000` | at once; further ones are closed unheard |
| `idle_s` | `300` | a connection that is silent for so long is closed |
| `frame_s` | `30` | a frame that is begun must end within this |
| `cert`, `key` | none | PEM files: the connection is TLS |
| `client_ca` | none | PEM file: clients must show a certificate of this authority |

Files are paths, or names of files in the secrets folder.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cityhub.errors import Stop, Usage
from cityhub.secrets import address as named_address
from cityhub.secrets import secrets_dir
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import Listening
from sensors.tcp.protocol import Route

FILTERS = ("st", "cn", "msg")
SHARED = ("registry", "sm4_key", "auth_key", "user", "password", "m1", "ia1", "ic1")
_NUMBERS = {"connections": 5000.0, "idle_s": 300.0, "frame_s": 30.0}
_FILES = ("cert", "key", "client_ca")
_NAME = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, eq=False)
class Listener:
    """One port, the feeds of its frames, and who may connect. `options` are what the feeds' specs say of the
    protocol (names of secrets and of the registry feed).
    """

    kind: str
    host: str
    port: int
    routes: tuple[Route, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    allow: tuple[IPv4Network | IPv6Network, ...] = ()
    connections: int = 5000
    idle_s: float = 300.0
    frame_s: float = 30.0
    cert: str | None = None
    key: str | None = None
    client_ca: str | None = None

    @property
    def shown(self) -> str:
        """The address for logs and errors."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def feeds(self) -> tuple[str, ...]:
        """The feeds of this port, in the order of the specs."""
        return tuple(dict.fromkeys(route.feed for route in self.routes))

    def admits(self, host: str) -> bool:
        """Whether a peer with this address may connect."""
        if not self.allow:
            return True
        found = ip_address(host.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in self.allow)

    def tls(self) -> ssl.SSLContext | None:
        """The server's side of TLS, None for plain TCP; raises `Stop` CH-PUSH-034 for files that do not fit."""
        if self.cert is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(_file(self.cert), _file(self.key) if self.key else None, password=lambda: "")
            if self.client_ca:
                context.load_verify_locations(_file(self.client_ca))
                context.verify_mode = ssl.CERT_REQUIRED
        except OSError as error:  # SSLError is one
            raise Stop("CH-PUSH-034", address=self.shown, detail=error.strerror or str(error)) from None
        return context


def listeners(kind: str, specs: Iterable[FeedSpec]) -> list[Listener]:
    """The ports of all feeds of a kind. Feeds with one `listen` share a port and must not contradict each other.

    Raises `Usage` CH-PUSH-030.
    """
    grouped: dict[str, list[tuple[str, Listening]]] = {}
    for spec in specs:
        source = spec.source
        if isinstance(source, Listening) and source.kind == kind:
            grouped.setdefault(_resolved(source.listen, spec.feed), []).append((spec.feed, source))
    found = [_listener(kind, where, feeds) for where, feeds in grouped.items()]
    taken: dict[tuple[str, int], Listener] = {}
    for one in found:
        if one.port and taken.setdefault((one.host, one.port), one) is not one:
            other = taken[one.host, one.port]
            raise Usage(
                "CH-PUSH-030",
                address=one.shown,
                feed=", ".join((*other.feeds, *one.feeds)),
                detail="feeds that share a port must say the same after the ? of `listen`",
            )
    return found


def _resolved(where: str, feed: str) -> str:
    return _NAME.sub(lambda match: named_address(match[1], feed=feed), where)


def _listener(kind: str, where: str, feeds: list[tuple[str, Listening]]) -> Listener:
    def bad(detail: str) -> Usage:
        names = ", ".join(feed for feed, _ in feeds)
        return Usage("CH-PUSH-030", address=where.partition("?")[0], feed=names, detail=detail)

    url = urlsplit(f"//{where}")
    try:
        host, port = url.hostname, url.port
    except ValueError:
        raise bad("the port is not a number up to 65535") from None
    if not host or port is None or url.path or url.username:
        raise bad("it must read host:port")
    given = dict(parse_qsl(url.query, keep_blank_values=True))
    for key in given.keys() - _NUMBERS.keys() - set(_FILES):
        raise bad(f"?{key}= is not known; there are {', '.join((*_NUMBERS, *_FILES))}")
    try:
        numbers = {key: float(given.get(key, default)) for key, default in _NUMBERS.items()}
    except ValueError:
        raise bad(f"{', '.join(_NUMBERS)} are numbers") from None
    if min(numbers.values()) <= 0:
        raise bad(f"{', '.join(_NUMBERS)} are greater than zero")
    if ("cert" in given) != ("key" in given) or ("client_ca" in given and "cert" not in given):
        raise bad("TLS needs both cert and key; client_ca only goes with them")
    options, allow = {}, []
    for name in (*SHARED, "allow"):
        said = {_hashable(getattr(source, name, None)) for _, source in feeds} - {None, ()}
        if len(said) > 1:
            raise bad(f"the feeds of this port say different things as `{name}`")
        for value in said:
            if name == "allow":
                allow = [ip_network(text) for text in value]
            else:
                options[name] = str(value)
    return Listener(
        kind=kind,
        host=host,
        port=port,
        routes=tuple(Route(feed, _wanted(source)) for feed, source in feeds),
        options=options,
        allow=tuple(allow),
        connections=int(numbers["connections"]),
        idle_s=numbers["idle_s"],
        frame_s=numbers["frame_s"],
        **{key: given.get(key) for key in _FILES},
    )


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _wanted(source: Listening) -> dict[str, frozenset[str]]:
    lists = {name: getattr(source, name, None) for name in FILTERS}
    return {name: frozenset(values) for name, values in lists.items() if values}


def _file(name: str) -> Path:
    return Path(name) if "/" in name else secrets_dir() / name
