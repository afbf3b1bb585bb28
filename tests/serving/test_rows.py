"""Rows and changes over HTTP: pages that lose and repeat nothing, cursors that nobody makes up, tokens that expire."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from extracts.prune import prune
from serving.config import Service as Limits
from serving.cursors import Cursors
from tests.extracts.months import DECEMBER, NOVEMBER, Months, settings_in
from tests.serving.conftest import Town
from tests.serving.service import Client, key, served

pytestmark = pytest.mark.xdist_group("serving")
RANKING = "/v1/datasets/ranking"


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[tuple[Months, Client]]:
    """A service whose publications a test makes."""
    months = Months(settings_in(tmp_path))
    with served(months.settings, Limits()) as url:
        yield months, Client(url, key(months.settings))


def follow(client: Client, target: str, between: Any = lambda: None) -> list[Any]:
    """All items of a target, page by page; something happens between the pages."""
    items: list[Any] = []
    cursor = None
    while True:
        page = client.page(target + (f"&cursor={cursor}" if cursor else ""))
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items
        between()


def test_a_publication_between_two_pages_changes_no_page(moving: tuple[Months, Client]) -> None:
    months, client = moving
    months.extract(NOVEMBER, {"a": "1", "b": "2", "c": "3"})
    rounds = iter([{"a": "9", "d": "4"}, {"a": "8"}, {}])
    seen = follow(client, f"{RANKING}/records?limit=1", lambda: months.extract(NOVEMBER, next(rounds)))
    assert [(row["unit"], row["score"]) for row in seen] == [("a", "1"), ("b", "2"), ("c", "3")]
    more = iter([{"b": "7"}, {"c": "7"}])
    months.extract(NOVEMBER, {"a": "8", "e": "5"})
    first = client.page(f"{RANKING}/changes?since=1&limit=1")
    seen = follow(
        client, f"{RANKING}/changes?since=1&limit=1", lambda: months.extract(NOVEMBER, next(more, {"z": "1"}))
    )
    assert [(item["op"], item["key"]["unit"]) for item in seen] == [
        ("revise", "a"),
        ("delete", "b"),
        ("delete", "c"),
        ("insert", "e"),
    ]
    assert first["to"] == 4, "the pages are those of the publication that was the newest at the first of them"


def test_a_consumer_that_follows_changes_holds_what_was_published(moving: tuple[Months, Client]) -> None:
    months, client = moving
    held: dict[tuple[str, ...], Any] = {}
    token = 0
    history = [
        (NOVEMBER, {"a": "1", "b": "2"}, "provisional"),
        (DECEMBER, {"a": "1"}, "provisional"),
        (NOVEMBER, {"b": "2.5", "c": "1"}, "final"),
        (NOVEMBER, {"b": "2.5"}, "corrected"),
        (DECEMBER, {"a": "1", "d": "0"}, "provisional"),
    ]
    for month, scores, status in history:
        months.extract(month, scores, status)
        page = client.page(f"{RANKING}/changes?since={token}")
        for item in follow(client, f"{RANKING}/changes?since={token}&limit=2"):
            name = tuple(item["key"].values())
            if item["op"] == "delete":
                del held[name]
            else:
                assert (item["op"] == "insert") == (name not in held)
                held[name] = item["row"]
        token = page["to"]
        assert list(held) and held == {
            (row["period"], row["scheme"], row["league"], row["unit"]): row
            for row in follow(client, f"{RANKING}/records?limit=3")
        }


def test_a_token_that_expired_leads_to_a_new_baseline(moving: tuple[Months, Client]) -> None:
    months, client = moving
    for number in range(1, 6):
        months.extract(NOVEMBER, {"a": str(number), "b": "1"})
    first = client.page(f"{RANKING}/records?limit=1&as_of=1")
    prune(months.settings, 2)
    answer = client.get(f"{RANKING}/changes?since=1")
    assert (answer.status, answer.code) == (410, "CH-EXT-003")
    baseline = answer.json["baseline"]
    assert baseline == {"as_of": 5, "records": f"{RANKING}/records?as_of=5"}
    assert [row["score"] for row in client.page(baseline["records"])["items"]] == ["5", "1"]
    assert client.get(f"{RANKING}/records?as_of=1").status == 410
    assert client.get(f"{RANKING}/records?limit=1&cursor={first['next']}").status == 410, "its publication is gone"
    assert client.page(f"{RANKING}/changes?since=4")["to"] == 5
    old = client.page(f"{RANKING}/publications/1")
    assert (old["expired"], old["files"]) == (True, [])


def test_what_there_never_was_is_not_found(town: Town) -> None:
    for target in ("changes?since=99", "records?as_of=99", "publications/99", "publications/4"):
        assert town.client.get(f"{RANKING}/{target}").status == 404, target
    for target in ("/v1/datasets/rankings/schema", "/v1/datasets/..%2f..%2fetc/records", "/v1/nothing"):
        assert town.client.get(target).status == 404, target


def test_a_cursor_is_good_for_its_own_request_only(town: Town) -> None:
    client = town.client
    cursor = client.page(f"{RANKING}/records?limit=1")["next"]
    assert client.get(f"{RANKING}/records?limit=2&cursor={cursor}").status == 200, "the size of a page may change"
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    forged = raw[:16] + raw[16:].replace(b'"as_of":3', b'"as_of":1')
    wrong = {
        "cut": cursor[:-4],
        "one bit": cursor[:30] + ("A" if cursor[30] != "A" else "B") + cursor[31:],
        "another publication": base64.urlsafe_b64encode(forged).rstrip(b"=").decode(),
        "another installation": Cursors(b"another").make({"path": "records", "id": "ranking"}, ["x"]),
        "none": "0" * 40,
        "padded": cursor + "=",
        "with a blank": cursor + "%20",
        "long": "A" * 3000,
        "empty": "",
    }
    for kind, text in wrong.items():
        answer = client.get(f"{RANKING}/records?limit=1&cursor={text}")
        assert answer.status == 400, (kind, answer.body)
    for target in (
        f"{RANKING}/changes?since=0&cursor={cursor}",
        f"/v1/datasets/dictionary/records?cursor={cursor}",
        f"{RANKING}/records?unit=juji&cursor={cursor}",
        f"{RANKING}/records?as_of=1&cursor={cursor}",
    ):
        assert client.get(target).code == "CH-SERVE-008", target


def test_a_cursor_of_one_key_shows_another_key_its_own_rows_only(town: Town) -> None:
    cursor = town.client.page(f"{RANKING}/records?limit=1")["next"]
    narrow = town.client_of("narrow", units=("juji",))
    rows = narrow.page(f"{RANKING}/records?cursor={cursor}")["items"]
    assert {row["unit"] for row in rows} == {"juji"}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=10001", "limit=-1", "limit=1e3", "limit=%D9%A1", "limit=1&limit=2", "limit=",
        "limit=" + "9" * 4000,
        "unt=juji", "as_of=0", "as_of=latest", "as_of=1%20", "period=2026-13", "period=20260", "period=2026-11-32",
        "period=2026-11'%20OR%201=1", "unit=%00", "unit=" + "x" * 81,
    ],
)  # fmt: skip
def test_a_parameter_that_is_none_is_refused_and_never_left_out(town: Town, query: str) -> None:
    answer = town.client.get(f"{RANKING}/records?{query}")
    assert (answer.status, answer.code) == (400, "CH-SERVE-009"), answer.body
    assert len(answer.body) < 2000


def test_what_looks_like_sql_is_a_value(town: Town) -> None:
    assert town.client.page(f"{RANKING}/records?unit=%27%20OR%201=1%20--")["items"] == []


def test_the_three_formats_hold_the_same_rows(town: Town) -> None:
    target = f"{RANKING}/records?period=2026-11"
    rows = town.client.page(target)["items"]
    text = town.client.get(target, accept="text/csv")
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    header, *lines = text.body.decode().splitlines()
    assert [dict(zip(header.split(","), line.split(","), strict=True))["score"] for line in lines] == [
        row["score"] for row in rows
    ]
    arrow = town.client.get(target, accept="application/vnd.apache.arrow.stream;q=1, application/json;q=0.5")
    table = pa.ipc.open_stream(io.BytesIO(arrow.body)).read_all()
    assert [format(value.normalize(), "f") for value in table["score"].to_pylist()] == [row["score"] for row in rows]
    assert [str(value) for value in table["published_at"].to_pylist()] == [
        row["published_at"].replace("T", " ") for row in rows
    ]
    for accept, status in {"*/*": 200, "application/*": 200, "text/csv;q=0, */*;q=0": 406, "image/png": 406}.items():
        assert town.client.get(target, accept=accept).status == status, accept
    paged = town.client.get(f"{RANKING}/records?limit=1", accept="text/csv")
    following = paged.headers["link"].removeprefix("<").partition(">")[0]
    assert town.client.get(following, accept="text/csv").body != paged.body


def test_whoever_holds_the_answer_gets_none_again(town: Town) -> None:
    for target in ("records?limit=2", "changes?since=1", "publications", "publications/latest", "schema"):
        first = town.client.get(f"{RANKING}/{target}")
        etag = first.headers["etag"]
        again = town.client.get(f"{RANKING}/{target}", if_none_match=f'"other", W/{etag}')
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag), target
        assert town.client.get(f"{RANKING}/{target}", if_none_match='"other"').status == 200
    narrow = town.client_of("narrow-2", units=("juji",))
    etag = town.client.get(f"{RANKING}/records").headers["etag"]
    assert narrow.get(f"{RANKING}/records", if_none_match=etag).status == 200, "a scope has its own validators"
    assert town.client.get(f"{RANKING}/records", if_none_match=etag, accept="text/csv").status == 200
