"""An installation of its own for each test, and one MQTT feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from tests.sensors.gateway_process import Gateway
from tests.sensors.mqtt_peer import Device
from tests.servers.mosquitto import Broker


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "home"
    return Settings(
        home=home,
        feeds=tmp_path / "feeds",
        catalog=str(home / "lake" / "c.sqlite"),
        data=str(home / "lake" / "data"),
    )


@pytest.fixture
def make_spec() -> Callable[..., FeedSpec]:
    """A spec for an address; `feed`, `topic` and anything of the source may be given."""

    def make(
        address: str = "mqtt://127.0.0.1:1",
        feed: str = "water.level",
        topic: str = "t/level/+",
        **source: object,
    ):
        return FeedSpec.model_validate(
            {
                "feed": feed,
                "platform": feed.partition(".")[0],
                "table": feed.replace(".", "_"),
                "title": {"zh": "水位", "en": "Level"},
                "description": "Water level of a point",
                "owner": {"department": "slj", "person": "x", "phone": "1"},
                "source": {"kind": "mqtt", "address": address, "topic": topic, **source},
                "identity": {"key": ["id"]},
                "fields": {"id": {"from": "id", "type": "integer"}},
            }
        )

    return make


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker").start()
    yield broker
    broker.stop()


@pytest.fixture
def device(broker: Broker) -> Iterator[Device]:
    device = Device(broker)
    yield device
    device.close()


@pytest.fixture
def gateways() -> Iterator[Callable[..., Gateway]]:
    """Makes gateway processes and ends those that a test leaves running."""
    made: list[Gateway] = []

    def make(settings: Settings, instance: int = 1, **secrets: str) -> Gateway:
        made.append(Gateway(settings, instance, **secrets))
        return made[-1]

    yield make
    for gateway in made:
        gateway.kill()
