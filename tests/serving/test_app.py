"""The HTTP service over real publications, by a real server on a free port."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn

from cityhub.settings import Settings
from scoring.month import score_month
from scoring.publish import publish
from serving.app import make_app
from tests.scoring.county import MONTH, UNITS, County

pytestmark = pytest.mark.xdist_group("serving")


@dataclass(frozen=True)
class Service:
    """A running service and what it serves."""

    url: str
    county: County

    def get(self, path: str) -> tuple[int, str]:
        """Status and body."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def json(self, path: str) -> Any:
        """The body of a 200 as data."""
        status, body = self.get(path)
        assert status == 200, body
        return json.loads(body)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two publications of one month, the second after an event; then the lake is taken away."""
    county = County(tmp_path_factory.mktemp("county"))
    county.manual_tables()
    county.scores()
    county.indicators()
    county.run("DELETE FROM manual_office WHERE unit = 'gaj' AND office = 'peace'")
    score_month(county.settings, MONTH, date(2026, 11, 19))
    publish(county.settings, MONTH, date(2026, 11, 19))
    county.event("E1", "B1", "juji", level="national")
    score_month(county.settings, MONTH, date(2026, 11, 20))
    publish(county.settings, MONTH, date(2026, 11, 20))
    county.con.close()
    shutil.rmtree(county.settings.home / "lake")
    with served(county.settings) as url:
        yield Service(url, county)


class served:  # used as a context manager
    """The application on a free port of this machine."""

    def __init__(self, settings: Settings) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen()  # a client that comes before the server waits instead of being refused
        self.server = uvicorn.Server(uvicorn.Config(make_app(settings), log_level="warning"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()


def test_the_page_shows_both_leagues_with_score_grade_rank_and_state(service: Service) -> None:
    status, body = service.get("/")
    assert status == 200
    for part in (
        *UNITS.values(),
        "2026-11 月度排名",
        "数据截至 2026-11-20",
        "发布号 000002",
        "暂定",
        "属地单位",
        "县直相关单位",
    ):
        assert part in body, part
    assert "县综治平安建设考核成绩未报送" in body
    for outside in ("http://", "https://", "//cdn", "<script"):
        assert outside not in body, "the page works with no network"


def test_scores_are_exact_texts(service: Service) -> None:
    found = service.json("/v1/ranking?league=territory")
    scores = {row["unit_code"]: row["score"] for row in found["ranking"]}
    assert scores["juji"] == "87.7232697127435"
    assert [row["rank"] for row in found["ranking"]] == [1, 2, 2, 2]
    assert {row["publication"] for row in found["ranking"]} == {2}
    assert found["publication"]["service_day"] == "2026-11-20"
    held = service.json("/v1/ranking?league=department")["ranking"]
    assert next(row for row in held if row["unit_code"] == "gaj")["score"] is None


def test_publications_by_number_and_latest(service: Service) -> None:
    assert [item["number"] for item in service.json("/v1/publications")] == [2, 1]
    assert service.json("/v1/publications/latest")["number"] == 2
    first = service.json("/v1/publications/1")
    assert (first["service_day"], first["status"]) == ("2026-11-19", "provisional")
    assert {"path", "sha256", "bytes", "rows"} == set(first["files"][0])


def test_indicators_by_code_and_unit(service: Service) -> None:
    found = service.json("/v1/indicators?code=SAN-02&unit=juji")["values"]
    assert [(row["code"], row["unit_code"], row["value"], row["denominator"]) for row in found] == [
        ("SAN-02", "juji", 90.0, 100.0)
    ]
    assert service.json("/v1/indicators?code=%27%20OR%201=1%20--")["values"] == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/publications/3",
        "/v1/publications/000002/manifest.json",
        "/v1/publications/..%2f..%2fetc%2fpasswd",
        "/v1/publications/%2e%2e",
        "/v1/publications/current",
        "/v1/publications/-1",
        "/v1/publications/١",
        "/v1/publications/99999999999999999999",
        "/../../../../etc/passwd",
        "/v1/ranking?month=2020-01",
    ],
)
def test_what_is_not_published_is_not_found(service: Service, path: str) -> None:
    status, body = service.get(quote(path, safe="/%?=&.-"))
    assert status == 404, body
    assert "root:" not in body


def test_a_month_that_is_none_is_refused(service: Service) -> None:
    for month in ("2026-13", "../etc", "2026-11-20"):
        assert service.get(f"/v1/ranking?month={month}")[0] == 422


def test_healthz_and_an_empty_installation(service: Service, tmp_path: Path) -> None:
    assert service.json("/healthz") == {"ok": True, "current": 2}
    bare = Settings(tmp_path, tmp_path / "feeds", str(tmp_path / "c"), str(tmp_path / "d"))
    with served(bare) as url:
        empty = Service(url, service.county)
        assert empty.json("/healthz") == {"ok": True, "current": None}
        assert empty.json("/v1/publications") == []
        assert "还没有发布过" in empty.get("/")[1]
        status, body = empty.get("/v1/ranking")
        assert status == 404
        assert json.loads(body)["error"]["code"] == "CH-PUB-001"
