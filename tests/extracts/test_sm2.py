"""The second signature, by SM2: made where there is a key, checked where it lies, ferried with the extract."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cityhub.errors import Stop
from extracts import sm2
from extracts.bundle import bundle
from extracts.check import problems
from extracts.store import Store
from extracts.verify import verify
from tests.extracts.months import NOVEMBER, Months

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
