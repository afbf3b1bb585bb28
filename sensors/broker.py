"""What a spec's address says about an MQTT broker, and which settings the hub refuses because they lose
messages.

`mqtt://host:1883` (plain) or `mqtts://host:8883` (TLS); `?key=value` for what differs from the defaults:

| key | default | meaning |
|---|---|---|
| `version` | `5` | `5` or `3.1.1` |
| `client_id` | one of this installation | stable, or the broker cannot find the session again |
| `session_expiry_s` | `604800` | how long the broker keeps our queue while we are away (MQTT 5) |
| `receive_maximum` | `2000` | unacknowledged messages in flight (MQTT 5); at least one group of the spool |
| `keepalive_s` | `30` | a dead connection is noticed after one and a half times this |
| `clean_start`, `qos` | `false`, the spec's `qos` | known so that lossy values are refused |
| `ca` | the system's | the certificate authority (TLS) |
| `cert`, `key` | none | our certificate and its key, where the broker asks its clients for one |
| `status_topic` | none | where the gateway says `online` and `offline`, retained; `{id}` is its client id |

`ca`, `cert` and `key` are PEM: paths of files, names of files in the secrets folder, or names of secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, urlsplit

from cityhub.errors import HubError, Stop, Usage
from cityhub.secrets import address
from cityhub.spec.feed import FeedSpec
from cityhub.spec.source import MqttSource
from sensors.held import supported

KNOWN = (
    "version",
    "client_id",
    "session_expiry_s",
    "receive_maximum",
    "keepalive_s",
    "clean_start",
    "qos",
    "ca",
    "cert",
    "key",
    "status_topic",
)
_TLS = ("ca", "cert", "key")
SHARE = "$share/"
_NAME = re.compile(r"\$\{(\w+)\}")
_SHARED = re.compile(r"\$share/[^/+#]+/.+")


@dataclass(frozen=True)
class Broker:
    """One broker with one login, and the topic filters of its feeds. `user`, `password` are names of
    secrets.
    """

    host: str
    port: int
    tls: bool = False
    version: str = "5"
    client_id: str | None = None
    session_expiry_s: int = 7 * 86400
    receive_maximum: int = 2000
    keepalive_s: int = 30
    clean_start: bool = False
    qos: int = 1
    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    status_topic: str | None = None
    user: str | None = None
    password: str | None = None
    filters: tuple[tuple[str, str], ...] = ()
    """Pairs of feed name and topic filter."""
    forms: Mapping[str, str] = field(default_factory=dict, hash=False)
    """How the payloads of a feed are written, by feed, where it is not JSON."""

    @property
    def shown(self) -> str:
        """The address for logs and errors."""
        return f"mqtt{'s' if self.tls else ''}://{self.host}:{self.port}"

    @property
    def topics(self) -> list[str]:
        """The distinct topic filters, in the order of the feeds."""
        return list(dict.fromkeys(topic for _, topic in self.filters))

    def shared_only(self) -> Broker | None:
        """This broker with its shared subscriptions alone, None without any."""
        kept = tuple((feed, topic) for feed, topic in self.filters if topic.startswith(SHARE))
        return replace(self, filters=kept) if kept else None


def brokers(specs: Iterable[FeedSpec]) -> list[Broker]:
    """The brokers of all pushed feeds: one connection for feeds that share address and login."""
    grouped: dict[tuple[str, str | None, str | None], list[tuple[str, MqttSource]]] = {}
    for spec in specs:
        source = spec.source
        if isinstance(source, MqttSource):
            where = _resolved(source.address, spec.feed)
            grouped.setdefault((where, source.user, source.password), []).append((spec.feed, source))
    return [
        parse(
            where,
            tuple((feed, source.topic) for feed, source in feeds),
            user=user,
            password=password,
            qos=max(source.qos for _, source in feeds),
            forms={feed: source.payload for feed, source in feeds if source.payload != "json"},
        )
        for (where, user, password), feeds in grouped.items()
    ]


def _resolved(where: str, feed: str) -> str:
    return _NAME.sub(lambda match: address(match[1], feed=feed), where)


def parse(
    where: str,
    filters: tuple[tuple[str, str], ...] = (),
    *,
    user: str | None = None,
    password: str | None = None,
    qos: int = 1,
    forms: Mapping[str, str] | None = None,
) -> Broker:
    """A broker from its address; raises `Usage` CH-PUSH-020 for one that cannot be used."""
    feeds = ", ".join(feed for feed, _ in filters)

    def bad(detail: str) -> Usage:
        return Usage("CH-PUSH-020", address=where.partition("?")[0], feed=feeds, detail=detail)

    url = urlsplit(where)
    if url.scheme not in {"mqtt", "mqtts"} or not url.hostname:
        raise bad("it must read mqtt://host:port or mqtts://host:port")
    if url.username or url.password:
        raise bad("user and password are named in the spec (`user`, `password`), never written into an address")
    try:
        port = url.port or (8883 if url.scheme == "mqtts" else 1883)
    except ValueError:
        raise bad("the port is not a number") from None
    given = dict(parse_qsl(url.query))
    for key in given.keys() - KNOWN:
        raise bad(f"?{key}= is not known; there are {', '.join(KNOWN)}")
    if given.get("version", "5") not in {"5", "3.1.1"}:
        raise bad("version must be 5 or 3.1.1")
    if given.get("clean_start", "false") not in {"true", "false"}:
        raise bad("clean_start must be true or false")
    secure = url.scheme == "mqtts"
    if not secure and given.keys() & _TLS:
        raise bad(f"{', '.join(_TLS)} go with mqtts:// only")
    if ("cert" in given) != ("key" in given):
        raise bad("cert and key go together")
    if set("#+") & set(given.get("status_topic", "")):
        raise bad("status_topic is one topic, without + and #")
    for _, topic in filters:
        if topic.startswith(SHARE) and not _SHARED.fullmatch(topic):
            raise bad(f"a shared subscription reads $share/<group>/<filter>, not {topic}")
    try:
        numbers = {
            key: int(given.get(key, default))
            for key, default in {
                "session_expiry_s": 7 * 86400, "receive_maximum": 2000, "keepalive_s": 30, "qos": qos,
            }.items()
        }  # fmt: skip
    except ValueError:
        raise bad("session_expiry_s, receive_maximum, keepalive_s and qos are whole numbers") from None
    return Broker(
        host=url.hostname,
        port=port,
        tls=secure,
        version=given.get("version", "5"),
        client_id=given.get("client_id"),
        clean_start=given.get("clean_start", "false") == "true",
        ca=given.get("ca"),
        cert=given.get("cert"),
        key=given.get("key"),
        status_topic=given.get("status_topic"),
        user=user,
        password=password,
        filters=filters,
        forms=forms or {},
        **numbers,
    )


def refuse_lossy(broker: Broker, group_lines: int) -> None:
    """Raise `Usage` CH-PUSH-021 for settings with which messages disappear although everybody sees
    success.
    """
    reason = None
    if broker.clean_start:
        reason = "clean_start=true: one reconnect destroys the session and every message queued in it"
    elif broker.version == "5" and broker.session_expiry_s == 0:
        reason = "session_expiry_s=0: in MQTT 5 the broker forgets the session when the connection ends"
    elif broker.qos == 0:
        reason = "qos=0: the broker drops messages while we are away and never repeats one"
    elif broker.qos == 2 and not supported():
        reason = "qos=2: this paho-mqtt confirms before messages are on disk; QoS 1 hears such publishers too"
    elif broker.qos not in {1, 2}:
        reason = f"qos={broker.qos}: there are 1 and 2"
    elif broker.version == "5" and not group_lines <= broker.receive_maximum <= 65535:
        reason = f"receive_maximum={broker.receive_maximum}: below {group_lines} every group waits for its timer"
    if reason:
        raise Usage("CH-PUSH-021", address=broker.shown, feed=_feeds(broker), detail=reason)


def refused_by_broker(broker: Broker, reason: str) -> HubError:
    """The error for a broker that grants less than what keeps messages."""
    return Stop("CH-PUSH-022", address=broker.shown, feed=_feeds(broker), detail=reason)


def _feeds(broker: Broker) -> str:
    return ", ".join(feed for feed, _ in broker.filters)
