"""MQTT QoS 1 to durable: messages a second that a gateway takes out of a real Mosquitto, per process.

    python -m bench.gateways_mqtt [--messages N] [--rounds N] [--json]

The broker (shipped configuration) holds the same messages of about 200 bytes for each contender's session; each then
drains its own, from the first message to the last acknowledgement. Broker and contender have a core each.

hub     the gateway's link: envelope, spool, one fsync a group, then the acknowledgements
bare    paho-mqtt 2 with manual acknowledgement that throws everything away: the limit
naive   paho-mqtt 2 that writes and syncs each message before it acknowledges it (fewer messages)
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cityhub.settings import REPOSITORY
from tests.servers.mosquitto import MOSQUITTO, Broker
from tests.waiting import wait_for

CONTENDERS, TOPIC, GOAL = ("hub", "bare", "naive"), "t/level/p", 0.7
WINDOW, NAIVE_PART = 2000, 20


def main() -> int:
    """Measure; 1 when the hub is below 0.7 of the bare receiver."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--take", nargs=3, metavar=("NAME", "PORT", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.take:
        name, port, folder = given.take
        print(json.dumps(take(name, int(port), given.messages, Path(folder))), flush=True)
        return 0
    if MOSQUITTO is None:
        sys.stderr.write("mosquitto is not installed\n")
        return 2
    rounds = [measured(given.messages) for _ in range(given.rounds)]
    found = {
        name: {key: statistics.median(one[name][key] for one in rounds) for key in ("per_s", "cpu_us")}
        for name in CONTENDERS
    }
    ratio = statistics.median(one["hub"]["per_s"] / one["bare"]["per_s"] for one in rounds)
    if given.json:
        print(json.dumps({**found, "of_bare": ratio}, indent=1))
    else:
        for name, one in found.items():
            print(f"{name:6} {one['per_s']:>9,.0f} messages/s {one['cpu_us']:>7.2f} us CPU")
        print(f"hub: {ratio:.2f} of bare (goal {GOAL})")
    return int(ratio < GOAL)


def measured(messages: int) -> dict[str, dict[str, float]]:
    """One round: fill all sessions at once, then drain one after the other."""
    with tempfile.TemporaryDirectory(prefix="bench-mqtt-") as text:
        folder = Path(text)
        broker = Broker(folder / "broker").start()
        try:
            for name in CONTENDERS:
                subscribed(name, broker.port)
            fill(broker.port, messages)
            found = {}
            for name in CONTENDERS:
                number = messages // NAIVE_PART if name == "naive" else messages
                words = ["--messages", str(number), "--take", name, str(broker.port), str(folder)]
                done = subprocess.run(
                    [sys.executable, "-m", "bench.gateways_mqtt", *words],
                    cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True,
                )  # fmt: skip
                told = json.loads(done.stdout)
                found[name] = {"per_s": number / told["seconds"], "cpu_us": told["cpu"] / number * 1e6}
            return found
        finally:
            broker.stop()


def connected(name: str, port: int, **options: Any) -> Client:
    """A client whose session the broker keeps."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{name}", protocol=MQTTv5, **options)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # the library's own gap
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = WINDOW
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    return client


def subscribed(name: str, port: int) -> None:
    """Make the session."""
    client, done = connected(name, port), threading.Event()
    client.on_connect = lambda *_: client.subscribe(f"{TOPIC}/+", qos=1)
    client.on_subscribe = lambda *_: done.set()
    client.loop_start()
    if not done.wait(10):
        raise TimeoutError("not subscribed")
    client.disconnect()
    client.loop_stop()


def fill(port: int, messages: int) -> None:
    """Publish, and wait until the broker has acknowledged all."""
    client, acknowledged = Client(CallbackAPIVersion.VERSION2), [0]

    def count(*_: object) -> None:
        acknowledged[0] += 1

    client.on_publish = count
    client.max_inflight_messages_set(WINDOW)
    client.connect("127.0.0.1", port)
    client.loop_start()
    filler = "x" * 150
    for number in range(messages):
        client.publish(f"{TOPIC}/{number % 500}", f'{{"id":{number},"mm":12.50,"note":"{filler}"}}', qos=1)
        if number % 1000 == 0:
            wait_for(lambda sent=number: sent - acknowledged[0] < 5 * WINDOW, 60, every=0.002)
    wait_for(lambda: acknowledged[0] == messages, 120)
    client.disconnect()
    client.loop_stop()


def take(name: str, port: int, messages: int, folder: Path) -> dict[str, float]:
    """Drain; seconds from the first message to the last acknowledgement, and CPU seconds for them."""
    return hub(port, messages, folder) if name == "hub" else plain(name, port, messages, folder)


def plain(name: str, port: int, messages: int, folder: Path) -> dict[str, float]:
    """The bare receiver, and the one that syncs each message."""
    client = connected(name, port, manual_ack=True)
    started, count = [0.0, 0.0], [0]
    with (folder / name).open("ab") as file:

        def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
            if not count[0]:
                started[:] = [time.perf_counter(), time.process_time()]
            count[0] += 1
            if name == "naive":
                import os

                json.loads(message.payload)
                file.write(message.payload + b"\n")
                file.flush()
                os.fsync(file.fileno())
            client.ack(message.mid, message.qos)
            if count[0] == messages:
                client.disconnect()

        client.on_message = on_message
        client.loop_forever()
    return {"seconds": time.perf_counter() - started[0], "cpu": time.process_time() - started[1]}


def hub(port: int, messages: int, folder: Path) -> dict[str, float]:
    """The gateway's link as `cityhub gateway run mqtt` runs it."""
    from sensors.broker import Broker as Address
    from sensors.mqtt import Link
    from sensors.spool import Limits, Spool

    address = Address(host="127.0.0.1", port=port, filters=(("bench.level", f"{TOPIC}/+"),), client_id="bench-hub")
    stop = threading.Event()
    link = Link(address, Spool(folder / "spool", Limits()), "bench-hub", lambda: None)
    thread = threading.Thread(target=link.run, args=(stop,))
    thread.start()
    wait_for(lambda: link.received > 0, 30, every=0.001)
    started = (time.perf_counter(), time.process_time())
    wait_for(lambda: link.acknowledged >= messages, 300, every=0.005)
    found = {"seconds": time.perf_counter() - started[0], "cpu": time.process_time() - started[1]}
    stop.set()
    thread.join()
    return found


if __name__ == "__main__":
    sys.exit(main())
