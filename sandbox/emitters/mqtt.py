"""Water levels over MQTT: one client for all devices, QoS 1, kept by the client library until acknowledged."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from random import Random
from threading import Condition
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from sandbox.emitters.content import Order, Reading, ordered
from sandbox.emitters.link import Tally
from sandbox.emitters.speech import Message, shares

if TYPE_CHECKING:
    from sandbox.emitters.run import Emission

TOPIC = "qixian/municipal/waterlevel/{device}"
QUEUE = 2000  # messages that wait for the broker's acknowledgement


def ident(device: int) -> str:
    """The number of a measuring point."""
    return f"SW{device:05d}"


def messages(order: Order, count: int | None) -> Iterator[Message]:
    """Payloads of all devices in turn."""
    dealt = shares(count, order.devices)
    running = [_of(order, device, dealt[device]) for device in range(order.devices)]
    while running:
        for device in list(running):
            message = next(device, None)
            if message is None:
                running.remove(device)
            else:
                yield message


def _of(order: Order, device: int, limit: int | None) -> Iterator[Message]:
    noise = Random(f"{order.seed}|noise|{device}")
    for reading in ordered(order, device, limit):
        if "garbage" in reading.marks:
            yield Message(ident(device), None, b"<html>%d</html>" % noise.randrange(10**6), frozenset({"garbage"}))
        yield _said(order, reading)


def _said(order: Order, reading: Reading) -> Message:
    factor = order.faults.value("unit") if "unit" in reading.marks else 1
    moment = f"{reading.time:%Y}-00-00 00:00:00" if reading.bad_time else f"{reading.time:%Y-%m-%d %H:%M:%S}"
    payload = {
        "cdbh": ident(order.number(reading.device)),
        "sj": moment,
        "sw_mm": round(reading.level * factor),
        "qy": f"{1 + reading.device % 4:02d}",
        "data_origin": "generated",
    }
    time = None if reading.bad_time else reading.time.isoformat() + "+08:00"
    return Message(ident(order.number(reading.device)), time, json.dumps(payload).encode(), reading.marks)


def emit(order: Order, how: Emission, sent: Callable[[Message], None], done: Callable[[Message], None]) -> Tally:
    """Publish. `order.options`: user, password, topic (with {device}), version (3.1.1)."""
    publisher = _Publisher(order, how, sent, done)
    publisher.client.connect_async(how.host, how.port)
    publisher.client.loop_start()
    try:
        publisher.run()
    finally:
        publisher.client.disconnect()
        publisher.client.loop_stop()
    return publisher.tally


class _Publisher:
    """The client's callbacks come from its own thread; `_changed` guards what both sides touch."""

    def __init__(
        self, order: Order, how: Emission, sent: Callable[[Message], None], done: Callable[[Message], None]
    ) -> None:
        self.tally = Tally()
        self._order, self._how, self._sent, self._done = order, how, sent, done
        self._changed = Condition()
        self._waiting: dict[int, Message] = {}
        self._early: set[int] = set()  # acknowledged before `publish` returned their number
        self.client = client = _client(order)
        client.on_connect, client.on_publish = self._on_connect, self._on_publish

    def run(self) -> None:
        """Send at the rate; then wait for the last acknowledgements."""
        how, tally, begin = self._how, self.tally, time.monotonic()
        if not self._wait(lambda: bool(tally.connections or tally.refused), how.patience_s):
            tally.gave_up = 1
            return
        for number, message in enumerate(messages(self._order, how.count)):
            pause = begin + number / how.rate - time.monotonic() if how.rate else 0
            self._wait(lambda: bool(tally.refused), pause)
            room = self._wait(lambda: len(self._waiting) < QUEUE or bool(tally.refused), how.patience_s)
            over = how.seconds is not None and time.monotonic() - begin >= how.seconds
            if tally.refused or not room or over:
                tally.gave_up += not room
                break
            self._publish(message)
        self._wait(lambda: not self._waiting or bool(tally.refused), how.patience_s)
        tally.unanswered = len(self._waiting)

    def _publish(self, message: Message) -> None:
        self._sent(message)
        self.tally.messages += 1
        self.tally.bytes += len(message.raw)
        self.tally.faults.update(message.marks)
        topic = self._order.options.get("topic", TOPIC).replace("{device}", message.ident)
        number = self.client.publish(topic, message.raw, qos=1).mid
        with self._changed:
            if number in self._early:
                self._early.discard(number)
                self._acknowledged(message)
            else:
                self._waiting[number] = message

    def _wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(ready, max(0.0, seconds))

    def _acknowledged(self, message: Message) -> None:
        self.tally.answered += 1
        self._done(message)

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: Any, _more: object) -> None:
        with self._changed:
            if reason.is_failure:
                self.tally.refused[str(reason)] = self.tally.refused.get(str(reason), 0) + 1
            else:
                self.tally.connections += 1
            self._changed.notify_all()

    def _on_publish(self, _client: object, _data: object, number: int, _reason: object, _more: object) -> None:
        with self._changed:
            message = self._waiting.pop(number, None)
            if message is None:
                self._early.add(number)
            else:
                self._acknowledged(message)
            self._changed.notify_all()


def _client(order: Order) -> paho.Client:
    told = order.options
    version = MQTTProtocolVersion.MQTTv311 if told.get("version") == "3.1.1" else MQTTProtocolVersion.MQTTv5
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"sandbox-{order.seed}", protocol=version)
    if "user" in told:
        wrong = order.faults.of_device("wrong_password", 0)
        client.username_pw_set(told["user"], "wrong" if wrong else told.get("password", ""))
    client.max_queued_messages_set(0)
    client.max_inflight_messages_set(500)
    client.reconnect_delay_set(1, 2)
    return client
