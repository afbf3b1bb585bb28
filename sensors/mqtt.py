"""One connection to an MQTT broker: what arrives goes to the spool, and is acknowledged when it is durable.

The library's network loop is driven here, in one thread: read a burst, write and sync the group,
acknowledge it. So not reading is the back-pressure, and an acknowledgement can never overtake its record.
Acknowledgements carry the number of the connection they belong to: packet ids start anew with each
connection, so an old one is dropped and the broker sends that message again (the natural key removes the
second copy).
"""

from __future__ import annotations

import logging
import random
import select
import ssl
import time
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cityhub import clock, log
from cityhub.errors import HubError, Retry, Stop, Unauthorised
from cityhub.secrets import secret
from sensors.broker import Broker, refused_by_broker
from sensors.envelope import encode
from sensors.held import HoldingClient
from sensors.route import Router
from sensors.spool import Spool
from sensors.tls import client_context

logger = log.get("cityhub.sensors")
WRONG_LOGIN = {134, 135, 138, 140}  # MQTT 5 reason codes; the library maps those of 3.1.1 to them
PAUSE_S, BACKOFF_S, DRAIN_S = 0.05, (0.2, 30.0), 5.0


class Link:
    """The life of one connection, reconnects included. Counters are read by other threads, never written
    there.
    """

    def __init__(self, broker: Broker, spool: Spool, client_id: str, changed: Callable[[], None]) -> None:
        self.broker, self.spool, self._changed = broker, spool, changed
        self.state = "starting"
        self.error: HubError | None = None
        self.ever_ready = False
        self.session_present: bool | None = None
        self.connects = self.received = self.duplicates = self.retained = self.acknowledged = self.unmatched = 0
        self.last_message = 0.0
        self.last_received_at: str | None = None
        self.client_id = client_id
        self._status_topic = (broker.status_topic or "").replace("{id}", client_id)
        self._router = Router(broker.filters)
        self._generation = 0
        self._received_at = ""
        self._client = self._made(client_id)

    def _made(self, client_id: str) -> HoldingClient:
        five = self.broker.version == "5"
        client = HoldingClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTv5 if five else MQTTv311,
            clean_session=None if five else False,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = 3.0
        if self.broker.tls:
            client.tls_set_context(client_context(self.broker))
        if self._status_topic:
            client.will_set(self._status_topic, _status("offline"), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        # with a writer registered the library queues packets instead of sending each from inside the call
        client.on_socket_register_write = lambda *_: None
        return client

    # -- life ---------------------------------------------------------------------------------------------

    def run(self, stop: Event) -> None:
        """Connect and serve until `stop`, then drain: sync, acknowledge, disconnect, close the segments."""
        wait_s = BACKOFF_S[0]
        while not stop.is_set():
            ready_before = self.connects
            if self._connect():
                self._serve(stop)
            if self.connects > ready_before:
                wait_s = BACKOFF_S[0]
            if not stop.is_set():
                self._set("waiting")
                self._pause(stop, wait_s * random.uniform(0.5, 1.0))
                wait_s = min(wait_s * 2, BACKOFF_S[1])
        self._drain()

    def _connect(self) -> bool:
        broker = self.broker
        try:
            if broker.user and broker.password:
                self._client.username_pw_set(secret(broker.user), secret(broker.password))
            if broker.version == "5":
                properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # the library's own gap
                properties.SessionExpiryInterval = broker.session_expiry_s
                properties.ReceiveMaximum = broker.receive_maximum
                self._client.connect(
                    broker.host, broker.port, broker.keepalive_s, clean_start=False, properties=properties
                )
            else:
                self._client.connect(broker.host, broker.port, broker.keepalive_s)
        except HubError as error:
            self._fail(error)
            return False
        except OSError as error:  # name unknown, refused, timed out, TLS
            self._fail(Retry("CH-PUSH-001", address=broker.shown, detail=_reason(error)))
            return False
        self._set("connecting")
        return True

    def _serve(self, stop: Event) -> None:
        client, spool = self._client, self.spool
        looked = ticked = 0.0
        while not stop.is_set():
            socket = client.socket()
            if socket is None:
                return
            if not spool.full and self._readable(socket):
                self._read()
            elif spool.full:
                stop.wait(PAUSE_S)
            if spool.due:
                spool.flush()
            now = time.monotonic()
            if now - ticked >= PAUSE_S:
                spool.tick()
                ticked = now
            if client.want_write():
                client.loop_write()
            if now - looked >= 1:
                client.loop_misc()
                looked = now

    def _readable(self, socket: Any) -> bool:
        if isinstance(socket, ssl.SSLSocket) and socket.pending():
            return True
        poller = select.poll()
        wants = select.POLLIN | (select.POLLOUT if self._client.want_write() else 0)
        poller.register(socket, wants)
        return any(event & ~select.POLLOUT for _, event in poller.poll(PAUSE_S * 1000))

    def _read(self) -> None:
        self._received_at = clock.now().isoformat(timespec="milliseconds")
        for _ in range(self.spool.limits.group_lines):
            before = self.received
            done = self._client.loop_read()
            if self.broker.qos == 2:
                for message in self._client.arrived():
                    self._take(message)
            if done != MQTTErrorCode.MQTT_ERR_SUCCESS or self.received == before:
                return
            if self.spool.full:
                return

    def _pause(self, stop: Event, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            if self.spool.waiting:
                self.spool.flush()  # its acknowledgements are void; the records are kept all the same
            self.spool.tick()
            if time.monotonic() >= until or stop.wait(PAUSE_S):
                return

    def _drain(self) -> None:
        self._set("draining")
        flushed = self.spool.flush(at_once=True)
        if self._client.socket() is not None:
            self._tell("offline")  # the will is for those who cannot say it
            until = time.monotonic() + DRAIN_S
            while self._client.want_write() and self._client.socket() is not None and time.monotonic() < until:
                self._client.loop_write()
            self._client.disconnect()
            self._client.loop_write()
        self.spool.close()
        log.event(logger, "gateway_drained", broker=self.broker.shown, durable=self.spool.durable, complete=flushed)
        self._set("stopped")

    def _tell(self, word: str) -> None:
        if self._status_topic:
            self._client.publish(self._status_topic, _status(word), qos=1, retain=True)

    def _set(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self._changed()

    def _fail(self, error: HubError) -> None:
        if self.error is None or self.error.text() != error.text():
            log.event(logger, "broker_trouble", broker=self.broker.shown, code=error.code)
            logger.error("%s", error.text())
        self.error = error
        self._changed()

    # -- callbacks of the library ---------------------------------------------------------------------------

    def _on_connect(
        self,
        client: Client,
        _data: object,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._fail(self._refused(reason))
            client.disconnect()
            return
        granted = getattr(properties, "SessionExpiryInterval", None)
        if granted == 0 or getattr(properties, "MaximumQoS", 1) == 0:
            what = "it ends our session with the connection" if granted == 0 else "it offers QoS 0 only"
            self._fail(refused_by_broker(self.broker, what))
            client.disconnect()
            return
        self._generation += 1
        if self.ever_ready and not flags.session_present:
            log.event(
                logger,
                "session_lost",
                level=logging.WARNING,
                broker=self.broker.shown,
                detail="messages queued for us are gone",
            )
        self.session_present = flags.session_present
        if self.broker.version == "5":
            options = SubscribeOptions(qos=self.broker.qos, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
            client.subscribe([(topic, options) for topic in self.broker.topics])
        else:
            client.subscribe([(topic, self.broker.qos) for topic in self.broker.topics])

    def _refused(self, reason: ReasonCode) -> HubError:
        broker, code = self.broker, int(reason.value)
        if code in WRONG_LOGIN:
            return Unauthorised(
                "CH-PUSH-002",
                address=broker.shown,
                detail=str(reason),
                user=broker.user or "(none)",
                password=broker.password or "(none)",
            )
        if code == 132:
            return Stop("CH-PUSH-003", address=broker.shown, version=broker.version, detail=str(reason))
        return Retry("CH-PUSH-001", address=broker.shown, detail=str(reason))

    def _on_subscribe(
        self, client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        for topic, reason in zip(self.broker.topics, reasons, strict=False):
            if reason.is_failure:
                place = {"address": self.broker.shown, "topic": topic, "detail": str(reason)}
                refused = Unauthorised if int(reason.value) == 135 else Stop
                self._fail(refused("CH-PUSH-004", **place))
                client.disconnect()
                return
            if int(reason.value) == 0:
                self._fail(refused_by_broker(self.broker, f"it grants QoS 0 only on {topic}"))
                client.disconnect()
                return
        self.connects += 1
        self.ever_ready, self.error = True, None
        self.last_message = time.monotonic()
        log.event(
            logger,
            "subscribed",
            broker=self.broker.shown,
            topics=len(reasons),
            session_present=self.session_present,
        )
        self._tell("online")
        self._set("ready")

    def _on_disconnect(
        self, _client: Client, _data: object, flags: DisconnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        self._generation += 1
        if self.state not in {"draining", "stopped"} and self.error is None:
            self._fail(Retry("CH-PUSH-001", address=self.broker.shown, detail=f"connection lost: {reason}"))

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.qos < 2:  # others were taken when they came; this is the broker's release
            self._take(message)

    def _take(self, message: MQTTMessage) -> None:
        self.received += 1
        self.duplicates += message.dup
        self.retained += message.retain
        self.last_message, self.last_received_at = time.monotonic(), self._received_at
        topic = message.topic
        feeds = self._router.feeds(topic)
        acknowledge = partial(self._acknowledge, self._generation, message.mid, message.qos)
        if not feeds:  # a filter that this session still holds, of a feed that is gone
            self.unmatched += 1
            if self._router.first_time(topic):
                log.event(logger, "topic_of_no_feed", level=logging.WARNING, broker=self.broker.shown, topic=topic)
            acknowledge()
        elif len(feeds) == 1:
            self.spool.append(feeds[0], self._line(topic, message, feeds[0]), acknowledge)
        else:
            countdown = _Countdown(len(feeds), acknowledge)
            for feed in feeds:
                self.spool.append(feed, self._line(topic, message, feed), countdown)

    def _line(self, topic: str, message: MQTTMessage, feed: str) -> bytes:
        return encode(
            topic,
            message.payload,
            self._received_at,
            qos=message.qos,
            retain=message.retain,
            dup=message.dup,
            form=self.broker.forms.get(feed, "json"),
        )

    def _acknowledge(self, generation: int, mid: int, qos: int) -> None:
        if generation == self._generation and self._client.socket() is not None:
            if qos == 2:
                self._client.confirm(mid)
            else:
                self._client.ack(mid, qos)
            self.acknowledged += 1


class _Countdown:
    """Calls `then` at the last of `count` calls: a message for two feeds is durable when both have it."""

    def __init__(self, count: int, then: Callable[[], None]) -> None:
        self._left, self._then = count, then

    def __call__(self) -> None:
        self._left -= 1
        if not self._left:
            self._then()


def _status(word: str) -> str:
    return f'{{"status":"{word}"}}'


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
