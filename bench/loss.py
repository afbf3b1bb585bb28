"""Is every message that the broker acknowledged in the warehouse, exactly once?

    python -m bench.loss [--messages 1000000] [--kills 20] [--restarts 5] [--json]
    python -m bench.loss --broker-kills 10 [--rate 3000] [--json]

A device publishes numbered readings at QoS 1 to a real Mosquitto with the shipped configuration, while the gateway is
killed (`kill -9`) again and again, each time in the middle of its work, and the broker is restarted (SIGTERM). What is
spooled is loaded in micro-batches meanwhile. Exit code 1 when an id is missing or stored twice.

The second form kills the broker itself while the gateway is away, and counts what it had acknowledged to the device and
does not have any more: the shipped configuration promises no more than the last two seconds.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow import steps
from sensors.segment import closed, living
from tests.sensors.gateway_process import Gateway
from tests.sensors.mqtt_peer import write_feed
from tests.servers.mosquitto import MOSQUITTO, Broker
from tests.waiting import wait_for
from warehouse import lake

FEED, DAY, PATIENCE_S, WINDOW = "water.level", date(2026, 11, 20), 900.0, 10_000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--broker-kills", type=int, default=0)
    parser.add_argument("--rate", type=int, default=3000, help="messages a second while the broker is killed")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if MOSQUITTO is None:
        sys.stderr.write("mosquitto is not installed\n")
        return 2
    if given.broker_kills:
        told = broker_killed(given.broker_kills, given.rate)
        lost = False
    else:
        with tempfile.TemporaryDirectory() as folder:
            told = everything_killed(Path(folder), given.messages, given.kills, given.restarts)
        lost = bool(told["missing"] or told["twice"])
    print(json.dumps(told, indent=1) if given.json else "\n".join(f"{name}: {value}" for name, value in told.items()))
    return int(lost)


class Publisher:
    """Publishes 0, 1, 2, … at QoS 1 in a thread and knows which the broker has acknowledged. `rate`: a second."""

    def __init__(self, broker: Broker, messages: int, rate: float | None = None, *, until: int | None = None) -> None:
        self.messages, self.rate = messages, rate
        self.until = until or messages
        """Publish no more than so many for now."""
        self.acknowledged = 0
        self.at: dict[int, float] = {}
        self._numbers: dict[int, int] = {}
        self._stop = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.max_inflight_messages_set(2000)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        started = time.monotonic()
        for number in range(self.messages):
            while number >= self.until and not self._stop.wait(0.002):
                pass
            if self._stop.is_set():
                return
            text = f'{{"id":{number},"mm":12.50}}'
            info = self._client.publish(f"t/level/p{number % 500}", text, qos=1)
            if self.rate:
                self._numbers[info.mid] = number
                ahead = number / self.rate - (time.monotonic() - started)
                if ahead > 0.01:
                    self._stop.wait(ahead)
            if number - self.acknowledged >= WINDOW:
                wait_for(lambda sent=number: sent - self.acknowledged < WINDOW // 2, PATIENCE_S, every=0.005)
        wait_for(lambda: self.acknowledged >= self.messages, PATIENCE_S)

    def _on_publish(self, _client: Client, _data: object, mid: int, _reason: object, _properties: object) -> None:
        self.acknowledged += 1
        number = self._numbers.pop(mid, None)
        if number is not None:
            self.at[number] = time.monotonic()

    def join(self) -> None:
        """Wait until everything is acknowledged."""
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()

    def abandon(self) -> None:
        """Publish nothing more, and repeat nothing."""
        self._stop.set()
        self._thread.join()
        self._client.disconnect()
        self._client.loop_stop()


def made(folder: Path, address: str) -> Settings:
    """An installation with one feed."""
    home = folder / "home"
    settings = Settings(home, folder / "feeds", str(home / "lake" / "c.sqlite"), str(home / "lake" / "data"))
    spec = {
        "feed": FEED,
        "platform": "water",
        "table": "water_level",
        "title": {"zh": "水位", "en": "Level"},
        "description": "Water level of a point",
        "owner": {"department": "slj", "person": "x", "phone": "1"},
        "source": {"kind": "mqtt", "address": address, "topic": "t/level/+"},
        "identity": {"key": ["id"]},
        "fields": {"id": {"from": "id", "type": "integer"}, "mm": {"from": "mm", "type": "double"}},
    }
    write_feed(settings, FeedSpec.model_validate(spec))
    return settings


def everything_killed(folder: Path, messages: int, kills: int, restarts: int) -> dict[str, Any]:
    """What was sent, stored, repeated and killed."""
    broker = Broker(folder / "broker").start()
    settings = made(folder, broker.address)
    gateway = Gateway(settings).start().ready()
    started = time.monotonic()
    killed = restarted = received = 0
    results = []
    step = messages // (kills + 1)  # the device goes on when the next life of the gateway begins
    publisher = Publisher(broker, messages, until=step)
    mark = step * random.uniform(0.3, 0.9)
    try:
        while killed < kills or restarted < restarts or publisher.acknowledged < messages:
            if killed < kills and publisher.acknowledged >= mark and gateway.counted("received") > 0:
                gateway.kill()
                killed += 1
                publisher.until = step * (killed + 1) if killed < kills else messages
                mark = step * (killed + random.uniform(0.3, 0.9))
                if killed % 5 == 0:
                    results += steps.sync(settings, FEED, DAY)
                gateway = Gateway(settings).start().ready()
            if restarted < restarts and publisher.acknowledged >= messages * (restarted + 1) // (restarts + 1):
                broker.stop(signal.SIGTERM)
                broker.start()
                restarted += 1
            time.sleep(0.02)
            if time.monotonic() - started > 10 * PATIENCE_S:
                raise TimeoutError("the gateway takes nothing any more")
        publisher.join()
        sent_s = time.monotonic() - started
        wait_for(lambda: _quiet(gateway), PATIENCE_S, every=0.5)
        gateway.stop()
        results += steps.sync(settings, FEED, DAY)
        received += sum(result.landed for result in results if not result.repeated)
    finally:
        gateway.kill()
        broker.stop()
    with lake.connect(settings, read_only=True) as con:
        (rows, ids, low, high) = con.execute(
            "SELECT count(*), count(DISTINCT id), min(id), max(id) FROM water_level"
        ).fetchone() or (0, 0, None, None)
    inside = ids if (low, high) == (0, messages - 1) else 0  # ids are whole numbers: so many between are all
    return {
        "sent": messages,
        "stored": rows,
        "missing": messages - ids,
        "twice": rows - ids,
        "complete": inside == messages,
        "duplicates_removed": received - rows,
        "quarantined": sum(result.quarantined for result in results),
        "gateway_kills": killed,
        "broker_restarts": restarted,
        "deliveries": len(results),
        "published_in_s": round(sent_s, 1),
        "all_in_s": round(time.monotonic() - started, 1),
    }


def _quiet(gateway: Gateway) -> bool:
    """Whether the broker has had nothing more for us for some seconds."""
    (told,) = gateway.status().get("brokers") or [{}]
    before = (told.get("received"), told.get("acknowledged"))
    time.sleep(3)
    (told,) = gateway.status().get("brokers") or [{}]
    now = (told.get("received"), told.get("acknowledged"))
    return told.get("state") == "ready" and now == before and now[0] == now[1]


def broker_killed(rounds: int, rate: int) -> dict[str, Any]:
    """What the broker had acknowledged and lost, round by round: ids, and how long before the kill the oldest of them
    had been acknowledged."""
    lost: list[int] = []
    acknowledged: list[int] = []
    ages: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            broker = Broker(Path(folder) / "broker").start()
            settings = made(Path(folder), broker.address)
            gateway = Gateway(settings).start().ready()
            gateway.stop()
            time.sleep(2.5)  # the session itself must be in the broker's store
            publisher = Publisher(broker, 10**9, rate)
            time.sleep(random.uniform(2, 5))
            broker.stop(signal.SIGKILL)
            died = time.monotonic()
            publisher.abandon()
            broker.start()
            gateway = Gateway(settings).start().ready()
            wait_for(lambda gateway=gateway: _quiet(gateway), PATIENCE_S, every=0.5)
            gateway.stop()
            broker.stop()
            there = spooled(settings)
            gone = [number for number in publisher.at if number not in there]
            lost.append(len(gone))
            acknowledged.append(len(publisher.at))
            ages.append(max((died - publisher.at[number] for number in gone), default=0.0))
    return {
        "broker_kills": rounds,
        "rate_per_s": rate,
        "acknowledged": acknowledged,
        "lost": lost,
        "lost_at_most": max(lost),
        "oldest_lost_s": [round(age, 2) for age in ages],
    }


def spooled(settings: Settings) -> set[int]:
    """Ids in the spool."""
    folder = settings.spool / FEED
    files = [*closed(folder), *living(folder)]
    return {json.loads(line)["payload"]["id"] for path in files for line in path.read_bytes().splitlines()}


if __name__ == "__main__":
    sys.exit(main())
