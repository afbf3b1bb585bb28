"""A topic that the hub does not know yet: listen for a while and keep a few messages. Nothing is spooled."""

from __future__ import annotations

import json
import ssl
import time
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion

from cityhub.clock import now
from cityhub.draft.sample import Path, Sample
from cityhub.errors import Retry, Stop, Unauthorised
from cityhub.secrets import secret
from sensors.broker import Broker, parse
from sensors.payload import Memory, Refused, landed
from sensors.tls import client_context


def split(address: str) -> tuple[str, str]:
    """`mqtt://host:port/topic/filter` → address and filter; `?key=value` of the address stays with it."""
    scheme, _, rest = address.partition("://")
    host, _, topic = rest.partition("/")
    topic, _, options = topic.partition("?")
    return f"{scheme}://{host}" + (f"?{options}" if options else ""), topic


def look(address: str, *, feed: str, known: dict[str, Any], messages: int, seconds: float) -> Sample:
    """Listen until `messages` came or `seconds` are over; raises `Stop` CH-DRAFT-006 when none came."""
    where, topic = split(address)
    topic = topic or "#"
    login: dict[str, Any] = {key: known[key] for key in ("user", "password") if key in known}
    broker = parse(where, ((feed, topic),), user=login.get("user"), password=login.get("password"), qos=1)
    got = _listen(broker, topic, messages, seconds)
    if not got:
        raise Stop("CH-DRAFT-006", address=broker.shown, topic=topic, seconds=f"{seconds:g}")
    form, rows = _rows(got)
    if not rows:
        raise Stop("CH-DRAFT-003", address=f"{broker.shown} {topic}", found="messages that are no objects")
    source: dict[str, Any] = {"kind": "mqtt", "address": where, "topic": topic, **login}
    source |= {"payload": form} if form != "json" else {}
    notes: dict[Path, str] = {("topic",): f"{len(got)} messages on {len({t for t, _ in got})} topics"}
    words = [part for part in topic.split("/") if part not in {"+", "#", "$share"}]
    return Sample(source, tuple(rows), "_".join(words[-2:]) or "messages", notes)


def _listen(broker: Broker, topic: str, messages: int, seconds: float) -> list[tuple[str, bytes]]:
    got: list[tuple[str, bytes]] = []
    refused: list[str] = []
    client = Client(
        CallbackAPIVersion.VERSION2, client_id="", protocol=MQTTv5 if broker.version == "5" else MQTTv311
    )  # fmt: skip
    client.connect_timeout = 5.0
    if broker.tls:
        client.tls_set_context(client_context(broker))
    if broker.user and broker.password:
        client.username_pw_set(secret(broker.user), secret(broker.password))

    def connected(_client: Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            refused.append(str(reason))
        else:
            client.subscribe(topic, qos=1)

    def message(_client: Client, _data: object, arrived: MQTTMessage) -> None:
        got.append((arrived.topic, arrived.payload))

    client.on_connect, client.on_message = connected, message
    try:
        client.connect(broker.host, broker.port, keepalive=30)
    except (OSError, ssl.SSLError) as error:
        raise Retry("CH-PUSH-001", address=broker.shown, detail=str(error)) from None
    until = time.monotonic() + seconds
    while time.monotonic() < until and len(got) < messages and not refused:
        client.loop(timeout=0.2)
    client.disconnect()
    if refused:
        names = f"{broker.user}, {broker.password}" if broker.user else "none"
        raise Unauthorised("CH-PULL-007", address=broker.shown, detail=refused[0], names=names)
    return got


def _rows(got: list[tuple[str, bytes]]) -> tuple[str, list[dict[str, Any]]]:
    """How the payloads are written, and their records with the gateway's own fields."""
    sparkplug = all(topic.startswith("spBv1.0/") for topic, _ in got)
    forms = ["sparkplug_b"] if sparkplug else ["json", "cbor"]
    for form in forms:
        rows: list[dict[str, Any]] = []
        memory = Memory()
        for topic, payload in got:
            own = {"_topic": topic, "_received_at": now().isoformat()}
            rows += [own | record for record in _records(form, payload, topic, memory)]
        if rows:
            return form, rows
    return forms[0], []


def _records(form: str, payload: bytes, topic: str, memory: Memory) -> list[dict[str, Any]]:
    if form != "json":
        try:
            return landed(form, payload, topic, memory)
        except Refused:
            return []
    try:
        value = json.loads(payload)
    except ValueError:
        return []
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
