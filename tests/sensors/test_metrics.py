"""Metrics of a gateway from its status, whichever kind it is."""

from __future__ import annotations

import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from cityhub.errors import Usage
from cityhub.settings import Settings
from sensors import status
from sensors.metrics import Numbers, address, metered

MQTT = {
    "kind": "mqtt",
    "state": "ready",
    "durable": 7,
    "brokers": [
        {"address": "mqtt://a:1883", "received": 9, "duplicates": 2, "acknowledged": 7, "connects": 1},
        {"address": "mqtt://b:1883", "received": 1},
    ],
}


def test_the_mqtt_gateway_is_measured_by_its_status_file(settings: Settings) -> None:
    status.write(settings, "mqtt", MQTT)
    with metered(settings, "mqtt", "127.0.0.1:0") as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as answer:
            assert answer.status == 200
    for line in (
        'cityhub_gateway_ready{gateway="mqtt"} 1.0',
        'cityhub_gateway_durable_lines_total{gateway="mqtt"} 7.0',
        'cityhub_gateway_received_total{broker="mqtt://a:1883",gateway="mqtt"} 9.0',
        'cityhub_gateway_duplicates_total{broker="mqtt://b:1883",gateway="mqtt"} 0.0',
    ):
        assert line in text, line


def test_before_the_first_status_there_is_nothing_and_no_error() -> None:
    registry = CollectorRegistry()
    registry.register(Numbers("jt808", lambda: None))
    assert generate_latest(registry) == b""


def test_a_port_that_is_taken_keeps_no_gateway_down(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        with metered(settings, "mqtt", where) as port:
            assert port is None
    assert "metrics_not_served" in caplog.text
    with metered(settings, "mqtt", "off") as port:
        assert port is None


@pytest.mark.parametrize("given", ["nowhere", "host:port", ":9000", "127.0.0.1:70000"])
def test_addresses_that_are_none(given: str) -> None:
    with pytest.raises(Usage):
        address("mqtt", given)


def test_each_kind_has_its_own_port_on_loopback(tmp_path: Path) -> None:
    found = [address(kind, None) for kind in ("mqtt", "hj212", "jt808", "jt809")]
    assert len(set(found)) == 4
    assert {where[0] for where in found if where} == {"127.0.0.1"}
    assert address("mqtt", "[::1]:9000") == ("::1", 9000)
