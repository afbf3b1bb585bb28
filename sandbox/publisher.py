"""MQTT: a broker, and the day's messages sent to it when somebody asks, after the hub has subscribed."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pyarrow as pa
import pyarrow.compute as pc
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from sandbox import broker as brokers
from sandbox import platforms
from sandbox.broker import Broker
from sandbox.dataset import build
from sandbox.keys import Keys
from sandbox.world import World

HUB, VENDOR = "hub_gateway", "sandbox_vendor"
NOBODY = 16  # PUBACK reason of MQTT 5: no matching subscribers
GARBAGE = b"<html><body>502 Bad Gateway</body></html>"


@dataclass(frozen=True)
class Sent:
    """Messages that the broker acknowledged, and how many of them had no subscriber (so are lost)."""

    published: int
    unheard: int


class Publisher(dict[str, str]):
    """The running broker by address name."""

    def __init__(self, world: World, home: Path) -> None:
        keys = Keys(world.seed, home)
        self.world = world
        self._word = keys.value("mqtt_vendor")
        self._lock = threading.Lock()
        self._today = list(messages(world))  # made now, so that the day's truth is known from the start
        users = {HUB: keys.value("mqtt_password"), VENDOR: self._word}
        self._broker = brokers.start(home, users)
        older = "" if self._broker.version5 else "?version=3.1.1"
        url = f"mqtt://127.0.0.1:{self._broker.port}{older}"
        super().__init__(mqtt_url=url, mqtt_user=HUB, mqtt_password=users[HUB])

    def publish(self, day: date | None = None, timeout_s: float = 300) -> Sent:
        """Send all messages of a day (None: the sandbox's own) at QoS 1 and wait for every acknowledgement.

        Again sends the same messages again; a day after the sandbox's own has none. Raises TimeoutError when
        the broker does not acknowledge in time.
        """
        day = day or self.world.day
        if day > self.world.day:
            return Sent(0, 0)
        items = self._today if day == self.world.day else list(messages(self.world.on(day)))
        with self._lock:
            return _send(self._broker, self._word, items, timeout_s)

    def stop(self) -> None:
        """Stop the broker."""
        self._broker.stop()


def start(world: World, home: Path) -> Publisher:
    """A broker with a user for the hub and one for the vendors. RuntimeError says what to install."""
    home.mkdir(parents=True, exist_ok=True)
    return Publisher(world, home)


def messages(world: World) -> Iterator[tuple[str, bytes]]:
    """Topic and payload of the day's messages in the order sent; none of a platform that plays dead."""
    for platform in platforms.names():
        module = platforms.load(platform)
        for name, topic in getattr(module, "MQTT", {}).items():
            dataset = module.DATASETS[name]
            rows = build(world, name, dataset)
            if world.plan.has(dataset.feed, "dead") is not None:
                continue
            garbage = world.plan.has(dataset.feed, "garbage") is not None
            for row in _plain(rows).to_pylist():
                payload = GARBAGE if garbage else json.dumps(row, ensure_ascii=False).encode()
                yield filled(topic, row), payload


def filled(topic: str, row: dict[str, Any]) -> str:
    """The topic with `{column}` replaced by the row's values."""
    return re.sub(r"\{(\w+)\}", lambda match: str(row[match[1]]), topic)


def _plain(rows: pa.Table) -> pa.Table:
    """Times as text, as the vendors send them."""
    for place, item in enumerate(rows.schema):
        if pa.types.is_timestamp(item.type):
            text = pc.strftime(rows.column(place).cast(pa.timestamp("s")), "%Y-%m-%d %H:%M:%S")
            rows = rows.set_column(place, item.name, text)
    return rows


def _send(broker: Broker, word: str, items: Sequence[tuple[str, bytes]], timeout_s: float) -> Sent:
    version = MQTTProtocolVersion.MQTTv5 if broker.version5 else MQTTProtocolVersion.MQTTv311
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="sandbox-vendors", protocol=version)
    client.username_pw_set(VENDOR, word)
    client.max_inflight_messages_set(500)
    client.max_queued_messages_set(0)
    acknowledged, unheard, done = 0, 0, threading.Condition()

    def on_publish(_client: object, _data: object, _mid: int, reason: ReasonCode, _more: object) -> None:
        nonlocal acknowledged, unheard
        with done:
            acknowledged += 1
            unheard += reason.value == NOBODY
            done.notify_all()

    client.on_publish = on_publish
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        for topic, payload in items:
            client.publish(topic, payload, qos=1)
        with done:
            if not done.wait_for(lambda: acknowledged >= len(items), timeout_s):
                raise TimeoutError(f"the broker acknowledged {acknowledged} of {len(items)} messages")
        return Sent(acknowledged, unheard)
    finally:
        client.disconnect()
        client.loop_stop()
