"""A bundle proves itself on any machine, and whatever was changed in it is named."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cityhub.errors import Stop
from extracts import sign
from extracts.bundle import HEAD, bundle
from extracts.check import problems
from extracts.prune import prune
from extracts.records import records
from extracts.store import Store
from extracts.verify import verify
from tests.extracts.months import DECEMBER, NOVEMBER, Months


@pytest.fixture
def ferried(months: Months, tmp_path: Path) -> tuple[Months, Path, str]:
    """Three extracts, all in one bundle; the public key as text."""
    months.extract(NOVEMBER, {"a": "1"})
    months.extract(NOVEMBER, {"a": "2", "b": "3"})
    months.extract(DECEMBER, {"a": "4"})
    path = Path(bundle(months.settings, tmp_path / "all.tar").file)
    return months, path, base64.b64encode(sign.signer(months.settings).public).decode()


def rewritten(
    path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None], more: tuple[str, bytes] | None = None
) -> Path:
    """The same tar with other entries."""
    target = path.with_name("changed.tar")
    with tarfile.open(path) as source, tarfile.open(target, "w") as sink:
        entries = [(member.name, source.extractfile(member)) for member in source]
        for name, body in [*((n, h.read()) for n, h in entries if h), *([more] if more else [])]:
            found = change(name, body)
            if found:
                entry = tarfile.TarInfo(found[0])
                entry.size = len(found[1])
                sink.addfile(entry, io.BytesIO(found[1]))
    return target


def same(name: str, body: bytes) -> tuple[str, bytes]:
    return name, body


def test_what_was_ferried_has_the_rows_of_here(ferried: tuple[Months, Path, str], tmp_path: Path) -> None:
    months, path, key = ferried
    found = verify(path, public_key=key, into=tmp_path / "there")
    assert (found.ok, found.trusted, found.first, found.last) == (True, True, 1, 3), found.lines
    there = Store(tmp_path / "there")
    assert there.sequences() == [1, 2, 3]
    for at in (1, 2, 3):
        assert records(there, "ranking", at=at, limit=9) == records(months.store, "ranking", at=at, limit=9)


def test_the_same_extracts_make_the_same_bundle_and_never_over_another_file(
    ferried: tuple[Months, Path, str], tmp_path: Path
) -> None:
    months, path, _ = ferried
    assert Path(bundle(months.settings, tmp_path / "again.tar").file).read_bytes() == path.read_bytes()
    with pytest.raises(Stop, match="CH-EXT-009"):
        bundle(months.settings, path)


def test_a_bundle_of_what_is_new_follows_what_is_there_and_nothing_else(
    ferried: tuple[Months, Path, str], tmp_path: Path
) -> None:
    months, path, key = ferried
    there = tmp_path / "there"
    months.extract(DECEMBER, {"a": "5"})
    months.extract(DECEMBER, {"a": "6"})
    last = Path(bundle(months.settings, tmp_path / "last.tar", since=4, formats=["parquet", "csv.gz"]).file)
    late = verify(last, public_key=key, into=there)
    assert not late.ok and "a bundle between is missing" in late.problems[0]
    assert verify(path, public_key=key, into=there).ok
    assert not verify(last, public_key=key, into=there).ok, "number 4 is missing"
    assert verify(Path(bundle(months.settings, tmp_path / "4.tar", since=3).file), public_key=key, into=there).ok
    assert verify(last, public_key=key, into=there).ok
    assert verify(path, public_key=key, into=there).ok, "what came once may come again"
    assert records(Store(there), "ranking", at=5, limit=9) == records(months.store, "ranking", at=5, limit=9)


def test_after_pruning_a_bundle_brings_a_floor_with_it(ferried: tuple[Months, Path, str], tmp_path: Path) -> None:
    months, _, key = ferried
    prune(months.settings, 2)
    assert verify(Path(bundle(months.settings, tmp_path / "p.tar").file), public_key=key, into=tmp_path / "there").ok
    there = Store(tmp_path / "there")
    assert (there.sequences(), there.floor()) == ([1, 2, 3], 2)
    assert records(there, "ranking", at=3, limit=9) == records(months.store, "ranking", at=3, limit=9)
    with pytest.raises(Stop, match="CH-EXT-003"):
        records(there, "ranking", at=1, limit=9)
    with pytest.raises(Stop, match="CH-EXT-003"):
        bundle(months.settings, tmp_path / "old.tar", since=1)


PARQUET = "000002/ranking.parquet"
CHANGES: dict[str, tuple[Callable[[str, bytes], tuple[str, bytes] | None], str]] = {
    "a file": (lambda name, body: (name, body + b"x" if name == PARQUET else body), "its bytes differ"),
    "a file left out": (lambda name, body: None if name == PARQUET else (name, body), "missing"),
    "a manifest": (lambda name, body: (name, body.replace(b"number 2", b"number 9")), "its bytes differ"),
    "the head": (lambda name, body: (name, body.replace(b'"last": 3', b'"last": 4')), "not a signature"),
    "the signature": (lambda name, body: (name, body[::-1] if name == f"{HEAD}.sig" else body), "not a signature"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_was_changed_is_named_and_nothing_is_unpacked(
    ferried: tuple[Months, Path, str], tmp_path: Path, what: str
) -> None:
    _, path, key = ferried
    changed, said = CHANGES[what]
    found = verify(rewritten(path, changed), public_key=key, into=tmp_path / "there")
    assert not found.ok and any(said in problem for problem in found.problems), found.lines
    assert list((tmp_path / "there").iterdir()) == []


def test_entries_that_nobody_signed_are_refused_wherever_they_point(
    ferried: tuple[Months, Path, str], tmp_path: Path
) -> None:
    _, path, key = ferried
    for name in ("../outside", "/tmp/outside-of-all", "000001/extra.parquet", "000001/manifest.json"):
        found = verify(rewritten(path, same, (name, b"x")), public_key=key, into=tmp_path / "a" / "there")
        assert not found.ok, name
        assert not (tmp_path / "a" / "outside").exists() and not Path("/tmp/outside-of-all").exists()

    def outward(name: str, body: bytes) -> tuple[str, bytes]:
        if name != HEAD:
            return name, body
        head = json.loads(body)
        head["entries"][0]["path"] = "../outside"
        return name, json.dumps(head).encode()

    with pytest.raises(Stop, match="CH-EXT-008"):
        verify(rewritten(path, outward))


def test_a_bundle_that_another_key_signed_is_not_trusted(
    ferried: tuple[Months, Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    months, _, key = ferried
    monkeypatch.setenv("CITYHUB_EXTRACT_KEY", "22" * 32)
    other = Path(bundle(months.settings, tmp_path / "other.tar").file)
    assert not verify(other, public_key=key).ok
    alone = verify(other)
    assert alone.ok and not alone.trusted and "ask the sender" in alone.lines[-2]


def test_what_is_no_bundle_or_cut_short_is_told(ferried: tuple[Months, Path, str], tmp_path: Path) -> None:
    _, path, key = ferried
    body = path.read_bytes()
    for number, length in enumerate((0, 100, 700, len(body) // 2)):
        cut = tmp_path / f"{number}.tar"
        cut.write_bytes(body[:length])
        try:
            assert not verify(cut, public_key=key, into=tmp_path / "there").ok
        except Stop as error:
            assert error.code == "CH-EXT-008"
    assert list((tmp_path / "there").iterdir()) == []
    with pytest.raises(Stop, match="CH-EXT-011"):
        verify(path, public_key="abc")


def test_a_bundle_that_was_made_of_extracts_that_are_wrong_is_told_as_they_are_where_they_lie(
    ferried: tuple[Months, Path, str], tmp_path: Path
) -> None:  # fmt: skip
    """The bundle's own signature holds: its sender packed what had been changed before."""
    months, _, key = ferried
    store = months.store
    signer = sign.signer(months.settings)

    def overwrite(path: Path, body: bytes) -> None:
        path.chmod(0o644)
        path.write_bytes(body)

    def told(name: str) -> list[str]:
        made = verify(Path(bundle(months.settings, tmp_path / f"{name}.tar").file), public_key=key)
        found = [f"{number:06d}/{problem}" for number in (1, 2, 3) for problem in problems(Store(store.root), number)]
        assert sorted(made.problems) == sorted(found)
        return found

    assert told("right") == []
    anew = store.manifest_bytes(2).replace(b'"reason": "number 2"', b'"reason": "number two"')
    overwrite(store.folder(2) / "manifest.json", anew)
    chain = "000003/manifest.json: the manifest before is not the one that it was made after"
    unsigned = f"000002/manifest.json.sig: it is not key {signer.key_id}'s signature of the manifest"
    assert told("unsigned") == [unsigned, chain]
    overwrite(store.folder(2) / "manifest.json.sig", signer.sign(anew))
    assert told("signed") == [chain]
    overwrite(store.folder(2) / "manifest.json", anew.replace(b'"sequence": 2', b'"sequence": 7'))
    overwrite(store.folder(2) / "manifest.json.sig", signer.sign((store.folder(2) / "manifest.json").read_bytes()))
    assert told("numbered") == ["000002/manifest.json: it says sequence 7", chain]
