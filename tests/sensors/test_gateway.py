"""The gateway as a process beside a real broker: nothing that the broker acknowledged is lost."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors import status
from sensors.gateway import run_mqtt
from sensors.segments import collect, rotate
from tests.sensors.gateway_process import Gateway
from tests.sensors.mqtt_peer import Device, spooled, write_feed
from tests.sensors.test_segments import landed_ids
from tests.servers.mosquitto import MOSQUITTO, Broker, free_port
from tests.waiting import wait_for

FEED = "water.level"
DAY = date(2026, 11, 20)
Make = Callable[..., FeedSpec]
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None,
    reason="mosquitto is not installed; the embedded broker keeps no session for a client away",
)


@needs_mosquitto
def test_every_published_id_arrives_once_although_the_gateway_is_killed_five_times(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    spec = make_spec(broker.address)
    write_feed(settings, spec)
    gateways(settings).start().ready().kill()  # the session exists from here on
    sent: set[int] = set()
    with ThreadPoolExecutor(1) as background:
        for round_number in range(5):
            publishing = background.submit(device.publish, range(len(sent), len(sent) + 3000))
            before = len(spooled(settings, FEED))
            gateway = gateways(settings).start()
            wait_for(lambda before=before: len(spooled(settings, FEED)) > before + 200, 60)
            gateway.kill()
            if round_number == 2:
                collect(settings, spec, DAY)  # a micro-batch between two lives
            sent |= publishing.result()
    gateway = gateways(settings).start().ready()
    wait_for(lambda: {*spooled(settings, FEED), *landed_ids(settings, FEED)} >= sent, 60)
    assert gateway.stop() == 0
    manifest = collect(settings, spec, DAY)
    assert manifest is not None
    arrived = Counter(landed_ids(settings, FEED))
    assert set(arrived) == sent
    assert not spooled(settings, FEED)


@needs_mosquitto
def test_a_restarted_broker_brings_back_the_session_and_its_queue(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    write_feed(settings, make_spec(broker.address))
    gateway = gateways(settings).start().ready()
    gateway.stop()
    sent = device.publish(range(3000))  # more than the default queue of 1,000
    broker.stop()
    broker.start()
    gateway = gateways(settings).start().ready()
    sent |= device.publish(range(3000, 3100))
    broker.stop()  # under a living gateway this time
    broker.start()
    sent |= device.publish(range(3100, 3200))
    wait_for(lambda: set(spooled(settings, FEED)) == sent, 60)
    (broker_status,) = wait_for(lambda: gateway.status()["state"] == "ready" and gateway.status()["brokers"])
    assert broker_status["session_present"]
    assert broker_status["connects"] == 2
    assert "session_lost" not in gateway.log.read_text()


@needs_mosquitto
def test_what_was_not_acknowledged_comes_again_marked_as_duplicate(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    spec = make_spec(broker.address)
    write_feed(settings, spec)
    gateway = gateways(settings).start().ready()
    (settings.spool / FEED).parent.mkdir(parents=True, exist_ok=True)
    (settings.spool / FEED).write_bytes(b"")  # the spool cannot be written: a file stands where its folder should be
    sent = device.publish(range(50))
    wait_for(lambda: gateway.status().get("state") == "degraded")
    (told,) = gateway.status()["brokers"]
    assert told["spool_error"]["code"] == "CH-PUSH-010"
    assert told["acknowledged"] == 0
    gateway.kill()
    (settings.spool / FEED).unlink()
    gateway = gateways(settings).start().ready()
    wait_for(lambda: set(spooled(settings, FEED)) == sent)
    wait_for(lambda: gateway.counted("duplicates") == 50)
    wait_for(lambda: gateway.counted("acknowledged") == 50)


def test_a_spool_that_can_be_written_again_goes_on_by_itself(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    write_feed(settings, make_spec(broker.address))
    gateway = gateways(settings).start().ready()
    settings.spool.mkdir(parents=True, exist_ok=True)
    (settings.spool / FEED).write_bytes(b"")
    sent = device.publish(range(50))
    wait_for(lambda: gateway.status().get("state") == "degraded")
    (settings.spool / FEED).unlink()
    wait_for(lambda: set(spooled(settings, FEED)) == sent)
    wait_for(lambda: gateway.counted("acknowledged") == 50 and gateway.status()["state"] == "ready")
    assert gateway.counted("connects") == 1


@needs_mosquitto
def test_sigterm_drains_and_closes_the_spool(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    write_feed(settings, make_spec(broker.address))
    gateway = gateways(settings).start().ready()
    sent = device.publish(range(500))
    wait_for(lambda: gateway.counted("received") > 0)
    assert gateway.stop() == 0
    final = gateway.status()
    assert final["state"] == "stopped"
    (told,) = final["brokers"]
    assert told["waiting"] == 0
    assert told["durable"] == told["received"] == told["acknowledged"] == len(spooled(settings, FEED))
    assert not list((settings.spool / FEED).glob("*.open"))
    gateways(settings).start()  # what it left to the broker comes to the next one
    wait_for(lambda: set(spooled(settings, FEED)) == sent)


def test_a_living_gateway_closes_its_segment_when_a_run_asks(
    settings: Settings, broker: Broker, device: Device, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    spec = make_spec(broker.address)
    write_feed(settings, spec)
    gateway = gateways(settings).start().ready()
    device.publish(range(10))
    wait_for(lambda: gateway.counted("acknowledged") == 10)
    assert rotate(settings, FEED)
    first = collect(settings, spec, DAY)
    assert first is not None
    assert sorted(landed_ids(settings, FEED)) == list(range(10))
    assert collect(settings, spec, DAY) == first
    device.publish(range(10, 12))
    wait_for(lambda: gateway.counted("acknowledged") == 12)
    second = collect(settings, spec, DAY)
    assert second is not None
    assert second.load_id != first.load_id
    assert sorted(landed_ids(settings, FEED)) == list(range(12))


@contextmanager
def serving(settings: Settings, specs: list[FeedSpec]) -> Iterator[Callable[[], dict[str, Any]]]:
    """The gateway in a thread of ours; the yielded function stops it and returns its final status."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as background:
        running = background.submit(run_mqtt, settings, specs, stop)

        def end() -> dict[str, Any]:
            stop.set()
            return running.result(30)

        try:
            yield end
        finally:
            stop.set()


