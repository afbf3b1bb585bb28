"""Everything that sources do wrong, scripted on a real server."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import Retry, Stop
from connectors.pull import pull
from connectors.retry import Policy
from tests.connectors.feeds import DAY, quick, rows, settings, spec
from tests.connectors.test_rest import CURSOR, RECORDS, by_cursor, paged, rest
from tests.servers.http import Answer, Request, Vendor, as_json, vendor
from warehouse.landing import Manifest


class First:
    """Gives the scripted answers first, then behaves."""

    def __init__(self, *script: Answer) -> None:
        self.script = list(script)

    def __call__(self, request: Request) -> Answer:
        return self.script.pop(0) if self.script else paged(request)


def get(home: Path, server: Vendor, policy: Policy | None = None, **source: Any) -> Manifest:
    return pull(settings(home), spec(rest(server, **source)), DAY, policy=policy or quick())


FULL = as_json({"code": 0, "data": {"total": 25, "list": RECORDS[:10]}})


@pytest.mark.parametrize(
    "script",
    [
        [as_json({"message": "busy"}, 500), Answer(b"bad gateway", 502)],
        [Answer(FULL.body, cut=40)],
        [Answer(FULL.body[:-9])],
        [Answer(b"")],
        [as_json({}, 429, Retry_After="0"), as_json({}, 429)],
        [as_json({"code": 5, "message": "系统繁忙"})],
    ],
    ids=["500 and 502", "cut below its length", "JSON that does not close", "empty", "429", "failure in 200"],
)
def test_what_passes_is_tried_again(tmp_path: Path, script: list[Answer]) -> None:
    with vendor(First(*script)) as server:
        failing = {"at": "code", "ok": 0, "message_at": "message"}
        manifest = get(tmp_path, server, error_when=failing)
    assert rows(manifest) == RECORDS
    assert len(server.requests) == 3 + len(script)


def test_a_silent_source_is_left_after_its_timeout_and_asked_again(tmp_path: Path) -> None:
    with vendor(First(Answer(silent=True))) as server:
        manifest = get(tmp_path, server, timeout_s=0.2)
    assert rows(manifest) == RECORDS


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (as_json({"message": "db down"}, 503), "CH-PULL-010"),
        (as_json({}, 429, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"), "CH-PULL-009"),
        (Answer(FULL.body, cut=40), "CH-PULL-006"),
        (Answer(FULL.body[:-9]), "CH-PULL-006"),
        (Answer(silent=True), "CH-PULL-005"),
        (as_json({"code": 5, "message": "系统繁忙", "data": None}), "CH-PULL-017"),
    ],
)
def test_what_lasts_is_left_to_the_scheduler(tmp_path: Path, answer: Answer, code: str) -> None:
    with vendor(lambda _: answer) as server, pytest.raises(Retry) as failed:
        get(
            tmp_path,
            server,
            retries=2,
            timeout_s=0.2,
            error_when={"at": "code", "ok": 0, "message_at": "message"},
        )
    assert failed.value.code == code
    assert len(server.requests) == 3
    assert failed.value.place["page"] == 1
    assert failed.value.place["feed"] == "muck.position"
    assert list((tmp_path / "landing").rglob("*.zst")) == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (as_json({"message": "gone"}, 404), "CH-PULL-008"),
        (as_json({"message": "bad parameter rq"}, 400), "CH-PULL-011"),
        (Answer(b"", 302, {"Location": "http://127.0.0.1/login"}), "CH-PULL-011"),
        (Answer(b"<html><body>please log in</body></html>"), "CH-PULL-012"),
        (Answer(b'{"data": {"list": [{"a":1},,]}}'), "CH-PULL-013"),
        (as_json({"code": 0, "payload": []}), "CH-PULL-014"),
        (as_json({"code": 0, "data": {"list": {"a": 1}}}), "CH-PULL-014"),
        (Answer(b'{"data": "\xff\xff\xff\xff"}'), "CH-PULL-018"),
    ],
)
def test_what_needs_a_person_stops_at_once(tmp_path: Path, answer: Answer, code: str) -> None:
    with vendor(lambda _: answer) as server, pytest.raises(Stop) as stopped:
        get(tmp_path, server)
    assert stopped.value.code == code
    assert len(server.requests) == 1
    assert "?" not in "".join(stopped.value.part(name) for name in ("what", "why", "fix"))


def test_retry_after_is_honoured(tmp_path: Path) -> None:
    waits: list[float] = []
    with vendor(First(as_json({}, 429, Retry_After="7"))) as server:
        get(tmp_path, server, policy=quick(sleep=waits.append))
    assert len(waits) == 1
    assert 7 <= waits[0] < 8.1


def test_backoff_grows_with_jitter_and_stays_below_its_cap(tmp_path: Path) -> None:
    waits: list[float] = []
    policy = Policy(base_s=1, cap_s=3, sleep=waits.append)
    with vendor(lambda _: as_json({}, 500)) as server, pytest.raises(Retry):
        get(tmp_path, server, policy=policy, retries=5)
    assert len(waits) == 5
    assert all(0 <= wait <= limit for wait, limit in zip(waits, [1, 2, 3, 3, 3], strict=True))


def test_a_wait_beyond_the_deadline_is_not_begun(tmp_path: Path) -> None:
    with vendor(First(as_json({}, 429, Retry_After="3600"))) as server, pytest.raises(Retry) as failed:
        get(tmp_path, server)
    assert failed.value.code == "CH-PULL-009"
    assert "3600" in str(failed.value)


def test_the_deadline_ends_a_delivery_that_drags_on(tmp_path: Path) -> None:
    with vendor(lambda _: Answer(silent=True)) as server, pytest.raises(Retry) as failed:
        get(tmp_path, server, policy=quick(deadline_s=0.3), timeout_s=0.5)
    assert failed.value.code == "CH-PULL-019"


def test_the_rate_limit_holds(tmp_path: Path) -> None:
    waits: list[float] = []
    with vendor(paged) as server:
        get(tmp_path, server, policy=quick(sleep=waits.append), rate_per_s=1)
    assert len(waits) >= 1
    assert all(0 < wait <= 2 for wait in waits)


def test_a_page_repeated_for_ever_is_noticed(tmp_path: Path) -> None:
    same = as_json({"data": {"list": RECORDS[:10], "total": 25}})
    with vendor(lambda _: same) as server, pytest.raises(Stop) as stopped:
        get(tmp_path, server)
    assert stopped.value.code == "CH-PULL-015"
    assert stopped.value.place["page"] == 2
    assert "page 1" in str(stopped.value)
    assert len(server.requests) == 2
    assert list((tmp_path / "landing").rglob("*.json.zst")) == []


def test_an_older_page_that_comes_again_is_noticed_without_a_total(tmp_path: Path) -> None:
    def circle(request: Request) -> Answer:
        start = (int(request.query["pageNo"]) % 2) * 10
        return as_json({"data": {"list": RECORDS[start : start + 10]}})

    with vendor(circle) as server, pytest.raises(Stop) as stopped:
        get(tmp_path, server)
    assert stopped.value.place["page"] == 3


def test_the_last_page_repeated_after_a_complete_delivery_is_left_out(tmp_path: Path) -> None:
    def last_again(request: Request) -> Answer:
        number = min(int(request.query["pageNo"]), 2)
        return as_json({"data": {"list": RECORDS[(number - 1) * 10 : number * 10], "total": 20}})

    with vendor(last_again) as server:
        manifest = get(tmp_path, server)
    assert rows(manifest) == RECORDS[:20]
    assert "repeats page 2" in manifest.findings[0]


def test_a_cursor_that_comes_again_is_noticed(tmp_path: Path) -> None:
    def circle(request: Request) -> Answer:
        start = int(request.query.get("cursor", "c0")[1:])
        return as_json({"data": [{"id": len(server.requests)}], "next": f"c{(start + 1) % 3}"})

    with vendor(circle) as server, pytest.raises(Stop) as stopped:
        get(tmp_path, server, records_at="data", paging=CURSOR)
    assert stopped.value.code == "CH-PULL-015"
    assert "cursor" in str(stopped.value)


def test_a_cursor_that_stands_still_on_an_empty_page_is_the_end(tmp_path: Path) -> None:
    def still(request: Request) -> Answer:
        if request.query.get("cursor") not in {"c20", "end"}:
            return by_cursor(request)
        return as_json({"data": RECORDS[20:] if request.query["cursor"] == "c20" else [], "next": "end"})

    with vendor(still) as server:
        manifest = get(tmp_path, server, records_at="data", paging=CURSOR)
    assert rows(manifest) == RECORDS


@pytest.mark.parametrize("total", [10, 20, 24, 26, 100])
def test_a_wrong_total_loses_nothing_and_is_said(tmp_path: Path, total: int) -> None:
    with vendor(lambda request: paged(request, total)) as server:
        manifest = get(tmp_path, server)
    assert rows(manifest) == RECORDS
    assert manifest.stated_total == total
    assert f"states {total} records and delivered 25" in manifest.findings[-1]


def test_rows_inserted_while_paging_are_said(tmp_path: Path) -> None:
    have = list(RECORDS)

    def growing(request: Request) -> Answer:
        if request.query["pageNo"] == "2":
            have.insert(0, {"id": "new", "v": 0, "名": ""})
        return paged(request, len(have), have)

    with vendor(growing) as server:
        manifest = get(tmp_path, server)
    assert len(rows(manifest)) == 26
    assert "changed from 25 to 26 at page 2" in manifest.findings[0]


def test_a_source_without_end_is_left(tmp_path: Path) -> None:
    def endless(request: Request) -> Answer:
        return as_json({"data": {"list": [{"id": request.query["pageNo"]}]}})

    with vendor(endless) as server, pytest.raises(Stop) as stopped:
        get(tmp_path, server, policy=quick(max_pages=20))
    assert stopped.value.code == "CH-PULL-016"
    assert len(server.requests) <= 21


def test_truncated_xml_is_tried_again_and_broken_xml_is_not(tmp_path: Path) -> None:
    whole = b"<response><total>1</total><rows><row><id>a</id></row></rows></response>"
    script = [Answer(whole[:-20]), Answer(whole)]
    source: dict[str, Any] = {"format": "xml", "records_at": "row", "paging": {"kind": "none"}}
    with vendor(lambda _: script.pop(0)) as server:
        manifest = get(tmp_path / "a", server, **source)
    assert len(manifest.parts) == 1
    broken = Answer(b"<response><row>a & b</row></response>")
    with vendor(lambda _: broken) as server, pytest.raises(Stop) as stopped:
        get(tmp_path / "b", server, **source)
    assert stopped.value.code == "CH-PULL-013"


def test_xml_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("nobody may read this")
    text = f'<!DOCTYPE r [<!ENTITY x SYSTEM "file://{secret}">]><r><row><id>&x;</id></row></r>'
    with vendor(lambda _: Answer(text.encode())) as server, pytest.raises(Stop):
        get(tmp_path, server, format="xml", records_at="row", paging={"kind": "none"})


def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        source = {"kind": "rest", "address": f"http://127.0.0.1:{port}/x", "retries": 1}
        with pytest.raises(Retry) as failed:
            pull(settings(tmp_path), spec(source), DAY, policy=quick())
    assert failed.value.code == "CH-PULL-003"
    assert str(port) in str(failed.value)


def test_a_host_that_does_not_exist_is_named(tmp_path: Path) -> None:
    source = {"kind": "rest", "address": "http://no-such-host.invalid/x", "retries": 0}
    with pytest.raises((Stop, Retry)) as failed:
        pull(settings(tmp_path), spec(source), DAY, policy=quick())
    # Without any name server the machine cannot know that the name does not exist.
    assert failed.value.code in {"CH-PULL-001", "CH-PULL-002"}
    assert "no-such-host.invalid" in failed.value.part("what")


def test_a_plain_server_behind_https_is_a_tls_error(tmp_path: Path) -> None:
    with vendor(paged) as server:
        address = server.address.replace("http://", "https://")
        with pytest.raises(Stop) as stopped:
            get(tmp_path, server, address=address)
    assert stopped.value.code == "CH-PULL-004"


@pytest.mark.parametrize("address", ["ftp://x/y", "/only/a/path", "http://", "http://h/{no_such_part}"])
def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    with pytest.raises(Stop) as stopped:
        pull(settings(tmp_path), spec({"kind": "rest", "address": address}), DAY)
    assert stopped.value.code == "CH-PULL-020"


def test_rests_of_a_killed_pull_are_removed(tmp_path: Path) -> None:
    rest_of_killed = tmp_path / "landing" / "muck.position" / DAY.isoformat() / ".20261121T010000000-dead.partial"
    rest_of_killed.mkdir(parents=True)
    (rest_of_killed / "000001.json.zst").write_bytes(b"half")
    with vendor(paged) as server:
        get(tmp_path, server)
    assert not rest_of_killed.exists()


def test_a_pushed_feed_is_not_pulled(tmp_path: Path) -> None:
    with pytest.raises(Stop) as stopped:
        pull(settings(tmp_path), spec({"kind": "mqtt", "address": "mqtt://h", "topic": "a/+"}), DAY)
    assert stopped.value.code == "CH-PULL-021"
