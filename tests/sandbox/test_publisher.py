"""Messages reach a real subscriber over a real broker; the sender knows when nobody listened."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from sandbox import broker, publisher
from tests.sandbox.cities import DAY, world
from tests.waiting import wait_for


@contextmanager
def listening(city: publisher.Publisher, password: str | None = None) -> Iterator[list[tuple[str, bytes]]]:
    """A subscriber like the hub's gateway: QoS 1, a session that lasts."""
    got: list[tuple[str, bytes]] = []
    subscribed, answers = threading.Event(), []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="hub", clean_session=False)
    client.username_pw_set(city["mqtt_user"], password or city["mqtt_password"])

    def on_connect(*details: object) -> None:
        answers.append(details[3])
        client.subscribe("qixian/#", qos=1)

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _c, _d, message: got.append((message.topic, message.payload))
    address = urlsplit(city["mqtt_url"])
    assert address.hostname and address.port
    client.connect(address.hostname, address.port)
    client.loop_start()
    try:
        if password is not None:
            wait_for(lambda: answers)
            assert answers[0].is_failure  # type: ignore[attr-defined]  # paho's ReasonCode
        else:
            assert subscribed.wait(20)
        yield got
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture(params=["mosquitto", "amqtt"])
def city(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[publisher.Publisher]:
    if request.param == "amqtt":
        pytest.importorskip("amqtt", reason="amqtt is not installed")
        monkeypatch.setattr(broker, "SERVER", "no-such-broker")
    elif shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin") is None:
        pytest.skip("Mosquitto is not installed")
    running = publisher.start(world(scale=0.1), tmp_path)
    yield running
    running.stop()


def test_every_message_reaches_the_subscriber(city: publisher.Publisher) -> None:
    truth = city.world.truth
    wanted = truth.feed("municipal.waterlevel").rows + truth.feed("gas.alarm").rows
    with listening(city) as got:
        assert city.publish() == publisher.Sent(wanted, 0)
        wait_for(lambda: len(got) >= wanted)
    assert Counter(got) == Counter(publisher.messages(world(scale=0.1)))
    topic, payload = got[0]
    first = json.loads(payload)
    assert topic == f"qixian/municipal/waterlevel/{first['cdbh']}"
    assert first["sj"].startswith("2026-11-") and first["data_origin"] == "generated"


def test_wrong_password_is_refused(city: publisher.Publisher) -> None:
    with listening(city, password="wrong"):
        pass


def test_sender_knows_when_nobody_listens(city: publisher.Publisher) -> None:
    sent = city.publish()
    assert sent.published > 0
    if city._broker.version5:
        assert sent.unheard == sent.published


def test_script_sends_duplicates_and_disorder_and_other_days() -> None:
    rows = [json.loads(body) for topic, body in publisher.messages(world(scale=1.0)) if "waterlevel" in topic]
    keys = [(row["cdbh"], row["sj"]) for row in rows]
    assert len(set(keys)) < len(keys)
    assert [key[1] for key in keys] != sorted(key[1] for key in keys)
    assert any(key[1] < DAY.isoformat() for key in keys)  # late ones


def test_tomorrow_has_no_messages_yet(tmp_path: Path) -> None:
    running = publisher.start(world(scale=0.02), tmp_path)
    try:
        assert running.publish(DAY + timedelta(days=1)) == publisher.Sent(0, 0)
        assert running.publish(DAY - timedelta(days=1)).published > 0
    finally:
        running.stop()


def test_no_broker_at_all_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "SERVER", "no-such-broker")
    monkeypatch.setitem(__import__("sys").modules, "sandbox.broker_amqtt", None)
    with pytest.raises(RuntimeError, match="apt-get install mosquitto"):
        publisher.start(world(scale=0.02), tmp_path)
