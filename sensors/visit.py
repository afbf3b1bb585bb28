"""A short visit to a broker: log in, subscribe, hear a few messages, leave. The gateway and its session know nothing
of it: a client id of its own, no session that stays, and a shared subscription's filter without its group, because
a member of the group would take messages away from the gateway.
"""

from __future__ import annotations

import secrets as random
import time
from types import TracebackType

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from cityhub import clock
from cityhub.errors import HubError, Retry, Stop, Unauthorised
from cityhub.secrets import secret
from sensors.broker import SHARE, Broker
from sensors.envelope import encode
from sensors.mqtt import WRONG_LOGIN
from sensors.tls import client_context

WAIT_S = 10.0


class Visit:
    """One connection for the time of a `with` block."""

    def __init__(self, broker: Broker, seconds: float = WAIT_S) -> None:
        self.broker, self._seconds = broker, seconds
        self.lines: list[bytes] = []
        """Spool lines of what was heard."""
        self.topic = broker.topics[0].split("/", 2)[2] if broker.topics[0].startswith(SHARE) else broker.topics[0]
        self._answer: HubError | str | None = None
        five = broker.version == "5"
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"cityhub-look-{random.token_hex(4)}",
            protocol=MQTTv5 if five else MQTTv311,
            clean_session=None if five else True,
            reconnect_on_failure=False,
        )
        self._client.connect_timeout = seconds
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, traceback: TracebackType | None) -> None:
        self._client.disconnect()

    def login(self) -> str:
        """Connect and log in. Raises CH-PUSH-001, 002, 003, 024."""
        broker = self.broker
        if broker.tls:
            self._client.tls_set_context(client_context(broker))
        if broker.user and broker.password:
            self._client.username_pw_set(secret(broker.user), secret(broker.password))
        try:
            if broker.version == "5":
                self._client.connect(broker.host, broker.port, broker.keepalive_s, clean_start=True)
            else:
                self._client.connect(broker.host, broker.port, broker.keepalive_s)
        except OSError as error:
            raise self._unreachable(" ".join(str(error).split()) or type(error).__name__) from None
        self._until_answered()
        return f"{broker.shown} accepts us" + (f" as the user named {broker.user}" if broker.user else " without login")

    def subscribe(self) -> str:
        """Subscribe the feed's filter. Raises CH-PUSH-004."""
        self._client.subscribe(self.topic, qos=self.broker.qos)
        self._until_answered()
        return f"subscribed to {self.topic}"

    def hear(self, count: int, seconds: float) -> int:
        """Listen until so many messages came or the time is over; how many came."""
        until = time.monotonic() + seconds
        while len(self.lines) < count and time.monotonic() < until:
            if self._client.loop(0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        return len(self.lines)

    def _until_answered(self) -> None:
        self._answer = None
        until = time.monotonic() + self._seconds
        while self._answer is None:
            done = self._client.loop(0.1)
            if self._answer is None and (done != MQTTErrorCode.MQTT_ERR_SUCCESS or time.monotonic() > until):
                raise self._unreachable("it closed the connection, or does not answer as a broker does")
        if isinstance(self._answer, HubError):
            raise self._answer

    def _unreachable(self, detail: str) -> Retry:
        return Retry("CH-PUSH-001", address=self.broker.shown, detail=detail)

    def _on_connect(self, _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode,
                    _properties: Properties | None) -> None:  # fmt: skip
        self._answer = self._refused(reason) if reason.is_failure else "connected"

    def _refused(self, reason: ReasonCode) -> HubError:
        broker = self.broker
        place = {"address": broker.shown, "detail": str(reason)}
        if int(reason.value) in WRONG_LOGIN:
            names = {"user": broker.user or "(none)", "password": broker.password or "(none)"}
            return Unauthorised("CH-PUSH-002", **place, **names)
        if int(reason.value) == 132:
            return Stop("CH-PUSH-003", version=broker.version, **place)
        return Retry("CH-PUSH-001", **place)

    def _on_subscribe(self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode],
                      _properties: object) -> None:  # fmt: skip
        bad = [reason for reason in reasons if reason.is_failure]
        place = {"address": self.broker.shown, "topic": self.topic}
        self._answer = Stop("CH-PUSH-004", detail=str(bad[0]), **place) if bad else "subscribed"

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        feed = self.broker.filters[0][0]
        self.lines.append(
            encode(
                message.topic, message.payload, clock.now().isoformat(timespec="milliseconds"), qos=message.qos,
                retain=message.retain, dup=message.dup, form=self.broker.forms.get(feed, "json"),
            )
        )  # fmt: skip
