"""Mistakes that only the source can show: each ends at its step, or in the preview, with the remedy named.

(The mistakes that stand in the file itself are in test_typed.py.) Each case is a function that gives the error; real
servers, real files.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from cityhub.errors import HubError
from cityhub.spec.feed import FeedSpec
from flow.register.connection import steps
from flow.register.preview import preview
from tests.register.sources import DAY, FIELDS, ROWS, changed, csv, settings, spec
from tests.servers import postgres
from tests.servers.certificates import Authority
from tests.servers.http import Answer, Request, as_json, vendor
from tests.servers.mosquitto import MOSQUITTO, Broker, free_port

RIGHT, WRONG = "right-pass-7781", "wrong-pass-4417"
Found = tuple[str, HubError]


def connected(feed: FeedSpec, home: Path) -> Found:
    """The step that failed and its error."""
    last = list(steps(settings(home), feed, DAY, listen_s=0.3))[-1]
    assert last.error is not None, last
    assert last.ms >= 0
    return last.name, last.error


def previewed(feed: FeedSpec, home: Path) -> Found:
    """The preview's first advice, or the error with which it ends."""
    try:
        found = preview(settings(home), feed, DAY)
    except HubError as error:
        return "preview", error
    return "advice", found.advice[0]


def rest(address: str, **more: Any) -> FeedSpec:
    return spec({"kind": "rest", "address": address, "records_at": "data", **more})


def asked(answer: Callable[[Request], Answer], home: Path, path: str = "/rows", **more: Any) -> Found:
    with vendor(answer) as server:
        return connected(rest(server.address + path, **more), home)


def wrong_password(home: Path) -> Found:
    auth = {"kind": "login", "path": "/login", "user": "gas_user", "password": "gas_password", "token_at": "token"}
    return asked(lambda _: as_json({"message": "用户名或密码错误"}, 401), home, auth=auth)


def wrong_password_basic(home: Path) -> Found:
    auth = {"kind": "basic", "user": "gas_user", "password": "gas_password"}
    return asked(lambda _: as_json({"message": "401"}, 401), home, auth=auth)


def secret_not_set(home: Path) -> Found:
    return asked(lambda _: as_json({"data": ROWS}), home, auth={"kind": "bearer", "token": "nobody_set_this"})


def wrong_host(home: Path) -> Found:
    return connected(rest("http://no-such-host.invalid/rows"), home)


def closed_port(home: Path) -> Found:
    return connected(rest(f"http://127.0.0.1:{free_port()}/rows"), home)


def wrong_path(home: Path) -> Found:
    return asked(lambda _: as_json({"error": "not found"}, 404), home)


def login_page(home: Path) -> Found:
    page = Answer(b"<!DOCTYPE html><html><title>login</title></html>", headers={"Content-Type": "text/html"})
    return asked(lambda _: page, home)


def empty_answer(home: Path) -> Found:
    return asked(lambda _: as_json({"data": []}), home)


def wrong_records_path(home: Path) -> Found:
    return asked(lambda _: as_json({"result": {"rows": ROWS}}), home)


def unknown_placeholder(home: Path) -> Found:
    return connected(rest("http://127.0.0.1/{today}"), home)


def expired_certificate(home: Path) -> Found:
    authority = Authority(home / "authority")
    certificate, key = authority.sign("server", expired=True)
    os.environ["SSL_CERT_FILE"] = str(home / "authority" / "ca.pem")  # so that only the date is wrong
    with tls_server(certificate, key) as port:
        return connected(rest(f"https://127.0.0.1:{port}/rows"), home)


