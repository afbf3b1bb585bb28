"""The device's side of MQTT for the tests, and what the hub has stored of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors.segment import closed, living
from tests.servers.mosquitto import Broker
from tests.waiting import wait_for


class Device:
    """Publishes numbered readings at QoS 1; the client resends over reconnects until the broker has each."""

    def __init__(self, broker: Broker, certificates: Path | None = None) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2)
        if certificates is not None:
            names = ("ca.pem", "hub.pem", "hub.key")
            self.client.tls_set(*[str(certificates / name) for name in names])
        for user, password in broker.users.items():
            self.client.username_pw_set(user, password)
        self.client.max_inflight_messages_set(1000)
        self.client.reconnect_delay_set(1, 1)
        self._acknowledged: set[int] = set()
        self.client.on_publish = lambda _client, _data, mid, _reason, _properties: self._acknowledged.add(mid)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def publish(
        self, numbers: Iterable[int], topic: str = "t/level/p{}", *, retain: bool = False, qos: int = 1
    ) -> set[int]:
        """Publish one reading per number and wait until the broker has acknowledged them all."""
        wanted = set(numbers)
        self._acknowledged.clear()
        reading = '{"id": %d, "mm": 12.50}'
        sent = [
            self.client.publish(topic.format(number % 7), reading % number, qos=qos, retain=retain)
            for number in sorted(wanted)
        ]
        wait_for(lambda: self._acknowledged >= {info.mid for info in sent}, 60)
        return wanted

    def close(self) -> None:
        """Say goodbye."""
        self.client.disconnect()
        self.client.loop_stop()


def spooled(settings: Settings, feed: str) -> list[int]:
    """Ids of the whole lines in the feed's spool, duplicates included."""
    folder = settings.spool / feed
    while True:
        try:
            lines = [
                line
                for path in [*closed(folder), *living(folder)]
                for line in path.read_bytes().splitlines(keepends=True)
            ]
            break
        except FileNotFoundError:
            continue  # a segment got its final name between the listing and the reading: list again
    return [json.loads(line)["payload"]["id"] for line in lines if line.endswith(b"\n")]


def write_feed(settings: Settings, spec: FeedSpec) -> None:
    """Write a spec as the file that a gateway process reads."""
    settings.feeds.mkdir(parents=True, exist_ok=True)
    content = spec.model_dump_json(by_alias=True, exclude_none=True)
    (settings.feeds / f"{spec.feed}.yaml").write_text(content, encoding="utf-8")
