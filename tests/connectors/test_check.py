"""Connection tests: each step in order, the first bad one last, nothing landed."""

from __future__ import annotations

import socket
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from connectors.check import Step, check_connection
from tests.connectors.feeds import DAY, spec
from tests.connectors.test_rest import LOGIN, Tokens, paged, rest
from tests.servers.http import as_json, vendor


def steps(source: dict[str, Any], **more: Any) -> list[Step]:
    return list(check_connection(spec(source, **more), DAY))


def test_all_steps_of_a_good_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_V_USER", "user-8842")
    monkeypatch.setenv("CITYHUB_V_PASSWORD", "pw-x!7/ 9&k")
    with vendor(Tokens(calls=9, expired=as_json({}, 401))) as server:
        found = steps(rest(server, auth=LOGIN))
    assert [step.name for step in found] == ["address", "dns", "tcp", "login", "first row"]
    assert all(step.ok for step in found)
    assert "10 records; columns: id, v, 名" in found[-1].detail
    assert len(server.requests) == 2


def test_the_first_bad_step_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    with vendor(paged) as server:
        unknown = steps(rest(server, auth={"kind": "bearer", "token": "nobody_set_this"}))
    assert [(step.name, step.ok) for step in unknown][-1] == ("login", False)
    assert "nobody_set_this" in unknown[-1].detail
    with vendor(lambda _: as_json({"message": "down"}, 503)) as server:
        down = steps(rest(server))
    assert [(step.name, step.ok) for step in down][-1] == ("first row", False)
    assert len(server.requests) == 1
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = steps({"kind": "rest", "address": f"https://127.0.0.1:{taken.getsockname()[1]}/"})
    assert [(step.name, step.ok) for step in closed] == [("address", True), ("dns", True), ("tcp", False)]
    nowhere = steps({"kind": "mqtt", "address": "mqtt://no-such-host.invalid:1883", "topic": "a/+"})
    assert [(step.name, step.ok) for step in nowhere] == [("address", True), ("dns", False)]


def test_where_devices_come_to_us_there_is_nobody_to_ask() -> None:
    assert [(step.name, step.ok) for step in steps({"kind": "hj212", "listen": "0.0.0.0:9212"})] == [("address", True)]


def test_databases_and_folders(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("CREATE TABLE t (id TEXT, v TEXT)")
    connection.close()
    source = {"kind": "database", "address": f"sqlite:///{tmp_path}/x.db", "table": "t"}
    found = {step.name: step for step in steps(source)}
    assert "2 columns: id, v" in found["table"].detail
    assert found["first row"].error is not None
    assert found["first row"].error.code == "CH-PULL-060"
    assert [(step.name, step.ok) for step in steps({**source, "table": "tt"})][-1] == ("table", False)
    with sqlite3.connect(tmp_path / "x.db") as connection:
        connection.execute("INSERT INTO t VALUES ('1', '2')")
    connection.close()
    assert steps(source)[-1].ok
    (tmp_path / "a_20261120.csv").write_text("id,v\n", encoding="utf-8")
    files = {"kind": "files", "address": str(tmp_path), "pattern": "a_{day_compact}.csv"}
    assert [(step.name, step.ok) for step in steps(files)][1:] == [
        ("folder", True),
        ("file of the day", True),
        ("first row", True),
    ]
    assert not steps({**files, "pattern": "b_*"})[-1].ok
