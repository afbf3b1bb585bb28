"""The second signature, by SM2: made where there is a key, checked where it lies, ferried with the extract."""

from __future__ import annotations

import base64
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from cityhub.errors import Stop
from cli.main import app
from extracts import sign, sm2
from extracts.bundle import bundle
from extracts.check import problems
from extracts.pull.run import Pulled, pull
from extracts.pull.source import HttpSource, ferried
from extracts.store import Store
from extracts.verify import verify
from tests.extracts.hub import LIMITS, client
from tests.extracts.months import DECEMBER, NOVEMBER, Months
from tests.serving import service

installed = pytest.mark.skipif(not sm2.available(), reason="gmssl_pyx is not installed")


def test_without_a_key_there_is_no_second_signature(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1"})
    assert months.store.signature(1, "sm2") is None


def test_a_key_that_is_none_is_told(months: Months, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_EXTRACT_SM2_KEY", "ab" * 32)
    with pytest.raises(Stop, match="CH-EXT-007"):
        months.extract(NOVEMBER, {"a": "1"})


@pytest.mark.skipif(sm2.available(), reason="gmssl_pyx is installed")
def test_without_the_library_it_says_what_to_install(months: Months) -> None:
    with pytest.raises(Stop, match="CH-EXT-010"):
        sm2.make_key(months.settings)


@installed
def test_a_signature_is_checked_here_and_on_the_other_side(months: Months, tmp_path: Path) -> None:
    months.extract(NOVEMBER, {"a": "1"})
    key = sm2.make_key(months.settings)
    assert sm2.make_key(months.settings) == key
    months.extract(NOVEMBER, {"a": "2"})
    body, signature = months.store.manifest_bytes(2), months.store.signature(2, "sm2")
    assert signature and sm2.signed_by(months.store.root, body, signature) == key
    assert sm2.signed_by(months.store.root, body + b" ", signature) is None
    assert problems(months.store, 1) == problems(months.store, 2) == []
    path = Path(bundle(months.settings, tmp_path / "b.tar").file)
    assert verify(path, into=tmp_path / "there").ok
    assert Store(tmp_path / "there").signature(2, "sm2") == signature


@installed
def test_a_changed_signature_is_named(months: Months, tmp_path: Path) -> None:
    sm2.make_key(months.settings)
    months.extract(NOVEMBER, {"a": "1"})
    copy = tmp_path / "copy"
    shutil.copytree(months.store.root, copy)
    path = copy / "000001" / "manifest.json.sm2"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    assert problems(Store(copy), 1) == ["manifest.json.sm2: it is no published SM2 key's signature of the manifest"]


class County:
    """Extracts with an SM2 signature where the county has a key, its service, and a copy that demands it."""

    def __init__(self, months: Months, tmp_path: Path, address: str) -> None:
        self.months, self.into, self.address = months, tmp_path / "copy", address
        self.secret = service.key(months.settings, "province")

    def key(self) -> bytes:
        """The public key, made unless there is one."""
        sm2.make_key(self.months.settings)
        found = sm2.pair(self.months.settings)
        assert found is not None
        return found[1]

    def pull(self, sm2_key: bytes | None, **options: Any) -> Pulled:
        found = pull(HttpSource(client(self.address, self.secret)), self.into, sm2_key=sm2_key, **options)
        return next(item for item in found if item.dataset == "ranking")

    def refused(self, sm2_key: bytes, **options: Any) -> str:
        with pytest.raises(Stop) as caught:
            self.pull(sm2_key, **options)
        assert caught.value.code == "CH-CLIENT-012"
        return caught.value.part("why")

    def token(self) -> int | None:
        with duckdb.connect(str(self.into / "extracts.duckdb"), read_only=True) as con:
            row = con.execute("SELECT token FROM provenance.state WHERE dataset = 'ranking'").fetchone()
        return row[0] if row else None


@pytest.fixture
def county(months: Months, tmp_path: Path) -> Iterator[County]:
    with service.served(months.settings, LIMITS) as address:
        yield County(months, tmp_path, address)


@installed
def test_a_consumer_who_demands_sm2_gets_rows_that_the_key_signed_and_keeps_the_proof(county: County) -> None:
    key = county.key()
    county.months.extract(NOVEMBER, {"a": "1"})
    assert county.pull(key).how == "full"
    county.months.extract(NOVEMBER, {"a": "2"})
    county.months.extract(DECEMBER, {"a": "3"})
    assert (county.pull(key).how, county.token()) == ("delta", 3)
    for number in (1, 2, 3):
        body = (county.into / "manifests" / f"{number:06d}.json").read_bytes()
        assert sm2.verify(body, (county.into / "manifests" / f"{number:06d}.json.sm2").read_bytes(), key)
    assert county.pull(key).how == "nothing"


@installed
def test_a_signature_of_another_key_or_none_is_not_taken(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    county.months.extract(NOVEMBER, {"a": "1"})
    other = sm2.library().sm2_key_generate()[0]
    assert county.refused(other) == "it has none"
    assert county.token() is None
    key = county.key()
    county.months.extract(NOVEMBER, {"a": "2"})
    assert "is not one of SM2 key" in county.refused(other)
    assert county.token() is None
    assert (county.pull(key).rows, county.token()) == (1, 2)
    county.months.extract(NOVEMBER, {"a": "3"})
    assert "is not one of SM2 key" in county.refused(other)
    assert county.token() == 2


@installed
def test_what_was_taken_without_asking_is_asked_for_too(county: County) -> None:
    county.months.extract(NOVEMBER, {"a": "1"})
    assert county.pull(None).how == "full"
    key = county.key()
    assert county.refused(key) == "it has none"  # nothing changed, and the rows that are there are not signed so
    county.months.extract(DECEMBER, {"a": "2"})
    assert county.refused(key) == "it has none"
    assert county.token() == 1
    assert (county.pull(None).how, county.token()) == ("delta", 2)
    county.months.extract(NOVEMBER, {"a": "3"})
    assert (county.pull(key).how, county.token()) == ("delta", 3)


@installed
def test_after_a_refusal_the_next_pull_goes_to_what_was_signed_since(county: County) -> None:
    county.months.extract(NOVEMBER, {"a": "1"})
    county.pull(None)
    county.months.extract(NOVEMBER, {"a": "2"})
    found = county.key()
    assert county.refused(found) == "it has none"
    county.months.extract(NOVEMBER, {"a": "3"})
    assert county.months.store.signature(2, "sm2") is None
    assert (county.pull(found).how, county.token()) == ("delta", 3)


@installed
def test_without_the_demand_no_such_signature_is_asked_for_or_kept(county: County) -> None:
    county.key()
    county.months.extract(NOVEMBER, {"a": "1"})
    assert county.pull(None).how == "full"
    assert not list((county.into / "manifests").glob("*.sm2"))


@installed
def test_the_client_gives_a_manifest_once_both_signatures_hold(county: County) -> None:
    key = county.key()
    county.months.extract(NOVEMBER, {"a": "1"})
    mine, public = client(county.address, county.secret), sign.signer(county.months.settings).public
    assert mine.manifest("ranking", public_key=public, sm2_key=key)["sequence"] == 1
    with pytest.raises(Stop, match="CH-CLIENT-012"):
        mine.manifest("ranking", public_key=public, sm2_key=sm2.library().sm2_key_generate()[0])
    with pytest.raises(Stop, match="CH-CLIENT-005"):
        mine.manifest("ranking", public_key=b"\1" * 32, sm2_key=key)


@installed
def test_a_bundle_is_checked_against_the_key_that_is_demanded(months: Months, tmp_path: Path) -> None:
    months.extract(NOVEMBER, {"a": "1"})
    sm2.make_key(months.settings)
    months.extract(NOVEMBER, {"a": "2"})
    bundle(months.settings, tmp_path / "all.tar")
    bundle(months.settings, tmp_path / "later.tar", since=1)
    found = sm2.pair(months.settings)
    assert found is not None
    key = tmp_path / "county.sm2"
    key.write_text(base64.b64encode(b"\4" + found[1]).decode() + "\n")
    assert verify(tmp_path / "later.tar", sm2_key=str(key)).ok
    assert verify(tmp_path / "all.tar").ok
    assert verify(tmp_path / "all.tar", sm2_key=str(key)).problems == (
        "000001/manifest.json.sm2: missing, and SM2 is demanded",
    )
    other = base64.b64encode(sm2.library().sm2_key_generate()[0]).decode()
    wrong = verify(tmp_path / "later.tar", sm2_key=other, into=tmp_path / "there")
    assert not wrong.ok and "it is not a signature of SM2 key" in wrong.problems[0]
    assert not list((tmp_path / "there").glob("0*")), "something was unpacked"
    with pytest.raises(Stop, match="CH-CLIENT-005"):
        ferried(tmp_path / "later.tar", tmp_path / "copy", None, other)


def test_where_the_library_is_missing_the_demand_says_so_and_nothing_else_needs_it(
    months: Months, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    months.extract(NOVEMBER, {"a": "1"})
    bundle(months.settings, tmp_path / "b.tar")
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    assert verify(tmp_path / "b.tar").ok
    for command in (["verify", str(tmp_path / "b.tar")], ["pull", "--from", str(tmp_path / "b.tar"), "--into", "x"]):
        done = CliRunner().invoke(app, ["extract", *command, "--sm2", base64.b64encode(b"k" * 64).decode(), "--json"])
        assert (done.exit_code, json.loads(done.stdout)["error"]["code"]) == (1, "CH-EXT-010")


@installed
@pytest.mark.parametrize("text", ["", "no base64 at all", base64.b64encode(b"k" * 32).decode(), "/"])
def test_a_demand_that_is_no_key_is_told(months: Months, tmp_path: Path, text: str) -> None:
    with pytest.raises(Stop) as caught:
        verify(tmp_path / "none.tar", sm2_key=text)
    assert (caught.value.code, caught.value.place["option"]) == ("CH-EXT-011", "--sm2")
