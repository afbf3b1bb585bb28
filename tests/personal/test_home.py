"""Through real connectors and the load: nothing below the home of a hub holds a planted personal value, in any form."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import openpyxl
import psycopg
import pytest

from cityhub import log
from cityhub.errors import HubError, Retry
from cityhub.spec.feed import FeedSpec
from connectors.pull import pull
from connectors.retry import Policy
from expectations.run import check_day
from sensors.envelope import encode
from sensors.segments import collect
from sensors.spool import Spool
from tests.load.kit import DAY, Hub
from tests.personal.planted import BAD_PHONE, FIELDS, ID_CARD, KEY, NAME, PHONE, PLATE, found_in, spec
from tests.servers.http import Answer, Request, as_json, vendor
from tests.servers.postgres import Postgres, binaries, postgres
from tests.servers.sftp import PASSWORD, USER, sftp
from warehouse.landing import Manifest
from warehouse.load import load
from warehouse.personal.seal import hub_hash

QUICK = Policy(base_s=0.001, cap_s=0.002, deadline_s=60.0)
FLAT = {"id": "1", "tel": PHONE, "xm": NAME, "sfz": ID_CARD, "plate": PLATE, "kpa": "0.3"}
ROWS = [FLAT, FLAT | {"id": "2", "tel": BAD_PHONE}, FLAT | {"id": "3", "kpa": "fast"}]


@pytest.fixture(autouse=True)
def _logged(hub: Hub) -> Any:
    """All that is logged goes into a file below home, too."""
    hub.settings.home.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(hub.settings.home / "all.log", encoding="utf-8")
    logging.getLogger().addHandler(handler)
    log.get("cityhub").setLevel(logging.DEBUG)
    yield
    logging.getLogger().removeHandler(handler)
    handler.close()


def taken(hub: Hub, feed: FeedSpec, manifest: Manifest | None) -> None:
    """Load and check; one row of three is good, and nothing personal is anywhere."""
    assert manifest is not None
    result = load(hub.settings, feed, manifest, con=hub.con)
    assert (result.landed, result.loaded, result.quarantined) == (3, 1, 2)
    check_day(hub.settings, [feed], DAY)
    assert hub.rows("SELECT phone FROM case_call") == [(hub_hash(KEY, PHONE),)]
    assert found_in(hub.settings.home) == []


def test_rest_with_pages_whose_cursor_is_a_phone_and_an_envelope_that_repeats_it(hub: Hub) -> None:
    def answer(request: Request) -> Answer:
        number = 0 if "after" not in request.query else 1
        records = [{**row, "caller": {"name": row["xm"]}} for row in (ROWS[:2], ROWS[2:])[number]]
        records = [{name: value for name, value in row.items() if name != "xm"} for row in records]
        body = {"last": records[-1], "next": PHONE if number == 0 else "", "rows": records}
        return Answer(json.dumps(body, ensure_ascii=False).encode("gb18030"))

    with vendor(answer) as server:
        paging = {"kind": "cursor", "cursor_param": "after", "cursor_at": "next"}
        source = {"kind": "rest", "address": f"{server.address}/calls", "records_at": "rows", "paging": paging}
        feed = spec(source, FIELDS)
        hub.prepare(feed)
        manifest = pull(hub.settings, feed, DAY, policy=QUICK)
        assert server.requests[1].query["after"] == PHONE
    assert "after=~hub:w::" in manifest.parts[1].request
    assert set(manifest.withheld) == {"000001.json.zst.original", "000002.json.zst.original"}
    taken(hub, feed, manifest)


@pytest.mark.parametrize("form", ["csv", "xml", "xlsx"])
def test_files_over_sftp(hub: Hub, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.personal.test_edge import as_csv, as_workbook, as_xml

    drop = tmp_path / "drop"
    drop.mkdir()
    made = {"csv": as_csv("gb18030", ";"), "xml": as_xml, "xlsx": as_workbook}[form]
    (drop / f"calls_{PHONE}.{form}").write_bytes(made(ROWS))
    monkeypatch.setenv("CITYHUB_D_USER", USER)
    monkeypatch.setenv("CITYHUB_D_PASSWORD", PASSWORD)
    with sftp(drop) as server:
        monkeypatch.setenv("CITYHUB_D_HOST_KEY", server.key_line)
        source = {"kind": "files", "address": server.address, "pattern": "calls_*", "format": form}
        source |= {"user": "d_user", "password": "d_password", "host_key": "d_host_key"}
        how = {"csv": {"encoding": "gb18030", "delimiter": ";"}, "xml": {"record": "row"}, "xlsx": {"header_row": 2}}
        feed = spec(source | how[form])
        hub.prepare(feed)
        taken(hub, feed, pull(hub.settings, feed, DAY, policy=QUICK))


def test_a_workbook_that_people_fill_in(hub: Hub, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(FLAT))
    for row in ROWS:
        sheet.append([str(value) for value in row.values()])
    book.save(drop / "calls.xlsx")
    feed = spec({"kind": "workbook", "address": str(drop), "pattern": "*.xlsx", "sheet": "Sheet"})
    hub.prepare(feed)
    manifest = pull(hub.settings, feed, DAY, policy=QUICK)
    assert list(manifest.withheld) == ["000001.original.xlsx"] and "original" not in manifest.options
    taken(hub, feed, manifest)


def test_messages_that_a_gateway_took(hub: Hub) -> None:
    feed = spec({"kind": "mqtt", "address": "mqtt://127.0.0.1", "topic": "calls/+"})
    hub.prepare(feed)
    spool = Spool(hub.settings.spool)
    bodies = [json.dumps(FLAT, ensure_ascii=False), json.dumps(ROWS[2]), f'{{"tel": "{PHONE}", "xm": "{NAME}"']
    for body in bodies:
        line = encode("calls/1", body.encode(), "2026-11-20T08:00:00+08:00", qos=1, retain=False, dup=False)
        spool.append(feed.feed, line)
    spool.close()
    assert found_in(hub.settings.spool) != [], "the spool holds what devices send, until it is collected"
    taken(hub, feed, collect(hub.settings, feed, DAY))


@pytest.mark.xdist_group("postgres")
def test_a_database_and_an_error_of_its_driver_that_quotes_a_row(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    if binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    monkeypatch.setenv("CITYHUB_X_USER", "hub")
    monkeypatch.setenv("CITYHUB_X_PASSWORD", Postgres(0).password)
    with postgres() as server:
        with psycopg.connect(
            host=server.host, port=server.port, user="hub", password=server.password, dbname="exchange", autocommit=True
        ) as admin:
            admin.execute("CREATE TABLE calls (id text, tel text, xm text, sfz text, plate text, kpa text)")
            for row in ROWS:
                admin.execute("INSERT INTO calls VALUES (%s, %s, %s, %s, %s, %s)", list(row.values()))
            admin.execute("CREATE VIEW broken AS SELECT id, tel, xm, sfz, plate, CAST(xm AS integer) AS kpa FROM calls")
        source = {
            "kind": "database",
            "address": server.url,
            "user": "x_user",
            "password": "x_password",
            "table": "calls",
        }
        feed = spec(source)
        hub.prepare(feed)
        with pytest.raises(HubError) as caught:
            pull(hub.settings, spec(source | {"table": "broken"}), DAY, policy=QUICK)
        said = f"{caught.value} {caught.value.as_dict()} {caught.value.__cause__} {caught.value.__context__}"
        assert "integer" in said and NAME not in said and PHONE not in said
        taken(hub, feed, pull(hub.settings, feed, DAY, policy=QUICK))


def test_what_a_source_says_about_its_rows_is_not_repeated(hub: Hub) -> None:
    def answer(_: Request) -> Answer:
        return as_json({"code": 1, "msg": f'手机号"{PHONE}"与{PHONE}重复', "rows": []})

    with vendor(answer) as server:
        wrong = {"at": "code", "ok": 0, "message_at": "msg"}
        feed = spec(
            {"kind": "rest", "address": server.address, "records_at": "rows", "error_when": wrong, "retries": 0}
        )
        with pytest.raises(Retry) as caught:
            pull(hub.settings, feed, DAY, policy=QUICK)
    assert "重复" in str(caught.value) and PHONE not in f"{caught.value} {caught.value.__context__}"
    assert found_in(hub.settings.home) == []