def told(settings: Settings) -> dict[str, Any]:
    return status.read(settings, "mqtt") or {"state": "none", "brokers": []}


def test_several_feeds_take_their_own_topics_from_one_connection(
    settings: Settings, broker: Broker, device: Device, make_spec: Make
) -> None:
    level = make_spec(broker.address)
    alarm = make_spec(broker.address, feed="gas.alarm", topic="t/alarm/+/#")
    both = make_spec(broker.address, feed="hub.all", topic="t/+/+")
    with serving(settings, [level, alarm, both]) as end:
        wait_for(lambda: told(settings)["state"] == "ready")
        assert status.healthy(settings, "mqtt")
        device.publish([1], "t/level/p1")
        device.publish([2], "t/alarm/x")
        device.publish([3], "t/alarm/x/y")
        device.publish([4], "elsewhere/x")
        wait_for(lambda: {*spooled(settings, FEED), *spooled(settings, "gas.alarm")} == {1, 2, 3})
        (counts,) = end()["brokers"]
    assert set(spooled(settings, FEED)) == {1}
    assert set(spooled(settings, "gas.alarm")) == {2, 3}
    assert set(spooled(settings, "hub.all")) == {1, 2}
    assert counts["acknowledged"] == counts["received"]
    assert not status.healthy(settings, "mqtt")


def test_one_dead_broker_leaves_the_feeds_of_the_other_untouched(
    settings: Settings, broker: Broker, device: Device, make_spec: Make
) -> None:
    alive = make_spec(broker.address)
    dead = make_spec(f"mqtt://127.0.0.1:{free_port()}", feed="gas.alarm")
    with serving(settings, [dead, alive]):
        wait_for(lambda: [item["state"] for item in told(settings)["brokers"]][1:] == ["ready"])
        sent = device.publish(range(20))
        wait_for(lambda: set(spooled(settings, FEED)) == sent)
        dead_one = wait_for(lambda: told(settings)["brokers"][0]["error"])
        assert dead_one["code"] == "CH-PUSH-001"
        assert told(settings)["state"] == "degraded"


