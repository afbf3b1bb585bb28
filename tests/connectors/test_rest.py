"""The REST connector against a real server: what lands, what is asked, what is never written."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import Stop, Unauthorised
from connectors.pull import pull
from connectors.rest_auth import sign
from tests.connectors.feeds import DAY, body, everything_written, quick, rows, settings, spec
from tests.servers.http import Answer, Request, Vendor, as_json, vendor

RECORDS = [{"id": f"v{number}", "v": number, "名": "豫A·挂"} for number in range(25)]


def rest(server: Vendor, **more: Any) -> dict[str, Any]:
    """A source that asks the server for pages of ten."""
    source = {
        "kind": "rest",
        "address": server.address + "/api/list",
        "records_at": "data.list",
        "paging": {"kind": "page", "size": 10, "total_at": "data.total"},
        "rate_per_s": 10_000,
        "timeout_s": 5,
        "retries": 3,
    }
    return {**source, **more}


def paged(request: Request, total: int | None = len(RECORDS), have: list[Any] = RECORDS) -> Answer:
    """The page that a well-behaved vendor gives."""
    size, number = int(request.query["pageSize"]), int(request.query["pageNo"])
    return as_json({"code": 0, "data": {"total": total, "list": have[(number - 1) * size : number * size]}})


def test_pages_land_as_received_and_in_order(tmp_path: Path) -> None:
    with vendor(paged) as server:
        source = rest(server, query={"day": "{day}", "from": "{day_start_ms}"})
        manifest = pull(settings(tmp_path), spec(source), DAY)
    assert rows(manifest) == RECORDS
    assert [json.loads(body(manifest, part))["code"] for part in manifest.parts] == [0, 0, 0]
    assert manifest.stated_total == 25
    assert manifest.findings == ()
    assert manifest.parts[0].columns == ("id", "v", "名")
    assert [request.query["pageNo"] for request in server.requests] == ["1", "2", "3"]
    assert server.requests[0].query["day"] == "2026-11-20"
    assert server.requests[0].query["from"] == "1795104000000"
    assert "pageNo=2" in manifest.parts[1].request


def test_a_second_pull_of_the_same_content_lands_nothing_new(tmp_path: Path) -> None:
    with vendor(paged) as server:
        first = pull(settings(tmp_path), spec(rest(server)), DAY)
        second = pull(settings(tmp_path), spec(rest(server)), DAY)
    assert second.load_id == first.load_id
    assert len(list((tmp_path / "landing" / "muck.position" / "2026-11-20").iterdir())) == 1


def test_an_empty_day_lands_as_an_empty_delivery(tmp_path: Path) -> None:
    with vendor(lambda request: paged(request, 0, [])) as server:
        manifest = pull(settings(tmp_path), spec(rest(server)), DAY)
    assert rows(manifest) == []
    assert len(manifest.parts) == 1
    assert len(server.requests) == 1


def test_null_instead_of_an_empty_list_is_an_empty_page(tmp_path: Path) -> None:
    with vendor(lambda _: as_json({"code": 0, "data": {"total": 0, "list": None}})) as server:
        manifest = pull(settings(tmp_path), spec(rest(server)), DAY)
    assert rows(manifest) == []


def test_offsets_move_by_what_came_so_a_capped_page_size_loses_nothing(tmp_path: Path) -> None:
    def capped(request: Request) -> Answer:
        offset = int(request.query["offset"])
        return as_json({"result": RECORDS[offset : offset + 7], "totalCount": 25})

    with vendor(capped) as server:
        paging = {"kind": "offset", "size": 10, "total_at": "totalCount"}
        manifest = pull(settings(tmp_path), spec(rest(server, records_at="result", paging=paging)), DAY)
    assert rows(manifest) == RECORDS
    assert [request.query["offset"] for request in server.requests] == ["0", "7", "14", "21"]


def by_cursor(request: Request) -> Answer:
    """Pages of ten by cursor; null at the end."""
    start = int(request.query.get("cursor", "c0")[1:])
    after = start + 10
    return as_json({"data": RECORDS[start:after], "next": f"c{after}" if after < 25 else None})


CURSOR = {"kind": "cursor", "cursor_at": "next", "size": 10}


def test_cursors_are_followed_to_their_end(tmp_path: Path) -> None:
    with vendor(by_cursor) as server:
        manifest = pull(settings(tmp_path), spec(rest(server, records_at="data", paging=CURSOR)), DAY)
    assert rows(manifest) == RECORDS
    assert [request.query.get("cursor") for request in server.requests] == [None, "c10", "c20"]


def test_a_body_that_is_the_array_and_post_with_a_json_body(tmp_path: Path) -> None:
    with vendor(lambda request: as_json(RECORDS)) as server:
        source = rest(server, method="POST", records_at="", paging={"kind": "none"}, query={"day": "{day_compact}"})
        manifest = pull(settings(tmp_path), spec(source), DAY)
    assert rows(manifest) == RECORDS
    assert json.loads(server.requests[0].body) == {"day": 20261120}


def test_xml_lands_whole(tmp_path: Path) -> None:
    def xml(request: Request) -> Answer:
        page = RECORDS[(int(request.query["pageNo"]) - 1) * 10 :][:10]
        inside = "".join(f"<row><id>{row['id']}</id><v>{row['v']}</v></row>" for row in page)
        text = f'<?xml version="1.0"?><response><total>25</total><rows>{inside}</rows></response>'
        return Answer(text.encode(), headers={"Content-Type": "application/xml"})

    with vendor(xml) as server:
        paging = {"kind": "page", "size": 10, "total_at": "total"}
        manifest = pull(settings(tmp_path), spec(rest(server, format="xml", records_at="row", paging=paging)), DAY)
    assert [part.format for part in manifest.parts] == ["xml"] * 3
    assert manifest.options == {"record": "row"}
    assert manifest.stated_total == 25
    assert manifest.parts[0].columns == ("id", "v")
    assert body(manifest, manifest.parts[2]).count(b"<row>") == 5
    assert len(server.requests) == 3


def test_gb18030_is_converted_and_the_original_kept(tmp_path: Path) -> None:
    text = json.dumps({"data": RECORDS}, ensure_ascii=False).encode("gb18030")
    with vendor(lambda _: Answer(text)) as server:
        source = rest(server, records_at="data", paging={"kind": "none"})
        manifest = pull(settings(tmp_path), spec(source), DAY)
    assert rows(manifest) == RECORDS
    assert "GB18030" in manifest.findings[0]
    assert (Path(manifest.folder) / "000001.json.zst.original").read_bytes() == text


def test_records_that_cannot_be_cut_out_are_parsed_and_said_so(tmp_path: Path) -> None:
    text = b'{"d\\u0061ta":[{"id":"a","v":NaN}]}'
    with vendor(lambda _: Answer(text)) as server:
        manifest = pull(settings(tmp_path), spec(rest(server, records_at="data", paging={"kind": "none"})), DAY)
    assert rows(manifest)[0]["id"] == "a"
    assert "written anew" in manifest.findings[0]
    assert (Path(manifest.folder) / "000001.json.zst.original").read_bytes() == text


# Who we are


def needs(check: Callable[[Request], bool]) -> Callable[[Request], Answer]:
    return lambda request: paged(request) if check(request) else as_json({"message": "no"}, 401)


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Secrets by name, and their values to look for."""
    values = {
        "V_USER": "user-8842",
        "V_PASSWORD": "pw-x!7/ 9&k",
        "V_TOKEN": "tok-551-long",
        "V_KEY": "key-0001",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"CITYHUB_{name}", value)
    return [*values.values(), base64.b64encode(b"user-8842:pw-x!7/ 9&k").decode()]


