"""Each vendor's manner, called as its manual says and as it does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.gate import Gate, signature
from sandbox.keys import Keys
from sandbox.manners import Login
from tests.sandbox.cities import DAY, Client, city


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with city(tmp_path_factory.mktemp("city")) as running:
        yield running


def _rows(client: Client, feed: str) -> int:
    return int(client.sandbox.ready["feeds"][feed]["rows"])


def test_page_numbers_add_up_to_the_total(client: Client) -> None:
    seen, page = [], 1
    while True:
        data = client.get("sanitation", "/hw/api/gps/list", rq=DAY.isoformat(), pageNo=page, pageSize=700).json()[
            "data"
        ]
        assert data["total"] == _rows(client, "sanitation.position")
        if not data["list"]:
            break
        seen += data["list"]
        page += 1
    assert len(seen) == data["total"] and page > 3


def test_offsets_add_up_to_the_total(client: Client) -> None:
    seen: list[object] = []
    while True:
        answer = client.get(
            "lighting", "/api/lamp/history", startTime=f"{DAY} 00:00:00", offset=len(seen), limit=900
        ).json()
        assert answer["hasError"] is False
        if not answer["result"]:
            break
        seen += answer["result"]
    assert len(seen) == answer["totalCount"] == _rows(client, "lighting.lamp_state")


@pytest.mark.parametrize(
    ("platform", "path", "day", "names", "feed"),
    [
        (
            "muck",
            "/openapi/v1/positions",
            {"day": "20261120"},
            ("data", "nextCursor", "count"),
            "muck.position",
        ),
        ("dust", "/api/v2/data", {"beginTime": "1795104000000"}, ("data", "next", "total"), "dust.sample"),
    ],
)
def test_cursors_end_with_null(
    client: Client, *, platform: str, path: str, day: dict[str, str], names: tuple[str, str, str], feed: str
) -> None:
    cursor, seen = "", 0
    while cursor is not None:
        answer = client.get(platform, path, limit=800, cursor=cursor, **day).json()
        seen += len(answer[names[0]])
        cursor = answer[names[1]]
    assert seen == answer[names[2]] == _rows(client, feed)


def test_a_wrong_signature_an_old_one_or_none_is_refused(client: Client) -> None:
    url, good = client.secret("muck_url") + "/openapi/v1/vehicles", client.headers("muck")
    key, old = client.secret("muck_app_key"), str(int((time.time() - 3600) * 1000))
    stale = {
        "X-Timestamp": old,
        "X-Sign": signature("hmac-sha256", key, old, client.secret("muck_app_secret")),
    }
    assert client.http.get(url, headers=good, timeout=10).status_code == 200
    for wrong in ({"X-Sign": "0" * 64}, {"X-App-Key": "nobody"}, stale):
        answer = client.http.get(url, headers=good | wrong, timeout=10)
        assert answer.status_code == 401 and answer.json()["success"] is False
    assert client.http.get(url, timeout=10).status_code == 401


def test_a_wrong_password_gives_no_token(client: Client) -> None:
    answer = client.login("sanitation", "/hw/api/login", ("username", "password"), password="guess")
    assert answer.status_code == 401 and answer.json()["code"] == 401
    hidden = client.login("lighting", "/api/user/login", ("userName", "passWord"), password="guess")
    assert hidden.status_code == 200 and hidden.json()["hasError"] is True


def test_without_a_token_lighting_hides_its_refusal_in_200(client: Client) -> None:
    answer = client.http.get(client.secret("lighting_url") + "/api/lamp/queryAll", timeout=10)
    assert answer.status_code == 200
    assert answer.json()["hasError"] is True and "401" in answer.json()["message"]


def test_a_token_lives_for_its_seconds_and_a_forged_one_never(tmp_path: Path) -> None:
    keys = Keys(1, tmp_path)
    gate, auth = Gate("x", keys), Login("/login", "$token", seconds=60)
    body = f'{{"username":"{keys.value("x_user")}","password":"{keys.value("x_password")}"}}'.encode()
    token = gate.login(auth, body)
    ended = gate.login(Login("/login", "$token", seconds=-1), body)
    assert token and ended
    assert gate.refusal(auth, {"Authorization": f"Bearer {token}"}) is None
    assert gate.refusal(auth, {"Authorization": f"Bearer {ended}"}) == "token expired"
    assert gate.refusal(auth, {"Authorization": f"Bearer {token[:-1]}"}) == "token invalid"
    assert gate.refusal(auth, {"Authorization": "Bearer x"}) == "token invalid"
    assert gate.login(auth, b"not json") is None and gate.login(auth, b"[]") is None


def test_an_earlier_day_is_made_when_asked_for_and_a_later_one_is_empty(client: Client) -> None:
    earlier, later = (DAY - timedelta(days=3)).isoformat(), (DAY + timedelta(days=1)).isoformat()
    answer = client.get("muck", "/openapi/v1/positions", day=earlier, limit=5).json()
    assert answer["count"] > 1000
    assert client.get("muck", "/openapi/v1/positions", day=earlier, limit=5).json() == answer
    assert client.get("muck", "/openapi/v1/positions", day=later).json()["count"] == 0


@pytest.mark.parametrize("query", [{"day": "yesterday"}, {}, {"day": "2026-11-20", "cursor": "what"}])
def test_a_query_that_is_none_is_refused_in_the_vendors_manner(client: Client, query: dict[str, str]) -> None:
    answer = client.get("muck", "/openapi/v1/positions", **query)
    assert answer.status_code == 400 and answer.json()["success"] is False


def test_an_unknown_path_is_404(client: Client) -> None:
    assert client.http.get(client.secret("muck_url") + "/nothing", timeout=10).status_code == 404


def test_secrets_are_files_that_only_the_owner_reads(client: Client) -> None:
    folder = client.sandbox.home / "secrets"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    assert {"muck_url", "muck_app_key", "sanitation_password", "lighting_user"} <= {p.name for p in folder.iterdir()}
