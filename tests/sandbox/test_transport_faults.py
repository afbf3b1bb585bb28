"""Each scripted transport fault does what it says, so often, and no more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from sandbox.plan import DEFAULT, parse
from tests.sandbox.cities import DAY, Client, city

POSITIONS, VEHICLES = "/openapi/v1/positions", "/openapi/v1/vehicles"


def _positions(client: Client, **query: object) -> requests.Response:
    return client.get("muck", POSITIONS, day=DAY.isoformat(), limit=500, **query)


def test_counted_faults_strike_so_often_and_then_never_again(tmp_path: Path) -> None:
    with city(tmp_path, "muck.position=error500:2,truncated:1", only=("muck",)) as client:
        assert [_positions(client).status_code for _ in range(2)] == [500, 500]
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            _positions(client)
        assert len(_positions(client).json()["data"]) == 500
        assert client.get("muck", VEHICLES).status_code == 200


def test_a_dead_platform_listens_nowhere_and_a_dead_feed_cuts_the_line(tmp_path: Path) -> None:
    with city(tmp_path, "muck=dead", "dust.sample=dead", only=("muck", "dust")) as client:
        with pytest.raises(requests.ConnectionError):
            client.get("muck", VEHICLES)
        with pytest.raises(requests.ConnectionError):
            client.get("dust", "/api/v2/data", beginTime=DAY.isoformat())
        assert client.get("dust", "/api/v2/site").status_code == 200


def test_garbage_is_html_with_200(tmp_path: Path) -> None:
    with city(tmp_path, "dust=garbage", only=("dust",)) as client:
        answer = client.get("dust", "/api/v2/site")
        assert answer.status_code == 200 and answer.text.startswith("<!DOCTYPE html>")


def test_a_late_platform_says_503_and_when_to_come_again(tmp_path: Path) -> None:
    with city(tmp_path, "muck=late:3600", "dust=late:0", only=("muck", "dust")) as client:
        answer = client.get("muck", VEHICLES)
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        assert client.get("dust", "/api/v2/site").status_code == 200


def test_a_hanging_call_ends_when_the_caller_goes(tmp_path: Path) -> None:
    with city(tmp_path, "muck.position=timeout:1", only=("muck",)) as client:
        with pytest.raises(requests.ReadTimeout):
            client.http.get(client.secret("muck_url") + POSITIONS, headers=client.headers("muck"), timeout=0.3)
        assert _positions(client).status_code == 200


def test_a_repeated_page_comes_for_ever(tmp_path: Path) -> None:
    with city(tmp_path, "muck.position=repeat", "sanitation=repeat", only=("muck", "sanitation")) as client:
        first = _positions(client).json()
        second = _positions(client, cursor=first["nextCursor"]).json()
        assert second["data"] == first["data"] and second["nextCursor"] == first["nextCursor"]
        tasks = [
            client.get("sanitation", "/hw/api/task/list", rq=DAY.isoformat(), pageNo=n, pageSize=5).json()["data"]
            for n in (1, 2, 900)
        ]
        assert tasks[0]["list"] == tasks[1]["list"] == tasks[2]["list"]


def test_a_worn_token_is_refused_until_a_new_login(tmp_path: Path) -> None:
    faults = ("sanitation=expired:2", "lighting=expired:1")
    with city(tmp_path, *faults, only=("sanitation", "lighting")) as client:
        path = "/hw/api/vehicle/list"
        assert [client.get("sanitation", path).status_code for _ in range(3)] == [200, 200, 401]
        assert client.get("lighting", "/api/lamp/queryAll").json()["hasError"] is False
        assert client.get("lighting", "/api/lamp/queryAll").json()["hasError"] is True
        client.forget()
        assert client.get("sanitation", path).status_code == 200


def test_a_wrong_total_is_seven_too_many(tmp_path: Path) -> None:
    with city(tmp_path, "muck.vehicle=total_wrong", only=("muck",)) as client:
        answer = client.get("muck", VEHICLES, limit=5000).json()
        assert answer["count"] == len(answer["data"]) + 7


def test_too_many_calls_a_second_get_429(tmp_path: Path) -> None:
    with city(tmp_path, "muck=rate_limit:3", only=("muck",)) as client:
        answers = [client.get("muck", VEHICLES) for _ in range(6)]
        refused = [item for item in answers if item.status_code == 429]
        assert answers[0].status_code == 200 and refused and refused[0].headers["Retry-After"]


def test_schema_changes_show_in_the_answers(tmp_path: Path) -> None:
    with city(tmp_path, "muck.vehicle=column_added,column_renamed:plateNo>plate", only=("muck",)) as client:
        row = client.get("muck", VEHICLES).json()["data"][0]
        assert row["extField1"] == "new" and "plate" in row and "plateNo" not in row


@pytest.mark.parametrize(
    "text",
    ["muck", "muck=explode", "=dead", "muck=late:soon", "muck.position=column_renamed:a", "muck=error500:-1"],
)
def test_a_plan_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        parse([text])


def test_the_demo_shows_light_faults_unless_told_not_to() -> None:
    assert set(parse([]).faults) == {item.partition("=")[0] for item in DEFAULT}
    assert parse(["none"]).faults == {}
    assert parse(["muck=dead"]).faults["muck"] == {"dead": ""}


def test_truth_and_readiness_are_written_whole(tmp_path: Path) -> None:
    with city(tmp_path, only=("muck",)) as client:
        truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
        ready = json.loads((tmp_path / "ready.json").read_text(encoding="utf-8"))
        assert truth["muck.position"]["rows"] == ready["feeds"]["muck.position"]["rows"]
        assert ready == client.sandbox.ready and ready["ports"]["muck"] > 0
        assert _positions(client).json()["count"] == truth["muck.position"]["rows"]