def never_written(secrets: list[str], home: Path, *texts: str) -> None:
    """No secret in any file or text."""
    written = everything_written(home) + "".join(texts).encode()
    for value in secrets:
        assert value.encode() not in written


def test_basic_bearer_and_signature(tmp_path: Path, secrets: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    def signed(algorithm: str) -> Callable[[Request], bool]:
        return lambda request: (
            request.headers["appkey"] == "key-0001"
            and request.headers["signature"]
            == sign(algorithm, "key-0001", request.headers["timestamp"], "tok-551-long")
        )

    signature = {"kind": "signature", "app_key": "v_key", "secret": "v_token"}
    cases: list[tuple[dict[str, Any], Callable[[Request], bool]]] = [
        (
            {"kind": "basic", "user": "v_user", "password": "v_password"},
            lambda request: request.headers.get("authorization") == f"Basic {secrets[-1]}",
        ),
        (
            {"kind": "bearer", "token": "v_token", "header": "X-Token", "prefix": ""},
            lambda request: request.headers.get("x-token") == "tok-551-long",
        ),
        ({**signature, "algorithm": "sha256"}, signed("sha256")),
        ({**signature, "algorithm": "hmac-sha256"}, signed("hmac-sha256")),
        ({**signature, "algorithm": "md5"}, signed("md5")),
    ]
    for number, (auth, check) in enumerate(cases):
        home = tmp_path / str(number)
        with vendor(needs(check)) as server:
            manifest = pull(settings(home), spec(rest(server, auth=auth)), DAY)
            assert rows(manifest) == RECORDS
        with vendor(needs(lambda _: False)) as server, pytest.raises(Unauthorised) as refused:
            pull(settings(home), spec(rest(server, auth=auth)), DAY, policy=quick())
        assert refused.value.code == "CH-PULL-007"
        assert len(server.requests) == 1
        never_written(secrets, home, str(refused.value), caplog.text)


def test_signatures_are_what_vendors_compute() -> None:
    assert sign("sha256", "k", "1", "s") == hashlib.sha256(b"k1s").hexdigest()
    assert sign("md5", "k", "1", "s") == hashlib.md5(b"k1s").hexdigest()
    assert sign("hmac-sha256", "key", "The quick brown fox", "") != sign("sha256", "key", "The quick brown fox", "")


LOGIN = {
    "kind": "login",
    "path": "/auth/login",
    "user": "v_user",
    "password": "v_password",
    "token_at": "data.token",
    "expires_at": "data.expires",
}


class Tokens:
    """A vendor whose tokens are good for a number of calls; then it says so in `expired`'s way."""

    def __init__(self, calls: int, expired: Answer, life: int = 60) -> None:
        self.calls, self.expired, self.life, self.issued = calls, expired, life, 0
        self.used = 0

    def __call__(self, request: Request) -> Answer:
        if request.path == "/auth/login":
            given = json.loads(request.body)
            if given != {"username": "user-8842", "password": "pw-x!7/ 9&k"}:
                return as_json({"code": 401, "message": "用户名或密码错误"})
            self.issued, self.used = self.issued + 1, 0
            return as_json({"data": {"token": f"jwt-number-{self.issued}", "expires": self.life}})
        self.used += 1
        good = request.headers.get("authorization") == f"Bearer jwt-number-{self.issued}"
        return paged(request) if good and self.used <= self.calls else self.expired


@pytest.mark.parametrize(
    "expired",
    [
        as_json({"message": "token expired"}, 401),
        as_json({"hasError": True, "message": "token expired jwt-number-1", "data": None}),
        Answer(b"<!DOCTYPE html><title>login</title>", headers={"Content-Type": "text/html"}),
    ],
    ids=["401", "failure inside 200", "login page"],
)
def test_an_expired_token_is_renewed_once_a_page(
    tmp_path: Path, secrets: list[str], expired: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    failing = {"at": "hasError", "bad": True, "message_at": "message"}
    with vendor(Tokens(calls=2, expired=expired)) as server:
        manifest = pull(settings(tmp_path), spec(rest(server, auth=LOGIN, error_when=failing)), DAY)
    assert rows(manifest) == RECORDS
    assert [request.path[-5:] for request in server.requests].count("login") == 2
    never_written([*secrets, "jwt-number-1", "jwt-number-2"], tmp_path, caplog.text)


def test_a_token_that_is_never_accepted_ends_after_one_renewal(tmp_path: Path, secrets: list[str]) -> None:
    failing = {"at": "hasError", "bad": True, "message_at": "message"}
    refusal = as_json({"hasError": True, "message": "token jwt-number-2 expired", "data": None})
    with vendor(Tokens(calls=0, expired=refusal)) as server, pytest.raises(Unauthorised) as refused:
        source = rest(server, auth=LOGIN, error_when=failing)
        pull(settings(tmp_path), spec(source), DAY, policy=quick())
    assert len(server.requests) == 4
    never_written([*secrets, "jwt-number-2"], tmp_path, str(refused.value))


def test_a_new_token_may_meet_another_fault_before_it_expires(tmp_path: Path, secrets: list[str]) -> None:
    """A token that is good for one call, and calls that break off: login and retry take turns."""
    tokens, broken = Tokens(calls=1, expired=as_json({"message": "expired"}, 401)), [True, True]

    def breaking(request: Request) -> Answer:
        answer = tokens(request)
        if request.path != "/auth/login" and answer.status == 200 and broken:
            broken.pop()
            return Answer(answer.body, cut=30)
        return answer

    with vendor(breaking) as server:
        manifest = pull(settings(tmp_path), spec(rest(server, auth=LOGIN)), DAY, policy=quick())
    assert rows(manifest) == RECORDS


def test_a_token_near_its_end_is_replaced_before_it_is_refused(tmp_path: Path, secrets: list[str]) -> None:
    with vendor(Tokens(calls=9, expired=as_json({}, 401), life=0)) as server:
        pull(settings(tmp_path), spec(rest(server, auth=LOGIN)), DAY)
    assert len(server.requests) >= 4


@pytest.mark.parametrize("status", [200, 401])
def test_a_wrong_password_says_which_secrets(
    tmp_path: Path, secrets: list[str], monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("CITYHUB_V_PASSWORD", "wrong-one-1")
    answer = as_json({"code": 401, "message": "用户名或密码错误"}, status)
    with vendor(lambda _: answer) as server, pytest.raises(Unauthorised) as refused:
        pull(settings(tmp_path), spec(rest(server, auth=LOGIN)), DAY, policy=quick())
    text = str(refused.value)
    assert "用户名或密码错误" in text
    assert "v_user, v_password" in text
    assert refused.value.exit_code == 4
    never_written([*secrets, "wrong-one-1"], tmp_path, text)


def test_a_missing_secret_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_SECRETS", str(tmp_path))
    with vendor(paged) as server, pytest.raises(Stop) as stopped:
        source = rest(server, auth={"kind": "bearer", "token": "nobody_set_this"})
        pull(settings(tmp_path), spec(source), DAY)
    assert stopped.value.code == "CH-CONF-001"
    assert "nobody_set_this" in str(stopped.value)
    assert server.requests == []
