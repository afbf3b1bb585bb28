"""`cityhub feed connect`: all steps of a good source, with what each found; exit codes; no secret anywhere."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import psycopg
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from typer.testing import CliRunner

from cityhub.spec.feed import FeedSpec
from cli.main import app
from connectors.check import Step
from flow.register.connection import steps
from tests.register.sources import DAY, ROWS, csv, settings, spec
from tests.register.test_mistakes import broker, rest
from tests.register.test_preview import message, written
from tests.servers import postgres
from tests.servers.certificates import Authority
from tests.servers.http import Request, as_json, vendor
from tests.servers.mosquitto import MOSQUITTO, Broker

SECRET = "s3cr3t-7781-long"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T08:00:00+08:00")
    monkeypatch.setenv("CITYHUB_GAS_USER", "hub")
    monkeypatch.setenv("CITYHUB_GAS_PASSWORD", SECRET)


def tried(feed: FeedSpec, home: Path, listen_s: float = 5) -> list[Step]:
    found = list(steps(settings(home), feed, DAY, listen_s=listen_s))
    assert SECRET not in str(found) + json.dumps([step.as_dict() for step in found])
    return found


def names(found: list[Step]) -> list[str]:
    assert [step for step in found if not step.ok] == []
    return [step.name for step in found]


@pytest.mark.skipif(postgres.binaries() is None, reason="PostgreSQL is not installed")
def test_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_GAS_PASSWORD", postgres.PASSWORD)
    with postgres.postgres() as server:
        source = {"kind": "database", "address": server.url, "user": "gas_user", "password": "gas_password"}
        with psycopg.connect(
            host=server.host, port=server.port, user="hub", password=postgres.PASSWORD, dbname="exchange"
        ) as con:
            con.execute("CREATE TABLE t_gas (编号 text, 时间 timestamp, 压力 numeric, 状态 text, 经度 text, 纬度 text)")
            con.execute("INSERT INTO t_gas VALUES ('P1', '2026-11-20 08:00', 0.2, '01', '114.7', '34.5')")
        found = tried(spec({**source, "table": "t_gas", "day_column": "时间"}), tmp_path)
        assert names(found) == ["address", "dns", "tcp", "login", "table", "first row"]
        assert "编号" in found[-2].said
        found = tried(spec({**source, "table": "t_gas", "day_column": "压力"}), tmp_path)
        assert found[-1].error is not None  # a number is no time: the database's own words, as an error of ours


def test_a_broker(tmp_path: Path) -> None:
    users = {"hub": SECRET} if MOSQUITTO else {}
    login = {"user": "gas_user", "password": "gas_password"} if MOSQUITTO else {}
    with broker(tmp_path, users) as running:
        publisher = Client(CallbackAPIVersion.VERSION2)
        if users:
            publisher.username_pw_set("hub", SECRET)
        publisher.connect("127.0.0.1", running.port)
        publisher.loop_start()
        publisher.publish("gas/p/1", message("P1"), qos=1, retain=True).wait_for_publish(10)
        feed = spec({"kind": "mqtt", "address": running.address, "topic": "gas/p/+", **login})
        assert names(tried(feed, tmp_path)) == ["address", "dns", "tcp", "login", "subscribe", "first message"]
        publisher.loop_stop()
        publisher.disconnect()


@pytest.mark.skipif(MOSQUITTO is None, reason="only Mosquitto is set up for TLS here")
def test_a_broker_with_an_authority_of_its_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    authority.sign("server")
    certificate, key = authority.sign("client")
    running = Broker(tmp_path / "broker", tls=tmp_path / "ca").start()
    try:
        address = f"mqtts://127.0.0.1:{running.port}?ca={tmp_path}/ca/ca.pem&cert={certificate}&key={key}"
        found = tried(spec({"kind": "mqtt", "address": address, "topic": "gas/+"}), tmp_path, 0.2)
        good, last = names(found[:-1]), found[-1].name
        assert [*good, last] == ["address", "dns", "tcp", "tls", "login", "subscribe", "first message"]
        stranger = f"mqtts://127.0.0.1:{running.port}"
        last = tried(spec({"kind": "mqtt", "address": stranger, "topic": "gas/+"}), tmp_path)[-1]
        assert (last.name, last.error.code if last.error else None) == ("tls", "CH-PULL-004")
    finally:
        running.stop()


def test_a_file_and_a_web_interface(tmp_path: Path) -> None:
    assert names(tried(spec(csv(tmp_path)), tmp_path)) == ["address", "folder", "file of the day", "first row"]
    with vendor(lambda _: as_json({"data": ROWS})) as server:
        auth = {"kind": "basic", "user": "gas_user", "password": "gas_password"}
        found = tried(rest(server.address, auth=auth), tmp_path)
        assert names(found) == ["address", "dns", "tcp", "login", "first row"]
        assert all(step.ms >= 0 for step in found)


def test_devices_that_connect_to_us(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gateway:
        port = gateway.getsockname()[1]
        assert names(tried(spec({"kind": "hj212", "listen": f"0.0.0.0:{port}"}), tmp_path)) == ["address", "gateway"]
    last = tried(spec({"kind": "hj212", "listen": f"0.0.0.0:{port}"}), tmp_path)[-1]
    assert last.error is not None
    assert "cityhub gateway run hj212" in last.error.part("fix")


@pytest.mark.parametrize(
    ("status", "code", "exit_code"), [(401, "CH-PULL-007", 4), (503, "CH-PULL-010", 75), (404, "CH-PULL-008", 1)]
)
def test_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, code: str, exit_code: int) -> None:
    monkeypatch.setenv("CITYHUB_FEEDS", str(tmp_path / "feeds"))

    def answer(_: Request) -> Any:
        return as_json({"message": SECRET}, status)

    with vendor(answer) as server:
        auth = {"kind": "basic", "user": "gas_user", "password": "gas_password"}
        written(tmp_path, rest(server.address, auth=auth))
        result = CliRunner().invoke(app, ["feed", "connect", "gas.trial", "--json"])
        assert result.exit_code == exit_code
        *good, last = json.loads(result.stdout)["steps"]
        assert all(step["ok"] for step in good)
        assert (last["ok"], last["code"]) == (False, code)
        assert last["fix"]
        plain = CliRunner().invoke(app, ["feed", "connect", "gas.trial"])
        assert last["fix"] in plain.output
        assert SECRET not in result.output + plain.output
        again = CliRunner().invoke(app, ["feed", "check", "gas.trial", "--connect"])
        assert again.exit_code >= exit_code
        assert code in again.output
