"""The edge: ids, limits, the access log, slow clients. Nothing leaks, nothing stops."""

from __future__ import annotations

import json
import re
import select
import socket
import stat
import urllib.parse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from serving.access.audit import Audit
from serving.access.limits import Buckets
from serving.config import Service as Limits
from serving.config import load
from tests.extracts.months import NOVEMBER, Months, settings_in
from tests.serving.conftest import Town
from tests.serving.service import Client, key, served
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("serving")


@pytest.fixture
def months(tmp_path: Path) -> Months:
    found = Months(settings_in(tmp_path))
    found.extract(NOVEMBER, {"a": "1", "b": "2"})
    return found


def logged(months: Months) -> list[dict[str, Any]]:
    """The access log."""
    (path,) = (months.settings.home / "audit").glob("*.ndjson")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def raw(url: str, request: bytes) -> bytes:
    """Everything that comes back for these bytes until the other side closes."""
    place = urllib.parse.urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while part := connection.recv(65536):
            found += part
    return found


def test_every_answer_carries_the_id_of_its_request(town: Town) -> None:
    own = town.client.get("/v1/catalog", x_request_id="province-2026-0001")
    assert own.headers["x-request-id"] == "province-2026-0001"
    for bad in ("short", "with blank in it", "x" * 65, "a'><script>"):
        made = town.client.get("/v1/catalog", x_request_id=bad).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", made), bad


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("/v1/catalog?x=" + "a" * 9000, {}, 414),
        ("/v1/" + "a/" * 4500, {}, 414),
        ("/v1/catalog", {"X-Long": "a" * 17_000}, 431),
        ("/v1/catalog", {f"X-{number}": "a" for number in range(101)}, 431),
        ("/v1/catalog", {"Cookie": "a=b; " * 4000}, 431),
    ],
)
def test_what_is_too_large_is_refused(town: Town, target: str, headers: dict[str, str], status: int) -> None:
    answer = town.client.send("GET", target, headers)
    assert (answer.status, answer.code) == (status, "CH-SERVE-012"), answer.body
    assert len(answer.body) < 2000


def test_what_is_no_http_gets_a_problem_or_nothing(town: Town) -> None:
    for request in (
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"GET /v1/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /v1/\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x00" * 4096,
        b"GET / HTTP/1.1\r\n" + b"a" * 80_000,
    ):
        found = raw(town.url, request)
        head, _, body = found.partition(b"\r\n\r\n")
        assert not found or (b" 400 " in head and json.loads(body)["code"] == "CH-SERVE-009"), found
        assert b"Traceback" not in found
    assert town.client.get("/v1/catalog").status == 200


def test_a_request_in_two_lengths_is_no_request(town: Town) -> None:
    head = b"POST /v1/receipts HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
    for second in (b"Content-Length: 6", b"Transfer-Encoding: xchunked"):
        found = raw(town.url, head + second + b"\r\n\r\n{}GET ")
        assert found.split()[1] in {b"400", b"501"}, found


def test_a_body_without_a_length_is_cut_at_the_limit(town: Town) -> None:
    chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
    head = f"POST /v1/receipts HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {town.client.key}\r\n"
    head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 413 " in raw(town.url, head.encode() + chunk * 6 + b"0\r\n\r\n").partition(b"\r\n")[0]


def test_each_access_is_written_and_no_secret_with_it(months: Months) -> None:
    with served(months.settings, Limits()) as url:
        text = key(months.settings, "province")
        client = Client(url, text)
        page = client.page("/v1/datasets/ranking/records?limit=1")
        client.page(f"/v1/datasets/ranking/records?limit=1&cursor={page['next']}")
        Client(url).get(f"/v1/catalog?key={text}", x_request_id="a-known-id")
        client.send("POST", "/v1/receipts", body={"note": "secret words"})
        client.get("/healthz")
    lines = logged(months)
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [
        ("GET", "/v1/datasets/ranking/records", 200),
        ("GET", "/v1/datasets/ranking/records", 200),
        ("GET", "/v1/catalog", 401),
        ("POST", "/v1/receipts", 400),
    ]
    assert {line.get("name") for line in lines} == {"province", None}
    assert (lines[2]["code"], lines[2]["request_id"], lines[2]["remote"]) == ("CH-SERVE-001", "a-known-id", "127.0.0.1")
    everything = json.dumps(lines)
    assert text[17:] not in everything and page["next"] not in everything and "secret words" not in everything


