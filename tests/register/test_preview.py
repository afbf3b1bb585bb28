"""`cityhub feed preview`: real rows, raw beside mapped beside verdict; and nothing anywhere is written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from openpyxl import Workbook
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from ruamel.yaml import YAML
from typer.testing import CliRunner

from cityhub.errors import Stop
from cityhub.spec.feed import FeedSpec
from cli.main import app
from flow.register.preview import preview
from sensors.broker import brokers
from sensors.envelope import encode
from sensors.visit import Visit
from tests.load import kit
from tests.register.sources import DAY, FIELDS, ROWS, changed, csv, settings, spec
from tests.register.test_mistakes import broker, database, rest
from tests.servers.http import Request, as_json, vendor
from tests.waiting import wait_for

PHONE = "13912345678"
PERSONAL = {
    "caller": {"from": "电话", "personal": "mask"},
    "owner": {"from": "户主.姓名", "personal": "hash"},
    "card": {"from": "身份证", "personal": "drop"},
}


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T08:00:00+08:00")


def everything(folder: Path) -> dict[str, str]:
    """Every file below a folder with its content's digest, and every folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def written(folder: Path, feed: FeedSpec) -> Path:
    """The spec as a draft's file."""
    path = folder / "feeds" / "drafts" / f"{feed.feed}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(feed.model_dump(mode="json", by_alias=True), file)
    return path


def test_raw_mapped_verdict(tmp_path: Path) -> None:
    rows = [*ROWS, {**ROWS[0], "编号": ""}, {**ROWS[1], "压力": "abc"}]
    found = preview(settings(tmp_path), spec(csv(tmp_path, rows), {"kpa": {**FIELDS["kpa"], "if_bad": "null"}}), DAY)
    first, *_, refused, emptied = found.trial.rows
    assert first.raw["压力"] == "0.1"
    assert first.mapped is not None
    assert (first.mapped["kpa"], first.mapped["state"], first.verdict) == (100.0, "normal", "ok")
    assert refused.verdict == "quarantine: missing_required (id)"
    assert emptied.verdict == "emptied: not_a_number:kpa"
    assert found.advice == ()  # two bad rows are no wrong spec


def test_a_column_that_holds_phone_numbers_unmarked_is_told(tmp_path: Path) -> None:
    rows = [{**row, "电话": PHONE} for row in ROWS]
    of = csv(tmp_path, rows)
    (told,) = preview(settings(tmp_path), spec(of, {"tel": {"from": "电话"}}), DAY).findings
    assert "电话" in told and "personal: hash" in told and PHONE not in told
    marked = spec(of, {"tel": {"from": "电话", "personal": "mask"}})
    assert preview(settings(tmp_path), marked, DAY).findings == ()


def test_at_most_so_many_rows_and_only_the_first_page(tmp_path: Path) -> None:
    def pages(request: Request) -> Any:
        size, page = int(request.query["pageSize"]), int(request.query["pageNo"])
        return as_json({"data": [{**ROWS[0], "编号": f"{page}-{i}"} for i in range(size)], "total": 10_000})

    with vendor(pages) as server:
        feed = rest(server.address, paging={"kind": "page", "size": 5000, "total_at": "total"})
        found = preview(settings(tmp_path), feed, DAY, rows=20)
        assert len(server.requests) == 1
        assert server.requests[0].query["pageSize"] == "20"
    assert len(found.trial.rows) == 20
    with vendor(lambda _: as_json({"data": ROWS * 40})) as server:
        assert len(preview(settings(tmp_path), rest(server.address), DAY).trial.rows) == 50


def test_a_table_is_asked_for_a_few_rows(tmp_path: Path) -> None:
    assert len(preview(settings(tmp_path / "home"), database(tmp_path), DAY, rows=2).trial.rows) == 2
    assert not (tmp_path / "home").exists()


def test_a_workbook_shows_its_cells(tmp_path: Path) -> None:
    book = Workbook()
    assert book.active is not None
    book.active.append(["月报"])
    book.active.append(list(ROWS[0]))
    book.active.append(list(ROWS[0].values()))
    book.save(tmp_path / "trial_20261120.xlsx")
    source = {"kind": "workbook", "address": str(tmp_path), "pattern": "trial_{day_compact}.xlsx", "sheet": "Sheet"}
    found = preview(settings(tmp_path / "home"), spec({**source, "header_row": 2}), DAY)
    assert [(row.place, row.verdict) for row in found.trial.rows] == [("Sheet!A3", "ok")]


