"""The command line of push, outbox, pull and codes: what it says, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from extracts.bundle import bundle
from tests.extracts.hub import QUICK, key, served
from tests.extracts.shelf import Shelf, indicator, value
from tests.servers.http import Request, as_json, vendor
from tests.serving.service import Client


def run(*arguments: str) -> tuple[int, Any]:
    """Exit code and JSON of a command."""
    done = CliRunner().invoke(app, ["extract", *arguments, "--json"])
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def city(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Two values that the example knows words for, and one that it does not."""
    monkeypatch.setenv("CITYHUB_EXAMPLE_CITY_KEY", "app-key")
    monkeypatch.setenv("CITYHUB_EXAMPLE_CITY_SECRET", "app-secret")
    monkeypatch.setenv("CITYHUB_EXAMPLE_CITY_URL", "http://127.0.0.1:9")
    rows = [value("A", "jincheng", 87.5), value("A", "wulihe", None), value("A", "juji", 1.0), value("A", "cgj", 1.0)]
    shelf.put(indicator_value=rows, indicator=[indicator("A", "%")], ranking=[])
    return shelf


def test_a_push_from_the_look_before_to_the_receipt(city: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = run("push", "example-city", "--dry")
    assert (code, told["counts"]["indicator_value"]) == (1, {"insert": 2})
    assert told["samples"]["indicator_value"]["zbz"] == "0.875000"
    assert [item["detail"] for item in told["unmapped"]] == ["unit 'juji': not in the list units on its day"]
    bodies: list[dict[str, Any]] = []

    def upper(request: Request) -> Any:
        bodies.append(json.loads(request.body))
        return as_json({"errcode": 0, "data": {"receiptNo": "HZ-1", "failed": [{"index": 1, "msg": "区划不存在"}]}})

    with vendor(upper) as server:
        monkeypatch.setenv("CITYHUB_EXAMPLE_CITY_URL", server.address)
        code, told = run("push", "example-city")
        assert (code, told["records"], told["refused"], told["unmapped"]) == (1, 1, 1, 1)
    assert [row["xzqhdm"] for row in bodies[0]["rows"]] == ["410221001", "410221101"]
    assert (bodies[0]["total"], bodies[0]["sourceCode"]) == (2, "410221")
    code, told = run("outbox", "list")
    assert [(item["receipt"], item["rejected"]) for item in told["batches"]] == [("HZ-1", 1)]
    assert {item["detail"] for item in told["reasons"]} == {
        "区划不存在",
        "unit 'juji': not in the list units on its day",
    }
    assert run("outbox", "drop", "example-city") == (0, {"target": "example-city", "rows": 2})
    assert run("outbox", "retry", "example-city") == (0, {"target": "example-city", "rows": 2})
    assert run("outbox", "retry", "example-city", "--dataset", "event")[1]["error"]["code"] == "CH-PUSHUP-009"


def test_an_upper_level_that_is_away_is_tried_again_later(city: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extracts.push.run.PATIENCE", QUICK)
    with vendor(lambda request: as_json({"errcode": 0})) as server:
        monkeypatch.setenv("CITYHUB_EXAMPLE_CITY_URL", server.address)
    code, told = run("push", "example-city")
    assert (code, told["waiting"]) == (75, 2)
    assert told["problems"]["indicator_value"]["code"] == "CH-PULL-003"


def test_a_pull_over_http_and_from_a_bundle(city: Shelf, tmp_path: Path) -> None:
    with served(city) as address:
        (tmp_path / "key.txt").write_text(key(city) + "\n")
        code, told = run(
            "pull", "--from", address, "--key-file", str(tmp_path / "key.txt"), "--into", str(tmp_path / "a")
        )
        assert (code, [item["dataset"] for item in told]) == (0, ["indicator_value", "ranking", "indicator"])
        assert run("pull", "--from", address, "--into", str(tmp_path / "a"))[1]["error"]["code"] == "CH-RUN-003"
        (tmp_path / "key.txt").write_text("chk_of_nobody_at_all")
        code, told = run(
            "pull", "--from", address, "--key-file", str(tmp_path / "key.txt"), "--into", str(tmp_path / "b")
        )
        assert (code, told["error"]["code"]) == (4, "CH-CLIENT-002")
        receipts = list((city.settings.home / "receipts").rglob("*.json"))
        assert len(receipts) == 3
        assert Client(address).get("/v1/catalog").status == 401
    bundle(city.settings, tmp_path / "x.tar")
    code, told = run(
        "pull", "--from", str(tmp_path / "x.tar"), "--into", str(tmp_path / "c.duckdb"), "--dataset", "ranking"
    )
    assert (code, told[0]["dataset"], told[0]["proved"]) == (0, "ranking", True)
    damaged = bytearray((tmp_path / "x.tar").read_bytes())
    damaged[damaged.rindex(b'"period"')] ^= 1
    (tmp_path / "y.tar").write_bytes(bytes(damaged))
    code, told = run("pull", "--from", str(tmp_path / "y.tar"), "--into", str(tmp_path / "d.duckdb"))
    assert (code, told["error"]["code"]) == (1, "CH-CLIENT-005")


def test_codes_are_shown_for_a_day() -> None:
    code, told = run("codes", "show", "divisions", "--day", "2004-01-01")
    assert code == 0
    assert [item["name"] for item in told["codes"] if item["code"] == "410205"] == ["南关区"]
    assert run("codes", "show", "colours")[1]["error"]["code"] == "CH-CODE-001"