def test_nothing_is_answered_while_the_log_cannot_be_written(months: Months) -> None:
    with served(months.settings, Limits()) as url:
        client = Client(url, key(months.settings))
        assert client.get("/v1/catalog").status == 200
        folder = months.settings.home / "audit"
        folder.rename(folder.with_name("gone"))
        folder.write_text("a file where the folder was")
        answer = client.get("/v1/datasets/ranking/records")
        assert (answer.status, answer.code) == (503, "CH-SERVE-015") and b"score" not in answer.body
        assert client.get("/readyz").status == 503
        folder.unlink()
        assert client.get("/v1/catalog").status == 200


def test_the_log_begins_a_new_file_each_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = Audit(tmp_path / "audit")
    for moment in ("2026-11-30T23:59:59+08:00", "2026-12-01T00:00:00+08:00"):
        monkeypatch.setenv("CITYHUB_NOW", moment)
        audit.write(path="/v1/catalog")
    audit.close()
    assert sorted(path.name for path in (tmp_path / "audit").iterdir()) == ["2026-11.ndjson", "2026-12.ndjson"]


def test_a_key_that_asks_too_often_waits_and_others_do_not(months: Months) -> None:
    with served(months.settings, Limits(rate=0.1, burst=3, failures=0.1, failure_burst=2)) as url:
        busy, other = (Client(url, key(months.settings, name)) for name in ("busy", "other"))
        assert [busy.get("/v1/catalog").status for _ in range(4)] == [200, 200, 200, 429]
        refused = busy.get("/v1/catalog")
        assert refused.code == "CH-SERVE-010" and 1 <= int(refused.headers["retry-after"]) <= 10
        assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
        answer = other.get("/v1/catalog")
        assert (answer.status, answer.headers["ratelimit"]) == (200, '"key";r=2;t=0')
        guesses = [Client(url, f"chk_{number:012x}_{'x' * 43}").get("/v1/catalog").status for number in range(4)]
        assert guesses == [401, 401, 429, 429]


def test_a_bucket_fills_by_its_rate() -> None:
    moment = [0.0]
    buckets = Buckets(clock=lambda: moment[0])

    def take() -> bool:
        return buckets.take("k", rate=2, size=4).granted

    assert [take() for _ in range(5)] == [True, True, True, True, False]
    moment[0] = 0.4
    assert not take()
    moment[0] = 0.5
    assert take() and not take()
    moment[0] = 1000.0
    assert [take() for _ in range(5)] == [True, True, True, True, False], "never more than its size"