@needs_mosquitto
def test_a_run_until_idle_takes_what_waited_at_the_broker(
    settings: Settings, broker: Broker, device: Device, make_spec: Make
) -> None:
    spec = make_spec(broker.address)
    run_mqtt(settings, [spec], idle_s=0)
    sent = device.publish(range(300))
    run_mqtt(settings, [spec], idle_s=0.5)
    assert set(spooled(settings, FEED)) == sent


@needs_mosquitto
def test_an_older_broker_is_served_over_mqtt_3(
    settings: Settings, broker: Broker, device: Device, make_spec: Make
) -> None:
    spec = make_spec(broker.address.partition("?")[0] + "?version=3.1.1")
    run_mqtt(settings, [spec], idle_s=0)
    sent = device.publish(range(300))
    final = run_mqtt(settings, [spec], idle_s=0.5)
    assert set(spooled(settings, FEED)) == sent
    assert final["brokers"][0]["session_present"]


def test_a_retained_message_is_known_as_such(
    settings: Settings, broker: Broker, device: Device, make_spec: Make
) -> None:
    device.publish([1], retain=True)
    run_mqtt(settings, [make_spec(broker.address)], idle_s=0.3)
    (segment,) = (settings.spool / FEED).glob("*.ndjson")
    assert json.loads(segment.read_bytes())["retain"] is True


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("clean_start=true", "destroys the session"),
        ("session_expiry_s=0", "forgets the session"),
        ("qos=0", "drops messages"),
        ("qos=3", "there are 1 and 2"),
        ("receive_maximum=20", "waits for its timer"),
    ],
)
def test_settings_that_lose_messages_are_refused_with_the_reason(
    settings: Settings, make_spec: Make, query: str, said: str
) -> None:
    with pytest.raises(HubError, match=said) as refused:
        run_mqtt(settings, [make_spec(f"mqtt://127.0.0.1:1?{query}")], threading.Event())
    assert refused.value.code == "CH-PUSH-021"
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    "address",
    [
        "http://x",
        "mqtt://",
        "mqtt://u:secret@h",
        "mqtt://h:port",
        "mqtt://h?qos=one",
        "mqtt://h?version=4",
        "mqtt://h?x=1",
    ],
)
def test_an_address_that_cannot_be_used_is_named_without_its_password(
    settings: Settings, make_spec: Make, address: str
) -> None:
    with pytest.raises(HubError) as refused:
        run_mqtt(settings, [make_spec(address)], threading.Event())
    assert refused.value.code == "CH-PUSH-020"
    assert "secret" not in refused.value.text()


def test_without_a_pushed_feed_there_is_nothing_to_run(settings: Settings) -> None:
    with pytest.raises(HubError) as refused:
        run_mqtt(settings, [], threading.Event())
    assert refused.value.code == "CH-PUSH-006"


@needs_mosquitto
def test_a_wrong_password_ends_with_exit_code_4_and_never_shows_it(
    settings: Settings, make_spec: Make, gateways: Callable[..., Gateway], broker: Broker
) -> None:
    broker.stop()
    broker.users = {"hub": "right-password"}
    broker.start()
    write_feed(settings, make_spec(broker.address, user="mq_user", password="mq_password"))
    gateway = gateways(settings, mq_user="hub", mq_password="wrong-password").start()
    assert gateway.wait() == 4
    said = gateway.log.read_text()
    assert "CH-PUSH-002" in said
    assert "mq_password" in said
    assert "wrong-password" not in said
    assert gateway.status()["state"] == "failed"
    right = gateways(settings, mq_user="hub", mq_password="right-password").start().ready()
    assert right.stop() == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_an_unreachable_broker_is_a_matter_of_trying_again(settings: Settings, make_spec: Make, host: str) -> None:
    with pytest.raises(HubError) as unreachable:
        run_mqtt(settings, [make_spec(f"mqtt://{host}:{free_port()}")], threading.Event(), patience_s=0.1)
    assert unreachable.value.code == "CH-PUSH-001"
    assert unreachable.value.exit_code == 75


def test_a_gateway_that_waits_for_its_broker_ends_on_sigterm(
    settings: Settings, make_spec: Make, gateways: Callable[..., Gateway]
) -> None:
    write_feed(settings, make_spec(f"mqtt://127.0.0.1:{free_port()}"))
    gateway = gateways(settings).start()
    wait_for(lambda: "CH-PUSH-001" in gateway.log.read_text())
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.wait() == 0
