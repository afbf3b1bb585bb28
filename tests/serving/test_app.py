"""The HTTP service over real publications, by a real server on a free port."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from cityhub.settings import Settings
from extracts.make import make_missing
from scoring.month import score_month
from scoring.publish import publish
from tests.scoring.county import MONTH, UNITS, County
from tests.serving.service import Client, key, served

pytestmark = pytest.mark.xdist_group("serving")


@dataclass(frozen=True)
class Service:
    """A running service and what it serves."""

    url: str
    county: County

    def get(self, path: str) -> tuple[int, str]:
        """Status and body."""
        answer = Client(self.url).get(path)
        return answer.status, answer.body.decode()


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
    make_missing(county.settings)
    county.con.close()
    shutil.rmtree(county.settings.home / "lake")
    with served(county.settings) as url:
        yield Service(url, county)


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
    client = Client(service.url, key(service.county.settings, "texts"))
    found = client.page("/v1/datasets/ranking/records")
    scores = {row["unit"]: row["score"] for row in found["items"]}
    assert scores["juji"] == "87.7232697127435"
    assert scores["gaj"] is None, "a withheld score is missing, not zero"
    assert {(row["unit"], row["revision"]) for row in found["items"] if row["league"] == "territory"} == {
        (unit, 2) for unit in ("jincheng", "juji", "wulihe", "chengjiao")
    }
    assert found["as_of"] == 2


@pytest.mark.parametrize(
    "path", ["/../../../../etc/passwd", "/publications", "/static/%2e%2e/app.py", "/?month=2020-01"]
)
def test_what_is_not_published_is_not_found(service: Service, path: str) -> None:
    status, body = service.get(path)
    assert status == 404, body
    assert "root:" not in body


def test_a_month_that_is_none_is_refused(service: Service) -> None:
    for month in ("2026-13", "../etc", "2026-11-20"):
        assert service.get(f"/?month={month}")[0] == 400


def test_healthz_and_an_empty_installation(service: Service, tmp_path: Path) -> None:
    assert json.loads(service.get("/healthz")[1]) == {"ok": True, "current": 2}
    bare = Settings(tmp_path, tmp_path / "feeds", str(tmp_path / "c"), str(tmp_path / "d"))
    with served(bare) as url:
        client = Client(url, key(bare))
        assert client.page("/healthz") == {"ok": True, "current": None}
        assert client.page("/readyz") == {"ready": True, "latest": None}
        assert {item["latest"] for item in client.page("/v1/catalog")["datasets"]} == {None}
        assert client.page("/v1/datasets/ranking/publications") == {"items": []}
        assert client.page("/v1/datasets/ranking/records") == {"as_of": 0, "items": [], "next": None}
        assert client.page("/v1/datasets/ranking/changes?since=0")["items"] == []
        assert client.get("/v1/datasets/ranking/publications/latest").status == 404
        assert "还没有发布过" in client.get("/").body.decode()