def test_a_failure_tells_its_id_and_nothing_of_itself(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the innermost secret")

    monkeypatch.setattr("extracts.records.records", broken)
    answer = town.client.get("/v1/datasets/ranking/records?limit=77")
    assert (answer.status, answer.code) == (500, "CH-SERVE-014")
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert b"secret" not in answer.body and b"ZeroDivision" not in answer.body


@pytest.fixture
def impatient(months: Months) -> Iterator[tuple[str, Months]]:
    """A service that waits for nobody longer than half a second."""
    with served(months.settings, Limits(request_s=0.5, stalled_s=0.5)) as url:
        yield url, months


def test_slow_clients_are_let_go_and_keep_nobody_waiting(impatient: tuple[str, Months]) -> None:
    url, months = impatient
    place = urllib.parse.urlsplit(url)
    slow = [socket.create_connection((place.hostname or "", place.port or 0)) for _ in range(200)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(b"GET /v1/catalog HTTP/1.1\r\nHost: a\r\nX-Slow: "[: 10 + number % 40])
        client = Client(url, key(months.settings))
        assert client.get("/v1/catalog").status == 200
        left = set(slow)
        while left:
            ready, _, _ = select.select(list(left), [], [], 30)
            assert ready, f"{len(left)} connections are held"
            left -= {connection for connection in ready if _closed(connection)}
    finally:
        for connection in slow:
            connection.close()


def _closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(65536) == b""
    except ConnectionError:
        return True


def number(url: str, name: str) -> float:
    """One of the service's metrics."""
    text = Client(url).get("/v1/metrics").body.decode()
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


@pytest.mark.parametrize("kind", ["rows", "file"])
def test_a_client_that_reads_nothing_is_let_go(impatient: tuple[str, Months], kind: str) -> None:
    url, months = impatient
    months.extract(NOVEMBER, {f"{token_hex(24)}": str(number) for number in range(9000)})
    client = Client(url, key(months.settings))
    target = "/v1/datasets/ranking/records?limit=10000"
    if kind == "file":
        target = client.page("/v1/datasets/ranking/publications/2")["files"][0]["url"]
    place = urllib.parse.urlsplit(url)
    head = f"GET {target} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {client.key}\r\n\r\n"
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with lazy:
        lazy.connect((place.hostname or "", place.port or 0))
        lazy.sendall(head.encode() * 40)  # together more than the kernel holds for one connection
        wait_for(lambda: number(url, "cityhub_http_connections") == 1)
        assert number(url, "cityhub_http_waiting_bytes") == 0
        with pytest.raises(ConnectionError):
            while lazy.recv(1 << 20):
                pass


ROWS = "/v1/datasets/ranking/records?limit=10000"


def do_not_read(stack: ExitStack, client: Client) -> None:
    """Readers who ask for much and take none of it."""
    place = urllib.parse.urlsplit(client.url)
    head = f"GET {ROWS} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {client.key}\r\n\r\n"
    for _ in range(6):
        lazy = stack.enter_context(socket.socket())
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect((place.hostname or "", place.port or 0))
        lazy.sendall(head.encode() * 8)


def test_while_too_much_waits_for_slow_readers_no_page_is_made_and_probes_are_answered(months: Months) -> None:
    """Readers who do not read hold what the budget allows, and whoever looks after the service does not end it."""
    months.extract(NOVEMBER, {f"{token_hex(24)}": str(number) for number in range(9000)})
    limits = Limits(outstanding_bytes=1 << 20, stalled_s=600)
    with served(months.settings, limits) as url, ExitStack() as stack:
        client = Client(url, key(months.settings))
        whole = len(client.get(ROWS).body)
        do_not_read(stack, client)
        wait_for(lambda: number(url, "cityhub_http_waiting_bytes") > limits.outstanding_bytes)
        refused = client.get("/v1/catalog")
        assert (refused.status, refused.code) == (503, "CH-SERVE-019")
        assert [client.get(path).status for path in ("/healthz", "/readyz", "/v1/metrics")] == [200, 200, 200]
        assert number(url, "cityhub_http_waiting_bytes") <= limits.outstanding_bytes + limits.builders * whole


def test_one_key_whose_readers_do_not_read_leaves_room_for_others(months: Months) -> None:
    months.extract(NOVEMBER, {f"{token_hex(24)}": str(number) for number in range(9000)})
    limits = Limits(outstanding_of_key=1 << 20, stalled_s=600)
    with served(months.settings, limits) as url, ExitStack() as stack:
        lazy, other = Client(url, key(months.settings, "lazy")), Client(url, key(months.settings, "other"))
        do_not_read(stack, lazy)
        wait_for(lambda: number(url, "cityhub_http_waiting_bytes") > limits.outstanding_of_key)
        assert (lazy.get("/v1/catalog").status, lazy.get("/v1/catalog").code) == (503, "CH-SERVE-019")
        assert other.get("/v1/catalog").status == 200
        assert other.get(ROWS).status == 200


def test_metrics_are_numbers_of_routes_and_name_nobody(town: Town) -> None:
    secretly = town.client_of("a-name-of-a-consumer")
    secretly.get("/v1/datasets/ranking/records")
    Client(town.url).get("/v1/a/path/that/a/scanner/asks/for")
    text = Client(town.url).get("/v1/metrics").body.decode()
    assert 'route="/v1/datasets/{id}/records",status="200"' in text.replace('method="GET",', "")
    assert "scanner" not in text and "a-name-of-a-consumer" not in text
    assert "cityhub_http_latest_sequence 3.0" in text


def test_the_manual_loads_nothing_from_anywhere(town: Town) -> None:
    page = Client(town.url).get("/v1/docs")
    text = page.body.decode()
    assert page.status == 200 and "CH-SERVE-010" in text and "/v1/datasets/{id}/changes" in text
    for outside in ("<script", "src=", "http://", "https://", "//cdn", "@import"):
        assert outside not in text, outside
    paths = Client(town.url).get("/v1/openapi.json").json["paths"]
    assert set(paths["/v1/files/{name}"]) == {"get", "head"}


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_SERVE_RATE", "5")
    monkeypatch.setenv("CITYHUB_SERVE_PROFILE", "gov")
    assert (load().rate, load().gov, load(gov=False).gov) == (5.0, True, False)
    monkeypatch.setenv("CITYHUB_SERVE_RATE", "many")
    with pytest.raises(Exception, match="CH-SERVE-024"):
        load()
