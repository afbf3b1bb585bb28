"""Client certificates, against a broker that asks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cityhub.errors import HubError
from cityhub.settings import Settings
from cityhub.spec.feed import FeedSpec
from sensors.gateway import run_mqtt
from tests.sensors.mqtt_peer import Device, spooled
from tests.servers.certificates import Authority
from tests.servers.mosquitto import MOSQUITTO, Broker

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed; the embedded broker has no TLS")
FEED = "water.level"
Make = Callable[..., FeedSpec]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "pki")
    made.sign("server")
    made.sign("hub")
    return made


@pytest.fixture
def broker(tmp_path: Path, authority: Authority) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker", tls=authority.folder).start()
    yield broker
    broker.stop()


@pytest.fixture
def device(broker: Broker, authority: Authority) -> Iterator[Device]:
    device = Device(broker, authority.folder)
    yield device
    device.close()


def address(broker: Broker, **query: object) -> str:
    return f"mqtts://127.0.0.1:{broker.port}?" + "&".join(f"{key}={value}" for key, value in query.items())


def take(settings: Settings, spec: FeedSpec, device: Device) -> None:
    run_mqtt(settings, [spec], idle_s=0, patience_s=20)
    sent = device.publish(range(20))
    run_mqtt(settings, [spec], idle_s=0.3, patience_s=20)
    assert set(spooled(settings, FEED)) == sent


def test_a_certificate_from_files(
    settings: Settings, make_spec: Make, broker: Broker, device: Device, authority: Authority
) -> None:
    files = {"ca": "ca.pem", "cert": "hub.pem", "key": "hub.key"}
    spec = make_spec(address(broker, **{key: authority.folder / name for key, name in files.items()}))
    take(settings, spec, device)


def test_a_certificate_from_secrets(
    settings: Settings,
    make_spec: Make,
    broker: Broker,
    device: Device,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CITYHUB_SECRETS", str(authority.folder))  # ca.pem and hub.pem are files there
    monkeypatch.setenv("CITYHUB_MQTT_KEY", (authority.folder / "hub.key").read_text())
    spec = make_spec(address(broker, ca="ca.pem", cert="hub.pem", key="mqtt_key"))
    take(settings, spec, device)


def test_without_a_certificate_the_broker_lets_nobody_in(
    settings: Settings, make_spec: Make, broker: Broker, authority: Authority
) -> None:
    spec = make_spec(address(broker, ca=authority.folder / "ca.pem"))
    with pytest.raises(HubError) as refused:
        run_mqtt(settings, [spec], threading.Event(), patience_s=0.5)
    assert refused.value.code == "CH-PUSH-001"


def test_a_broker_of_another_authority_is_not_trusted(
    settings: Settings, make_spec: Make, broker: Broker, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other")
    files = {"cert": authority.folder / "hub.pem", "key": authority.folder / "hub.key"}
    spec = make_spec(address(broker, ca=other.folder / "ca.pem", **files))
    with pytest.raises(HubError, match="certificate verify failed") as refused:
        run_mqtt(settings, [spec], threading.Event(), patience_s=0.5)
    assert refused.value.code == "CH-PUSH-001"


def test_files_that_do_not_belong_together_are_named_without_their_content(
    settings: Settings, make_spec: Make, broker: Broker, authority: Authority
) -> None:
    key = authority.folder / "server.key"
    spec = make_spec(address(broker, cert=authority.folder / "hub.pem", key=key))
    with pytest.raises(HubError) as refused:
        run_mqtt(settings, [spec], threading.Event())
    assert refused.value.code == "CH-PUSH-024"
    assert str(key) in refused.value.text()
    assert "PRIVATE" not in refused.value.text()


@pytest.mark.parametrize("query", ["cert=a.pem", "key=a.key"])
def test_a_certificate_needs_its_key(settings: Settings, make_spec: Make, query: str) -> None:
    with pytest.raises(HubError, match="go together"):
        run_mqtt(settings, [make_spec(f"mqtts://h?{query}")], threading.Event())


def test_certificates_go_with_tls_only(settings: Settings, make_spec: Make) -> None:
    with pytest.raises(HubError, match="mqtts:// only"):
        run_mqtt(settings, [make_spec("mqtt://h?ca=ca.pem")], threading.Event())
