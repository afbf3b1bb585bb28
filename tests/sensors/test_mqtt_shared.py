"""Several gateways on one shared subscription, and what they say of themselves at the broker."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from flow import steps
from sensors.gateway import run_mqtt
from tests.sensors.gateway_process import Gateway
from tests.sensors.mqtt_peer import Device, spooled, write_feed
from tests.servers.mosquitto import MOSQUITTO, Broker
from tests.waiting import wait_for
from warehouse import lake

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed; amqtt shares no subscription")
FEED, SHARED = "water.level", "$share/hub/t/level/+"
DAY = date(2026, 11, 20)
Make = Callable[..., FeedSpec]


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    yield
    for cached in (steps.opened, steps._connection):
        cached.cache_clear()


def stored(settings: Settings) -> Counter[int]:
    """Ids in the warehouse."""
    with lake.connect(settings, read_only=True) as con:
        return Counter(row[0] for row in con.execute("SELECT id FROM water_level").fetchall())


def test_two_gateways_share_the_load_and_every_id_is_stored_once(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    write_feed(settings, make_spec(broker.address, topic=SHARED))
    first, second = gateways(settings).start().ready(), gateways(settings, 2).start().ready()
    sent = device.publish(range(2000))
    second.kill()  # in the middle or not: what it held comes to it again
    sent |= device.publish(range(2000, 3000))
    second = gateways(settings, 2).start().ready()
    wait_for(lambda: set(spooled(settings, FEED)) == sent, 60)
    ids = [gateway.status()["brokers"][0]["client_id"] for gateway in (first, second)]
    assert ids[1] == f"{ids[0]}-i2"
    assert min(first.counted("received"), second.counted("received")) > 0
    assert first.stop() == second.stop() == 0
    steps.sync(settings, FEED, DAY)
    assert stored(settings) == Counter(sent)


def test_homes_of_their_own_share_a_subscription_too(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    homes = [Settings(settings.home / name, settings.feeds, "", "") for name in ("a", "b")]
    write_feed(settings, make_spec(broker.address, topic=SHARED))
    for home in homes:
        gateways(home).start().ready()
    sent = device.publish(range(500))
    wait_for(lambda: {number for home in homes for number in spooled(home, FEED)} == sent)
    assert all(spooled(home, FEED) for home in homes)


def test_the_share_of_a_gateway_that_is_away_waits_for_it(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    write_feed(settings, make_spec(broker.address, topic=SHARED))
    first = gateways(settings).start().ready()
    gateways(settings, 2).start().ready().stop()
    sent = device.publish(range(200))
    wait_for(lambda: first.counted("acknowledged") == first.counted("received") > 0)
    assert set(spooled(settings, FEED)) < sent
    gateways(settings, 2).start().ready()
    wait_for(lambda: set(spooled(settings, FEED)) == sent)


def test_a_further_gateway_takes_shared_subscriptions_only(
    settings: Settings, broker: Broker, device: Device, make_spec: Make
) -> None:
    own = make_spec(broker.address)
    with pytest.raises(HubError) as refused:
        run_mqtt(settings, [own], threading.Event(), instance=2)
    assert refused.value.code == "CH-PUSH-023"
    shared = make_spec(broker.address, feed="gas.alarm", topic="$share/hub/t/alarm/+")
    final = run_mqtt(settings, [own, shared], idle_s=0, instance=2)
    assert final["brokers"][0]["feeds"] == {"gas.alarm": "$share/hub/t/alarm/+"}


@pytest.mark.parametrize("topic", ["$share/hub", "$share//t/+", "$share/h+b/t"])
def test_a_shared_subscription_is_checked(settings: Settings, make_spec: Make, topic: str) -> None:
    with pytest.raises(HubError, match=r"\$share/<group>/<filter>"):
        run_mqtt(settings, [make_spec(topic=topic)], threading.Event())


@pytest.fixture
def heard(broker: Broker) -> Iterator[list[str]]:
    """Words on the status topics, the retained one first."""
    words: list[str] = []
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _data, message: words.append(json.loads(message.payload)["status"])
    client.connect("127.0.0.1", broker.port)
    client.subscribe("cityhub/gateway/+/status", 1)
    client.loop_start()
    yield words
    client.disconnect()
    client.loop_stop()


def test_the_gateway_says_online_and_offline_and_its_will_says_it_when_it_cannot(
    settings: Settings, broker: Broker, make_spec: Make, gateways: Callable[..., Gateway], heard: list[str]
) -> None:
    query = "&" if "?" in broker.address else "?"
    write_feed(settings, make_spec(f"{broker.address}{query}status_topic=cityhub/gateway/{{id}}/status"))
    gateway = gateways(settings).start().ready()
    wait_for(lambda: heard == ["online"])
    gateway.kill()
    wait_for(lambda: heard == ["online", "offline"])
    gateway = gateways(settings).start().ready()
    wait_for(lambda: heard == ["online", "offline", "online"])
    assert gateway.stop() == 0
    wait_for(lambda: heard == ["online", "offline", "online", "offline"])
