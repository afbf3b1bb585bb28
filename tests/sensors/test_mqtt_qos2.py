"""QoS 2: the broker hears that a message is ours when it is on disk, not before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors import broker as brokers
from sensors.gateway import run_mqtt
from tests.sensors.gateway_process import Gateway
from tests.sensors.mqtt_peer import Device, spooled, write_feed
from tests.servers.mosquitto import MOSQUITTO, Broker
from tests.waiting import wait_for

needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
FEED = "water.level"
Make = Callable[..., FeedSpec]


@needs_mosquitto
@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_messages_of_qos_2_arrive_once_and_the_session_ends_up_empty(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, version: str
) -> None:
    spec = make_spec(f"mqtt://127.0.0.1:{broker.port}?version={version}", qos=2)
    run_mqtt(settings, [spec], idle_s=0)
    sent = device.publish(range(3000), qos=2) | device.publish(range(3000, 3100))
    final = run_mqtt(settings, [spec], idle_s=0.5)
    assert Counter(spooled(settings, FEED)) == Counter(sent)
    assert final["brokers"][0]["acknowledged"] == len(sent)
    again = run_mqtt(settings, [spec], idle_s=0.5)
    assert again["brokers"][0]["received"] == 0


@needs_mosquitto
def test_killed_before_the_fsync_a_message_of_qos_2_comes_again(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    write_feed(settings, make_spec(broker.address, qos=2))
    gateway = gateways(settings).start().ready()
    settings.spool.mkdir(parents=True, exist_ok=True)
    (settings.spool / FEED).write_bytes(b"")  # the spool cannot be written: a file stands where its folder should be
    sent = device.publish(range(50), qos=2)
    wait_for(lambda: gateway.status().get("state") == "degraded" and gateway.counted("received") == 50)
    assert gateway.counted("acknowledged") == 0
    gateway.kill()
    (settings.spool / FEED).unlink()
    gateway = gateways(settings).start().ready()
    wait_for(lambda: set(spooled(settings, FEED)) == sent)
    wait_for(lambda: gateway.counted("acknowledged") == 50)


@needs_mosquitto
def test_killed_again_and_again_nothing_of_qos_2_is_lost(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    write_feed(settings, make_spec(broker.address, qos=2))
    gateways(settings).start().ready().kill()
    sent: set[int] = set()
    with ThreadPoolExecutor(1) as background:
        for _ in range(4):
            publishing = background.submit(device.publish, range(len(sent), len(sent) + 2000), qos=2)
            before = len(spooled(settings, FEED))
            gateway = gateways(settings).start()
            wait_for(lambda before=before: len(spooled(settings, FEED)) > before)
            gateway.kill()
            sent |= publishing.result()
    gateways(settings).start()
    wait_for(lambda: set(spooled(settings, FEED)) == sent)


def test_a_library_that_confirms_too_early_is_refused(
    settings: Settings, make_spec: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokers, "supported", lambda: False)
    with pytest.raises(HubError, match="before messages are on disk") as refused:
        run_mqtt(settings, [make_spec("mqtt://127.0.0.1:1", qos=2)])
    assert refused.value.code == "CH-PUSH-021"