@contextmanager
def tls_server(certificate: Path, key: Path) -> Iterator[int]:
    """Somebody who only shakes hands."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def database(home: Path, **more: Any) -> FeedSpec:
    with sqlite3.connect(home / "x.db") as connection:
        connection.execute("CREATE TABLE t_gas (编号 TEXT, 时间 TEXT, 压力 TEXT, 状态 TEXT, 经度 TEXT, 纬度 TEXT)")
        connection.executemany("INSERT INTO t_gas VALUES (?,?,?,?,?,?)", [tuple(row.values()) for row in ROWS])
    connection.close()
    return spec({"kind": "database", "address": f"sqlite:///{home}/x.db", "table": "t_gas", **more})


def wrong_table(home: Path) -> Found:
    return connected(database(home, table="t_gass"), home)


def wrong_day_column(home: Path) -> Found:
    return connected(database(home, day_column="时问"), home)


def wrong_database_password(home: Path) -> Found:
    with postgres.postgres() as server:
        source = {
            "kind": "database",
            "address": server.url,
            "table": "t",
            "user": "pg_user",
            "password": "gas_password",
        }
        return connected(spec(source), home)


def folder_missing(home: Path) -> Found:
    return connected(spec({"kind": "files", "address": str(home / "nowhere"), "pattern": "a_*.csv"}), home)


def file_missing(home: Path) -> Found:
    source = csv(home)
    return connected(spec({**source, "pattern": "trail_{day_compact}.csv"}), home)


def wrong_encoding(home: Path) -> Found:
    return connected(spec(csv(home, encoding="gb18030")), home)


def wrong_delimiter(home: Path) -> Found:
    return connected(spec(csv(home, sign=";")), home)


def wrong_delimiter_in_preview(home: Path) -> Found:
    return previewed(spec(csv(home, sign=";")), home)


def title_row(home: Path) -> Found:
    return connected(spec(csv(home, top="燃气压力日报\n")), home)


def wrong_sheet(home: Path) -> Found:
    book = Workbook()
    assert book.active is not None
    book.active.title = "数据"
    book.active.append(list(ROWS[0]))
    book.save(home / "trial_20261120.xlsx")
    source = {"kind": "files", "address": str(home), "pattern": "trial_{day_compact}.xlsx", "format": "xlsx"}
    return connected(spec({**source, "sheet": "Sheet1"}), home)


def wrong_decimal(home: Path) -> Found:
    return previewed(spec({**csv(home, changed(压力="0,25"), ";"), "delimiter": ";"}), home)


def swapped_coordinates(home: Path) -> Found:
    return previewed(spec(csv(home, changed(经度="34.5", 纬度="114.7"))), home)


def wrong_unit(home: Path) -> Found:
    return previewed(spec(csv(home, changed(压力="250"))), home)


def wrong_time_format(home: Path) -> Found:
    return previewed(spec(csv(home, changed(时间="20261120080000"))), home)


def epoch_in_milliseconds(home: Path) -> Found:
    field = {"ts": {**FIELDS["ts"], "format": "epoch_s"}}
    return previewed(spec(csv(home, changed(时间="1795132800000")), field), home)


def unknown_codes(home: Path) -> Found:
    return previewed(spec(csv(home, changed(状态="正常"))), home)


def wrong_column(home: Path) -> Found:
    return previewed(spec(csv(home), {"kpa": {**FIELDS["kpa"], "from": "压力值"}}), home)


@contextmanager
def broker(home: Path, users: dict[str, str] | None = None) -> Iterator[Broker]:
    running = Broker(home / "broker", users or {}).start()
    try:
        yield running
    finally:
        running.stop()


def mqtt(running: Broker, topic: str, **more: Any) -> FeedSpec:
    return spec({"kind": "mqtt", "address": running.address, "topic": topic, **more})


def wrong_topic(home: Path) -> Found:
    with broker(home) as running:
        return connected(mqtt(running, "gas/alrm/+"), home)


def wrong_broker_password(home: Path) -> Found:
    with broker(home, {"hub": RIGHT}) as running:
        return connected(mqtt(running, "gas/+", user="gas_user", password="gas_password"), home)


def no_broker(home: Path) -> Found:
    with vendor(lambda _: as_json({})) as server:
        port = server.address.rpartition(":")[2]
        return connected(spec({"kind": "mqtt", "address": f"mqtt://127.0.0.1:{port}", "topic": "a/+"}), home)


MISTAKES: list[tuple[Callable[[Path], Found], str, str, str]] = [
    (wrong_password, "login", "CH-PULL-007", "compare user, password, key or token"),
    (wrong_password_basic, "first row", "CH-PULL-007", "gas_user, gas_password"),
    (secret_not_set, "login", "CH-CONF-001", "CITYHUB_NOBODY_SET_THIS"),
    (wrong_host, "dns", "CH-PULL-00", "the address"),
    (closed_port, "tcp", "CH-PULL-003", "on which port"),
    (expired_certificate, "tls", "CH-PULL-004", "renew the certificate"),
    (wrong_path, "first row", "CH-PULL-008", "correct `address`"),
    (login_page, "first row", "CH-PULL-012", "open the address in a browser"),
    (empty_answer, "first row", "CH-PULL-060", "try a day of which you know the rows"),
    (wrong_records_path, "first row", "CH-PULL-014", "correct `records_at`"),
    (unknown_placeholder, "address", "CH-PULL-020", "correct `address`"),
    (wrong_table, "table", "CH-PULL-032", "correct `table`"),
    (wrong_day_column, "table", "CH-PULL-033", "correct the column"),
    (wrong_database_password, "login", "CH-PULL-007", "compare user, password"),
    (folder_missing, "folder", "CH-PULL-050", "create or mount it"),
    (file_missing, "file of the day", "CH-PULL-051", "correct `pattern`"),
    (wrong_encoding, "first row", "CH-PULL-052", "set `encoding`"),
    (wrong_delimiter, "first row", "CH-PULL-061", 'type `delimiter: ";"`'),
    (wrong_delimiter_in_preview, "advice", "CH-REG-066", 'type `delimiter: ";"`'),
    (title_row, "first row", "CH-PULL-061", "correct `header_row`"),
    (wrong_sheet, "first row", "CH-PULL-053", "correct `sheet`"),
    (wrong_decimal, "advice", "CH-REG-062", 'add `decimal: ","`'),
    (swapped_coordinates, "advice", "CH-REG-060", "`lon: {from: 纬度}` and `lat: {from: 经度}`"),
    (wrong_unit, "advice", "CH-REG-063", "unit: kPa, to: kPa"),
    (wrong_time_format, "advice", "CH-REG-061", "format: compact"),
    (epoch_in_milliseconds, "advice", "CH-REG-061", "format: epoch_ms"),
    (unknown_codes, "advice", "CH-REG-064", '"正常": …'),
    (wrong_column, "advice", "CH-REG-065", "from: 压力"),
    (wrong_topic, "first message", "CH-REG-051", "compare `topic`"),
    (wrong_broker_password, "login", "CH-PUSH-002", "correct the two secrets"),
    (no_broker, "login", "CH-PUSH-001", "check that the broker runs"),
]
NEEDS = {
    wrong_database_password: postgres.binaries() is not None,
    wrong_broker_password: MOSQUITTO is not None,
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T08:00:00+08:00")
    monkeypatch.setenv("CITYHUB_GAS_USER", "hub")
    monkeypatch.setenv("CITYHUB_PG_USER", "hub")
    monkeypatch.setenv("CITYHUB_GAS_PASSWORD", WRONG)
    monkeypatch.setenv("SSL_CERT_FILE", "")  # set by a test, taken back here
    monkeypatch.delenv("SSL_CERT_FILE")


@pytest.mark.parametrize(
    ("mistake", "step", "code", "remedy"), MISTAKES, ids=lambda item: getattr(item, "__name__", "")
)
def test_mistake(tmp_path: Path, mistake: Callable[[Path], Found], step: str, code: str, remedy: str) -> None:
    if not NEEDS.get(mistake, True):
        pytest.skip("that server is not installed")
    where, error = mistake(tmp_path)
    assert where == step
    assert error.code.startswith(code), error.text()
    assert remedy in error.part("fix") + error.part("why"), error.text()
    assert WRONG not in error.text() + str(error.as_dict())
    assert RIGHT not in error.text()