@pytest.mark.parametrize("installed", [False, True])
def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    """Whole home folder and lake, before and after; also for a draft, and before there is a warehouse."""
    home, source = tmp_path / "home", tmp_path / "in"
    source.mkdir()
    home.mkdir()
    feed = spec(csv(source))
    draft = written(home, feed)
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    monkeypatch.setenv("CITYHUB_FEEDS", str(home / "feeds"))
    if installed:
        hub = kit.Hub(settings(home))
        hub.prepare(feed)
        hub.load(feed, ROWS)
        hub.con.close()
    before = everything(tmp_path)
    result = CliRunner().invoke(app, ["feed", "preview", str(draft), "--day", "2026-11-20", "--json"])
    assert result.exit_code == 0, result.output
    assert [row["verdict"] for row in json.loads(result.stdout)["rows"]] == ["ok"] * 4
    assert CliRunner().invoke(app, ["feed", "connect", feed.feed, "--day", "2026-11-20"]).exit_code == 0
    assert CliRunner().invoke(app, ["feed", "check", feed.feed]).exit_code == 1  # a warning: it has no example
    assert everything(tmp_path) == before


def test_personal_values_are_never_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_FEEDS", str(tmp_path / "feeds"))
    person = {"电话": PHONE, "户主": {"姓名": "张三丰", "村": "城郊"}, "身份证": "410102199001011234"}
    rows = [{**row, **person} for row in ROWS] + [{**ROWS[0], **person, "编号": ""}]
    fields = {**PERSONAL, "village": {"from": "户主"}}  # the whole object holds the name, too
    with vendor(lambda _: as_json({"data": rows})) as server:
        written(
            tmp_path,
            rest(server.address).model_copy(update={"fields": spec({"kind": "rest", "address": "x"}, fields).fields}),
        )
        for form in ([], ["--json"]):
            shown = CliRunner().invoke(app, ["feed", "preview", "gas.trial", "--day", "2026-11-20", *form]).output
            assert "P0" in shown
            assert not [value for value in (PHONE, "张三丰", "410102199001011234") if value in shown.replace("村", "")]
            assert "139****78" in shown


def message(identity: str) -> bytes:
    return json.dumps({**ROWS[0], "编号": identity}, ensure_ascii=False).encode()


def test_messages_are_heard_without_taking_them_from_the_gateway(tmp_path: Path) -> None:
    """A shared subscription hands each message to one member: a look must not be one."""
    with broker(tmp_path) as running:
        feed = spec({"kind": "mqtt", "address": running.address, "topic": "$share/hub/gas/p/+"})
        gateway, received = Client(CallbackAPIVersion.VERSION2), []
        gateway.on_message = lambda _client, _data, item: received.append(item.payload)
        gateway.connect("127.0.0.1", running.port)
        gateway.loop_start()
        with Visit(brokers([feed])[0]) as visit:
            visit.login()
            ready = Event()
            gateway.on_subscribe = lambda *_: ready.set()
            gateway.subscribe("$share/hub/gas/p/+", qos=1)
            assert ready.wait(10)
            visit.subscribe()
            for number in range(20):
                gateway.publish("gas/p/1", message(f"P{number}"), qos=1).wait_for_publish(10)
            assert visit.hear(20, 10) == 20
        wait_for(lambda: len(received) == 20)
        gateway.loop_stop()
        gateway.disconnect()


def test_a_preview_of_messages_reads_what_comes(tmp_path: Path) -> None:
    with broker(tmp_path) as running:
        publisher = Client(CallbackAPIVersion.VERSION2)
        publisher.connect("127.0.0.1", running.port)
        publisher.loop_start()
        publisher.publish("gas/p/1", message("kept"), qos=1, retain=True).wait_for_publish(10)
        feed = spec({"kind": "mqtt", "address": running.address, "topic": "gas/p/+"})
        found = preview(settings(tmp_path / "home"), feed, DAY, rows=1, listen_s=10)
        publisher.loop_stop()
        publisher.disconnect()
    assert [row.raw["编号"] for row in found.trial.rows] == ["kept"]
    assert not (tmp_path / "home").exists()


def test_without_messages_the_spool_is_read_and_stays(tmp_path: Path) -> None:
    spool = tmp_path / "home" / "spool" / "gas.trial"
    spool.mkdir(parents=True)
    line = encode("gas/p/1", message("spooled"), "2026-11-20T08:00:00.000+08:00", qos=1, retain=False, dup=False)
    (spool / "00000000000000000001-aaaaaa.open").write_bytes(line + line[:20])  # the gateway is writing
    before = everything(tmp_path / "home")
    with broker(tmp_path) as running:
        feed = spec({"kind": "mqtt", "address": running.address, "topic": "gas/p/+"})
        found = preview(settings(tmp_path / "home"), feed, DAY, listen_s=0.2)
    assert [row.raw["编号"] for row in found.trial.rows] == ["spooled"]
    assert everything(tmp_path / "home") == before


def test_devices_that_never_sent_are_named(tmp_path: Path) -> None:
    with pytest.raises(Stop) as caught:
        preview(settings(tmp_path), spec({"kind": "hj212", "listen": "127.0.0.1:9"}), DAY)
    assert caught.value.code == "CH-REG-053"


def test_a_hundred_good_rows_give_no_advice(tmp_path: Path) -> None:
    found = preview(settings(tmp_path), spec(csv(tmp_path, changed() * 25)), DAY)
    assert len(found.trial.rows) == 50
    assert found.advice == ()
