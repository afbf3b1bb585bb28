"""A file in place of a delivery, and a day that a person says was empty."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import Stop
from connectors.upload import land_upload
from connectors.web_page import refuse_web_page
from tests.load.kit import DAY, Hub
from tests.warehouse.made import snapshots
from tests.watch.made import readings, spec
from warehouse import ledger, manual
from warehouse.landing import read_manifest
from warehouse.load import LoadResult, load

FALLBACK = {"arrives": {"min_rows": 0, "fallback": "manual"}}


def upload(hub: Hub, of: Any, file: Path, day: date = DAY) -> LoadResult:
    manual.may_upload(hub.con, of, day)
    return load(hub.settings, of, land_upload(hub.settings, of, day, file, "王五"), con=hub.con)


def written(folder: Path, text: str, name: str = "补录.csv", encoding: str = "utf-8") -> Path:
    file = folder / name
    file.write_bytes(text.encode(encoding))
    return file


TABLE = "id,采样时间,kpa\nA,2026-11-20 08:00:00,201.5\nB,2026-11-20 08:00:00,202.5\nC,2026-11-20 09:00:00,x\n"


def of_hand() -> Any:
    of = spec(**FALLBACK)
    fields = {**of.fields, "ts": of.fields["ts"].model_copy(update={"title": "采样时间"})}
    return of.model_copy(update={"fields": fields})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_an_uploaded_file_is_a_delivery_that_says_who_brought_it(hub: Hub, tmp_path: Path, encoding: str) -> None:
    of = of_hand()
    hub.prepare(of)
    result = upload(hub, of, written(tmp_path, TABLE, encoding=encoding))
    assert (result.landed, result.loaded, result.quarantined) == (3, 2, 1)
    row = ledger.row(hub.con, of.feed, DAY)
    assert row is not None
    assert (row.state, row.manual, row.manual_by) == ("loaded", "upload", "王五")
    (folder,) = (hub.settings.landing / of.feed / DAY.isoformat()).iterdir()
    options = read_manifest(folder).options
    assert (options["origin"], options["uploaded_by"]) == ("manual", "王五")
    before = snapshots(hub.con)
    assert upload(hub, of, tmp_path / "补录.csv").repeated
    assert snapshots(hub.con) == before


def test_the_platforms_own_delivery_replaces_an_upload(hub: Hub, tmp_path: Path) -> None:
    of = of_hand()
    hub.prepare(of)
    upload(hub, of, written(tmp_path, TABLE))
    hub.load(of, [{"id": "A", "ts": "2026-11-20 08:00:00", "kpa": 1.0}])
    assert hub.rows("SELECT id, kpa FROM mk_trial") == [("A", 1.0)], "B stood in the uploaded file alone"
    assert hub.rows("SELECT state FROM quarantine") == [("fixed",)]
    row = ledger.row(hub.con, of.feed, DAY)
    assert row is not None
    assert (row.manual, row.manual_by, row.loaded) == (None, None, 1)
    with pytest.raises(Stop) as stopped:
        upload(hub, of, tmp_path / "补录.csv")
    assert stopped.value.code == "CH-FALL-002"


def test_the_same_rows_from_the_platform_take_the_mark_away(hub: Hub, tmp_path: Path) -> None:
    of = of_hand()
    hub.prepare(of)
    rows = [{"_cell": "补录.csv row 2", "id": "A", "ts": "2026-11-20 08:00:00", "kpa": "5"}]
    upload(hub, of, written(tmp_path, "id,ts,kpa\nA,2026-11-20 08:00:00,5\n"))
    body = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    hub.load(of, body, form="ndjson", columns=("_cell", "id", "ts", "kpa"))
    row = ledger.row(hub.con, of.feed, DAY)
    assert row is not None
    assert row.manual is None
    assert hub.rows("SELECT id, kpa FROM mk_trial") == [("A", 5.0)]


def test_a_feed_that_sends_changes_only_keeps_what_the_upload_knew(hub: Hub) -> None:
    assert manual.replaces(spec())
    assert not manual.replaces(spec(identity={"key": ["id"]}))
    assert not manual.replaces(spec(identity={"key": ["id", "ts"], "day_from": "ts", "version": "ts"}))
    mqtt = {"kind": "mqtt", "address": "mqtt://x", "topic": "t"}
    assert not manual.replaces(spec(source=mqtt))


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("a.csv", "<!DOCTYPE html><html><body>请登录</body></html>", "CH-PULL-059"),
        ("a.csv", "x,y\n1,2\n", "CH-FALL-003"),
        ("a.csv", "id,ts\n", "CH-FALL-003"),
        ("a.pdf", "id,ts\nA,2026-11-20 08:00:00\n", "CH-FALL-003"),
    ],
)
def test_what_is_no_table_of_the_feed_is_refused(hub: Hub, tmp_path: Path, name: str, text: str, code: str) -> None:
    of = of_hand()
    hub.prepare(of)
    with pytest.raises(Stop) as stopped:
        upload(hub, of, written(tmp_path, text, name))
    assert stopped.value.code == code
    assert hub.one("SELECT count(*) FROM delivery") == 0
    assert not list(hub.settings.landing.glob("*/*/*"))


def test_a_feed_whose_owner_did_not_agree_takes_no_file(hub: Hub, tmp_path: Path) -> None:
    of = spec()
    hub.prepare(of)
    with pytest.raises(Stop) as stopped:
        upload(hub, of, written(tmp_path, TABLE))
    assert stopped.value.code == "CH-FALL-001"


def test_a_day_is_confirmed_empty_only_when_it_is(hub: Hub) -> None:
    of = spec(arrives={"min_rows": 5})
    hub.prepare(of)

    def confirm(by: str = "李四", why: str = "停电检修", day: date = DAY) -> bool:
        manual.may_confirm_empty(hub.con, of, day, by=by, why=why)
        return ledger.confirm_empty(hub.con, hub.settings, of, day, by=by, why=why)

    for by, why, day, code in [
        (" ", "x", DAY, "CH-FALL-005"), ("x", "", DAY, "CH-FALL-005"), ("x", "y", date(2026, 11, 21), "CH-FALL-006"),
    ]:  # fmt: skip
        with pytest.raises(Stop) as stopped:
            confirm(by, why, day)
        assert stopped.value.code == code
    assert confirm()
    row = ledger.row(hub.con, of.feed, DAY)
    assert row is not None
    assert (row.state, row.manual, row.manual_by, row.manual_why) == ("empty_confirmed", "empty", "李四", "停电检修")
    assert hub.rows("SELECT table_name, service_day FROM dirty_day") == [("mk_trial", DAY)], "indicators follow"
    before = snapshots(hub.con)
    assert not confirm()
    ledger.record_failure(hub.settings, of, DAY, Stop("CH-RUN-002", feed=of.feed, day=DAY))
    assert snapshots(hub.con) == before, "that nothing came is what was confirmed"
    hub.load(of, readings(devices="A"))
    row = ledger.row(hub.con, of.feed, DAY)
    assert row is not None
    assert (row.state, row.manual) == ("loaded", None), "what comes later counts"
    with pytest.raises(Stop) as stopped:
        confirm()
    assert stopped.value.code == "CH-FALL-004"


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf\r\n<!DOCTYPE HTML PUBLIC><html>", b"<html lang=zh>", b"<!-- gateway --><HTML>",
        "<html>请登录".encode("utf-16"), b"<?xml version='1.0'?><!DOCTYPE html><html/>",
    ],
)  # fmt: skip
def test_a_login_page_is_known_whatever_it_begins_with(body: bytes) -> None:
    with pytest.raises(Stop) as stopped:
        refuse_web_page(body, "csv", {"file": "a.csv"})
    assert stopped.value.code == "CH-PULL-059"


@pytest.mark.parametrize(
    "body", [b"id,html\n", b"<records><head>1</head></records>", b"<?xml version='1.0'?><a/>", b""]
)
def test_data_are_no_login_page(body: bytes) -> None:
    refuse_web_page(body, "csv", {})
