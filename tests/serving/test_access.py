"""Who may read what: every address with every kind of key."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhub.clock import now
from cityhub.errors import HubError
from cli.main import app
from serving.access import keys
from serving.access.scope import Scope
from tests.extracts.months import DECEMBER, settings_in
from tests.serving.conftest import Town
from tests.serving.service import Answer, Client, key

pytestmark = pytest.mark.xdist_group("serving")
OPEN = {"/v1/", "/v1/metrics", "/healthz", "/readyz", "/ogc/"}
RECEIPT = {"dataset": "ranking", "sequence": 1, "sha256": "0" * 64, "rows_accepted": 3, "rows_rejected": 0}


@pytest.fixture(scope="module")
def targets(town: Town) -> dict[str, str]:
    """Every address of the document → a target that is there."""
    held = town.client.page("/v1/datasets/ranking/publications/1")
    paths = town.client.page("/v1/openapi.json")["paths"]
    name = held["files"][0]["url"].rpartition("/")[2]
    real = {"{id}": "ranking", "{which}": "1", "{name}": name, "{kind}": "air", "{site}": "A1"}
    found = {}
    for path in paths:
        target = path
        for name, value in real.items():
            target = target.replace(name, value)
        found[path] = target + ("?since=0" if path.endswith("/changes") else "")
    return found


def ask(client: Client, path: str, target: str) -> Answer:
    return client.send("POST", target, body=RECEIPT) if path == "/v1/receipts" else client.get(target)


def expired(town: Town) -> str:
    return key(town.months.settings, "expired", expires=now() - timedelta(seconds=1))


def revoked(town: Town) -> str:
    text = key(town.months.settings, "revoked")
    keys.revoke(town.months.settings, "revoked")
    return text


def changed(town: Town) -> str:
    text = str(town.client.key)
    return text[:-1] + ("A" if text[-1] != "A" else "B")


NOBODY: dict[str, Callable[[Town], dict[str, str]]] = {
    "no key": lambda _: {},
    "an unknown key": lambda _: {"Authorization": f"Bearer chk_0123456789ab_{'x' * 43}"},
    "a key with one letter changed": lambda town: {"Authorization": f"Bearer {changed(town)}"},
    "no Bearer": lambda town: {"Authorization": f"Basic {town.client.key}"},
    "a key in the query's place": lambda town: {"X-Api-Key": str(town.client.key)},
    "a key of a megabyte": lambda _: {"Authorization": "Bearer " + "k" * 12_000},
    "letters of no script": lambda _: {"Authorization": "Bearer \u00e9\u00ff"},
    "expired": lambda town: {"Authorization": f"Bearer {expired(town)}"},
    "revoked": lambda town: {"Authorization": f"Bearer {revoked(town)}"},
}


@pytest.mark.parametrize("kind", NOBODY)
def test_without_a_good_key_nothing_below_v1_and_ogc_is_read(town: Town, targets: dict[str, str], kind: str) -> None:
    headers = NOBODY[kind](town)
    nobody = Client(town.url, headers=headers)
    wanted = {"expired": "CH-SERVE-002", "revoked": "CH-SERVE-003"}.get(kind, "CH-SERVE-001")
    for path, target in targets.items():
        answer = ask(nobody, path, target)
        if path in OPEN:
            assert answer.status == 200, (path, answer.body)
            continue
        assert (answer.status, answer.code) == (401, wanted), (path, answer.body)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json["title"] and answer.json["request_id"] == answer.headers["x-request-id"]
    for nothing in ("/v1/nothing/here", "/ogc/nothing/here", "/ogc/collections/nothing"):
        assert nobody.get(nothing).status == 401, "what is not there is not told either"


SCOPES: dict[str, dict[str, Any]] = {
    "another dataset": {"datasets": ("indicator",), "refused": "CH-SERVE-004"},
    "another period": {"datasets": ("all",), "periods": (DECEMBER,), "refused": "CH-SERVE-005"},
    "another unit": {"datasets": ("all",), "units": ("nobody",), "refused": "CH-SERVE-006"},
    "the right dataset, period and unit": {"datasets": ("ranking", "site"), "periods": ("2026-*",), "refused": None},
}
# What a scope does not touch: addresses that hold no rows, and those that hold the rows of the scope only.
FREE = {"/v1/catalog", "/v1/keys/signing", "/ogc/conformance", *OPEN}
LAYERS = {"collections", "{kind}", "items"}
FILTERED = {
    "CH-SERVE-004": set(),
    "CH-SERVE-005": {"schema", "publications", "records", "changes", "{site}", *LAYERS},
    "CH-SERVE-006": {"schema", "publications", "{which}", "records", "changes", "receipts", *LAYERS},
}
HIDDEN = {("CH-SERVE-006", "/ogc/collections/{kind}/items/{site}")}  # a site of another unit is not there


@pytest.mark.parametrize("kind", SCOPES)
def test_a_key_reads_its_scope_and_nothing_else(town: Town, targets: dict[str, str], kind: str) -> None:
    scope = dict(SCOPES[kind])
    refused = scope.pop("refused")
    told = [b'"2026-11"'] if refused == "CH-SERVE-005" else [b"juji", b"wulihe"]
    client = town.client_of(kind.replace(" ", "-").replace(",", ""), *scope.pop("datasets"), **scope)
    for path, target in targets.items():
        answer = ask(client, path, target)
        free = refused is None or path in FREE or path.rpartition("/")[2] in FILTERED[refused]
        if free:
            assert answer.status in {200, 201}, (path, answer.body)
        elif (refused, path) in HIDDEN:
            assert (answer.status, answer.code) == (404, "CH-SERVE-007"), (path, answer.body)
        else:
            assert (answer.status, answer.code) == (403, refused), (path, answer.body)
        if refused and answer.headers["content-type"] in {"application/json", "application/geo+json"}:
            assert not any(word in answer.body for word in told), path


def test_a_scope_of_units_and_periods_shows_their_rows_only(town: Town) -> None:
    client = town.client_of("juji-december", units=("juji",), periods=(DECEMBER,))
    rows = client.page("/v1/datasets/ranking/records")["items"]
    assert [(row["period"], row["unit"], row["score"]) for row in rows] == [(DECEMBER, "juji", "1.5")]
    assert client.page("/v1/datasets/ranking/records?unit=wulihe")["items"] == []
    assert client.page("/v1/datasets/ranking/records?period=2026-11")["items"] == []
    changes = client.page("/v1/datasets/ranking/changes?since=0")["items"]
    assert [item["key"]["unit"] for item in changes] == ["juji"]
    assert [item["sequence"] for item in client.page("/v1/datasets/ranking/publications")["items"]] == [3]
    assert client.page("/v1/datasets/ranking/publications/latest")["sequence"] == 3
    dictionary = client.page("/v1/datasets/dictionary/publications/3")["files"][0]["url"]
    assert client.get(dictionary).status == 200, "a file that holds no units' rows is read whole"


def test_the_catalog_lists_what_the_key_may_read(town: Town) -> None:
    client = town.client_of("two", "ranking", "unit")
    assert [item["id"] for item in client.page("/v1/catalog")["datasets"]] == ["ranking", "unit"]
    everything = {item["id"] for item in town.client.page("/v1/catalog")["datasets"]}
    assert {"indicator_value", "score", "ranking", "event", "haulier_credit", "feed_quality", "dictionary"} < everything


def test_every_route_that_is_not_named_as_open_needs_a_key(town: Town) -> None:
    """A new route is closed until somebody opens it: the list of the open ones is this one."""
    from serving.access.gate import OPEN as opened

    assert opened == {
        "/v1", "/v1/", "/v1/openapi.json", "/v1/docs", "/v1/metrics", "/ogc", "/ogc/", "/ogc/openapi.json",
    }  # fmt: skip
    for part in ("//ogc", "/ogc/", "/%6f%67%63", "/ogc/.", "/ogc/openapi.json/..", "/OGC"):
        assert Client(town.url).get(f"{part}/collections").status in {401, 404}, part
    for part in ("//v1", "/v1/", "/%76%31", "/v1/.", "/v1/docs/..", "/V1"):
        target = f"{part}/catalog"
        answer = Client(town.url).get(target)
        assert answer.status in {401, 404}, (target, answer.body)


@dataclass(frozen=True)
class Command:
    """`cityhub key …` in an installation of its own."""

    home: Path

    def __call__(self, *arguments: str) -> Any:
        found = CliRunner().invoke(app, ["key", *arguments, "--json"], env={"CITYHUB_HOME": str(self.home)})
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        return json.loads(found.stdout)


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    yield Command(tmp_path)


def test_a_key_is_shown_once_and_kept_as_a_hash(command: Command) -> None:
    made = command("create", "province", "--scope", "ranking,score", "--unit", "juji", "--period", "2026-*")
    assert keys.SHAPE.fullmatch(made["key"])
    file = command.home / "keys.json"
    assert made["key"] not in file.read_text() and made["key"][17:] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (listed,) = command("list")
    assert "key" not in listed
    assert (listed["name"], listed["datasets"], listed["units"], listed["state"]) == (
        "province",
        ["ranking", "score"],
        ["juji"],
        "active",
    )
    assert command("create", "province", "--scope", "all")["error"]["code"] == "CH-SERVE-022"
    for wrong in ("rankings", "all --period 11", "all --expires 2020-01-01", ","):
        assert command("create", "x", "--scope", *wrong.split())["error"]["code"] == "CH-SERVE-025"
    assert command("create", "a/b", "--scope", "all")["error"]["code"] == "CH-SERVE-021"
    assert command("revoke", "nobody")["error"]["code"] == "CH-SERVE-023"


def test_a_rotated_key_and_its_follower_are_both_good_for_the_overlap(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(command.home)
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-01T00:00:00+08:00")
    old = command("create", "province", "--scope", "ranking", "--unit", "juji", "--expires", "2026-12-31")
    new = command("rotate", "province", "--overlap-days", "7")
    assert new["key"] != old["key"] and (new["units"], new["replaces"]) == (["juji"], old["id"])

    def states(moment: str) -> list[str]:
        monkeypatch.setenv("CITYHUB_NOW", moment)
        known = keys.read(keys.path_of(settings))
        return [found.state(now()) for text in (old, new) if (found := keys.find(known, text["key"]))]

    assert states("2026-11-07T23:59:59+08:00") == ["active", "active"]
    assert states("2026-11-08T00:00:00+08:00") == ["expired", "active"]
    assert states("2026-12-31T23:59:59+08:00") == ["expired", "active"], "the new one lives as long as the old one did"
    assert states("2027-01-02T00:00:00+08:00") == ["expired", "expired"]
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-02T00:00:00+08:00")
    command("revoke", new["id"])
    assert states("2026-11-03T00:00:00+08:00") == ["active", "revoked"]


def test_a_running_service_sees_a_revoked_key_at_once(town: Town) -> None:
    client = town.client_of("short")
    assert client.get("/v1/catalog").status == 200
    keys.revoke(town.months.settings, "short")
    assert client.get("/v1/catalog").code == "CH-SERVE-003"


def test_a_damaged_list_of_keys_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    for text in ("", "[]", '{"keys": [{}]}', '{"keys": [{"scope": 1}]}'):
        path.write_text(text)
        with pytest.raises(HubError, match="CH-SERVE-020"):
            keys.read(path)


def test_periods_of_a_scope() -> None:
    scope = Scope(("all",), (), ("2026-11", "2027*"))
    assert [scope.period(text) for text in ("2026-11", "2026-11-20", "2026-1", "2026-12", "2027-01")] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert replace(scope, periods=()).period("1999-01")
