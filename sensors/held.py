"""QoS 2 that is confirmed after the fsync.

paho-mqtt sends PUBREC as soon as a message has arrived and hands it over at PUBREL; killed between the two, it has
confirmed a message that nobody has (seen: it never comes again). Here the message is handed over on arrival, PUBREC
waits for `confirm`, and PUBREL is answered even for a message of an earlier life. What comes twice has the same natural
key. These are inner methods of the library: `supported` says whether this version has them, and there is a test against
a real broker.
"""

from __future__ import annotations

import struct
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode

_INNER = ("_send_pubrec", "_send_pubcomp", "_handle_pubrel", "_handle_publish")


def supported() -> bool:
    """Whether QoS 2 can be confirmed late with the library that is installed."""
    return all(callable(getattr(Client, name, None)) for name in _INNER)


class HoldingClient(Client):
    """The library's client with `manual_ack`, also for QoS 2."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._held: list[int] = []

    def arrived(self) -> list[MQTTMessage]:
        """QoS 2 messages that came since the last call; each waits for `confirm`."""
        held, self._held = self._held, []
        with self._in_message_mutex:
            return [self._in_messages[mid] for mid in held if mid in self._in_messages]

    def confirm(self, mid: int) -> None:
        """Tell the broker that a message is ours."""
        super()._send_pubrec(mid)

    def _handle_on_message(self, message: MQTTMessage) -> None:
        """Without the search for callbacks by topic: we have none. A library that goes another way calls `on_message`
        itself.
        """
        if self.on_message is not None:
            self.on_message(self, self._userdata, message)

    def _send_pubrec(self, mid: int) -> MQTTErrorCode:
        self._held.append(mid)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _handle_pubrel(self) -> MQTTErrorCode:
        packet = bytes(self._in_packet["packet"][:2])
        done = super()._handle_pubrel()
        if done == MQTTErrorCode.MQTT_ERR_SUCCESS:
            return self._send_pubcomp(*struct.unpack("!H", packet))
        return done
