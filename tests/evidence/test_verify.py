"""A pack proves itself where nothing else is, and tells every byte that is not what it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityhub.errors import Usage
from cityhub.settings import REPOSITORY
from scoring.evidence import archive
from scoring.evidence.make import Made
from scoring.evidence.verify import Verification, verify
from tests.plan.town import CODE, TABLE, Town
from tests.scoring.county import MONTH

pytestmark = pytest.mark.xdist_group("evidence")


def test_on_another_machine_the_score_comes_out_to_the_last_digit(
    town: Town, pack: tuple[Path, Made], tmp_path: Path
) -> None:
    file, made = pack
    env = {**os.environ, "CITYHUB_HOME": str(tmp_path / "empty"), "CITYHUB_FEEDS": str(tmp_path / "none")}
    command = [sys.executable, "-m", "cli.main", "evidence", "verify", str(file), "--root", made.root]
    done = subprocess.run(command, cwd=REPOSITORY, env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{CODE} of juji: recomputed from its rows, 3 days" in done.stdout
    assert f"the score comes out again: {town.score():f}".rstrip("0") in done.stdout
    assert done.stdout.endswith("ok\n") and not (tmp_path / "empty").exists(), "it needs and leaves nothing there"
    found = verify(file)
    assert found.ok and (found.unit, found.month, found.publication) == ("juji", MONTH, 1)


def test_another_root_than_the_one_noted_is_told(pack: tuple[Path, Made]) -> None:
    found = verify(pack[0], root="0" * 64)
    assert found.problems[0].startswith(f"manifest.json: the root is {pack[1].root}, expected 000")


def flipped(file: Path, target: Path, place: int, bits: int = 1) -> Verification:
    content = bytearray(file.read_bytes())
    content[place] ^= bits
    target.write_bytes(bytes(content))
    return verify(target)


def test_one_flipped_byte_in_each_piece_names_it(pack: tuple[Path, Made], tmp_path: Path) -> None:
    with zipfile.ZipFile(pack[0]) as opened:
        entries = opened.infolist()
    assert len(entries) == pack[1].pieces + 1
    for entry in entries:
        start = entry.header_offset + 30 + len(entry.filename.encode())
        found = flipped(pack[0], tmp_path / "flipped.zip", start + entry.file_size // 2)
        assert not found.ok and len(found.problems) == 1, (entry.filename, found.problems)
        assert found.problems[0].startswith(f"{entry.filename}: "), found.problems


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1), bits=st.integers(1, 255), headers=st.booleans())
def test_any_other_byte_anywhere_is_told_and_never_a_crash(
    pack: tuple[Path, Made], tmp_path: Path, share: float, bits: int, headers: bool
) -> None:
    places = in_headers(pack[0]) if headers else range(pack[0].stat().st_size)
    place = places[min(int(share * len(places)), len(places) - 1)]
    try:
        found = flipped(pack[0], tmp_path / "flipped.zip", place, bits)
    except Usage as error:  # the very first bytes: then it is no archive at all
        assert error.code == "CH-EVID-002" or (error.code == "CH-EVID-003" and not headers)
        return
    assert not found.ok and found.lines[-1].startswith("NOT OK")
    with zipfile.ZipFile(pack[0]) as opened:
        known = {*opened.namelist(), "archive"}
    for problem in found.problems:
        assert problem.split(":")[0] in known or headers, problem


def in_headers(file: Path) -> list[int]:
    """The bytes of the container itself: in front of each piece, and the directory at the end."""
    with zipfile.ZipFile(file) as opened:
        fronts = [range(e.header_offset, e.header_offset + 30 + len(e.filename.encode())) for e in opened.infolist()]
        return [place for front in [*fronts, range(opened.start_dir, file.stat().st_size)] for place in front]


@pytest.mark.parametrize("cut", [0, 1, 40, -1, -30])
def test_what_is_no_whole_archive_is_told(pack: tuple[Path, Made], tmp_path: Path, cut: int) -> None:
    file = tmp_path / "cut.zip"
    file.write_bytes(pack[0].read_bytes()[:cut])
    try:
        assert not verify(file).ok
    except Usage as error:
        assert error.code == "CH-EVID-002"
    with pytest.raises(Usage, match="CH-EVID-002"):
        verify(tmp_path / "none.zip")
    file.write_bytes(pack[0].read_bytes() + b"x")
    assert not verify(file).ok


def forged(pack: Path, folder: Path, change: Callable[[Path], None]) -> Verification:
    """A pack whose pieces were changed with all their checksums."""
    work = folder / "work"
    work.mkdir(parents=True)
    head = archive.unpack(pack, work).manifest
    change(work)
    archive.seal(
        work, {name: value for name, value in head.items() if name not in {"pieces", "root", "schema_version"}}
    )
    archive.write(work, folder / "forged.zip")
    return verify(folder / "forged.zip")


def one_better(work: Path) -> None:
    """Another number of kilometres in one row."""
    path = work / "rows" / f"{TABLE}.parquet"
    con = duckdb.connect()
    con.execute(f"CREATE TABLE t AS FROM read_parquet('{path}')")
    con.execute("UPDATE t SET done_km = 5 WHERE task_id = 't1920'")
    con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    con.close()


def higher(work: Path) -> None:
    """Another score in the pack's own words."""
    for name in ("score.json", archive.NAME):
        path = work / name
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(content | {"score": "99"}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def other_bytes(work: Path) -> None:
    """A landed body with another content, well compressed."""
    bodies = sorted(work.rglob("*.csv.zst"))
    bodies[0].write_bytes(bodies[1].read_bytes())


def other_inputs(work: Path) -> None:
    """A published input with another number."""
    path = work / "publication" / "input_office.parquet"
    con = duckdb.connect()
    con.execute(f"CREATE TABLE t AS FROM read_parquet('{path}')")
    con.execute(f"UPDATE t SET score = 99; COPY t TO '{path}' (FORMAT parquet)")
    con.close()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            one_better,
            f"rows: {CODE} of juji does not come out again: 2026-11-19: numerator comes out as 18.5, published 18",
        ),
        (higher, "score.json: it does not say what was published"),
        (other_bytes, "its records are not those received"),
        (other_inputs, "publication/input_office.parquet: sha256 differs from the publication's manifest"),
    ],
)
def test_changed_with_all_its_checksums_it_does_not_come_out_again(
    pack: tuple[Path, Made], tmp_path: Path, change: Callable[[Path], None], told: str
) -> None:
    found = forged(pack[0], tmp_path, change)
    assert not found.ok and any(told in problem for problem in found.problems), found.problems


def test_a_pack_of_a_later_version_and_a_piece_outside_of_it(pack: tuple[Path, Made], tmp_path: Path) -> None:
    for number, (content, code) in enumerate((({"schema_version": 99}, "CH-EVID-003"), ({}, None))):
        file = tmp_path / f"{number}.zip"
        head = {"schema_version": 1, "root": "x", "pieces": [{"path": "../x", "bytes": 1, "sha256": "y"}]} | content
        with zipfile.ZipFile(file, "w") as opened:
            opened.writestr(archive.NAME, json.dumps(head))
        if code:
            with pytest.raises(Usage, match=code):
                verify(file)
        else:
            assert verify(file).problems[0].startswith("manifest.json: cannot be read")
