"""Emitters against the real gateways: what was answered is in the warehouse once, although the gateway is killed."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhub.settings import Settings
from cli.main import app
from flow import pushed
from sandbox.emitters.content import Order
from sandbox.emitters.faults import parse
from sandbox.emitters.run import Emission, emit
from sensors import status
from tests.sensors.mqtt_peer import write_feed
from tests.sensors.tcp.process import Process, installation
from tests.sensors.tcp.test_killed import made_spec
from tests.servers.mosquitto import MOSQUITTO, Broker, free_port
from tests.waiting import wait_for
from warehouse import lake

COUNT, KILLS = 2000, 2
FIELDS = {
    "plate": {"from": "vehicle_no"},
    "ts": {"from": "time", "type": "timestamp", "required": True},
    "lat": {"from": "lat", "type": "double"},
}
FAULTS = ("bad_checksum@0.02", "truncated@0.02", "late:86400@0.05", "out_of_order@0.05", "duplicate@0.05", "split@0.01")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    yield from installation(tmp_path, monkeypatch)


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    con = lake.connect(settings)
    try:
        return con.execute(query).fetchall()
    finally:
        con.close()


def test_a_platform_loses_nothing_although_the_gateway_is_killed(settings: Settings, tmp_path: Path) -> None:
    port, truth = free_port(), tmp_path / "truth"
    write_feed(settings, made_spec("jt809", port, ["plate", "ts"], FIELDS))
    gateway = Process(settings, "jt809")
    gateway.start()
    order = Order("jt809", 20, 3, faults=parse("jt809", 3, FAULTS))
    with ThreadPoolExecutor(1) as background:
        sending = background.submit(emit, order, Emission("127.0.0.1", port, 1000, COUNT, patience_s=60, truth=truth))
        for _ in range(KILLS):
            before = stored(settings)
            wait_for(lambda before=before: stored(settings) > before or sending.done(), 60)
            gateway.end(signal.SIGKILL)
            gateway.start()
        found = sending.result(120)
    assert gateway.end(signal.SIGTERM) == 0
    assert (found["unanswered"], found["answered"]) == (0, found["messages"])
    pushed.take(settings)
    told = {(each["ident"], each["time"]) for each in map(json.loads, truth.read_text().splitlines())}
    assert len(told) == COUNT
    query = "SELECT count(*), count(DISTINCT (plate, ts)) FROM dust_line"
    assert rows(settings, query) == [(COUNT, COUNT)]
    balance = "SELECT bool_and(landed = loaded + duplicate + quarantined), sum(quarantined) FROM load_log"
    ((adds_up, quarantined),) = rows(settings, balance)
    assert adds_up
    assert quarantined > 0


def stored(settings: Settings) -> int:
    """Bytes in the spool."""
    return sum(file.stat().st_size for file in settings.spool.rglob("*") if file.is_file())


@pytest.mark.skipif(MOSQUITTO is None, reason="Mosquitto is not installed")
def test_points_publish_until_the_broker_has_each_message(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker").start()
    try:
        order = Order("mqtt", 5, 3, faults=parse("mqtt", 3, ["garbage@0.1", "duplicate@0.1", "bad_time@0.1"]))
        found = emit(order, Emission("127.0.0.1", broker.port, 0, 500, truth=tmp_path / "t"))
    finally:
        broker.stop()
    assert found["answered"] == found["messages"] > 500
    assert found["unanswered"] == 0
    assert set(found["faults"]) == {"garbage", "duplicate", "bad_time"}


def test_the_command_says_what_came_of_it(settings: Settings, tmp_path: Path) -> None:
    port = free_port()
    write_feed(settings, made_spec("jt809", port, ["plate", "ts"], FIELDS))
    gateway = Process(settings, "jt809")
    gateway.start()
    try:
        done = command("jt809", "--to", f"127.0.0.1:{port}", "--count", "50", "--rate", "0", "--edition", "new")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["answered"] == 50
        assert (status.read(settings, "jt809") or {})["state"] == "ready"
    finally:
        gateway.end(signal.SIGTERM)


def test_nobody_there_is_exit_code_1() -> None:
    told = command("hj212", "--to", f"127.0.0.1:{free_port()}", "--count", "3", "--patience", "0.2")
    assert told.exit_code == 1


@pytest.mark.parametrize(
    "wrong",
    [["ftp"], ["hj212", "--fault", "fire"], ["hj212", "--to", "nowhere"], ["jt808", "--edition", "1999"],
     ["jt808", "--start", "noon"], ["mqtt", "--set", "x"]],
)  # fmt: skip
def test_a_wrong_option_is_named(wrong: list[str]) -> None:
    told = command(*wrong, *([] if "--to" in wrong else ["--to", "127.0.0.1:9"]))
    assert told.exit_code == 2
    assert "CH-RUN-003" in told.stderr


def test_the_faults_can_be_listed() -> None:
    assert "bad_checksum" in command("mqtt", "--to", "x:1", "--fault", "?").stdout


def command(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["sandbox", "emit", *arguments])
