"""Publications: what was published stays, other content gets a new number, the files prove the score."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from cityhub.errors import Stop
from scoring.month import score_month
from scoring.publication.export import views
from scoring.publication.manifest import NAME, read, sha256
from scoring.publication.recompute import recompute
from scoring.publish import Publication, publications, publish, verify
from tests.scoring.county import MONTH, UNITS, County
from warehouse import lake

DAY = date(2026, 11, 30)

pytestmark = pytest.mark.xdist_group("scoring-publish")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[County, Publication]:
    """A month with indicators, events and day values, published once as number 1."""
    county = County(tmp_path_factory.mktemp("county"))
    county.manual_tables()
    for month in ("2026-10", MONTH):
        county.scores(month, but={"chengjiao": "61.37"})
        county.indicators(month, value=88.123456789)
    county.digital(jincheng="95.1234")
    county.event("E1", "B1", "juji", level="national")
    county.event("E2", "B3", "wulihe", count=9)
    score_month(county.settings, "2026-10", date(2026, 10, 31))
    score_month(county.settings, MONTH, DAY)
    return county, publish(county.settings, MONTH, DAY)


@pytest.fixture
def damaged(published: tuple[County, Publication], tmp_path: Path) -> Iterator[Path]:
    """A copy of the publication to damage, in an installation of its own without a lake."""
    folder = tmp_path / "publications" / "000001"
    shutil.copytree(published[1].folder, folder)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder.parent / "current").symlink_to("000001")
    yield folder


def elsewhere(folder: Path) -> lake.Settings:
    """Settings of the installation around a copied folder."""
    home = folder.parent.parent
    return lake.Settings(home, home / "feeds", str(home / "none" / "catalog.sqlite"), str(home / "none" / "data"))


def test_the_folder_holds_every_dataset_twice_and_names_its_files(
    published: tuple[County, Publication],
) -> None:
    _, made = published
    folder = Path(made.folder)
    manifest = read(folder)
    assert (manifest.number, manifest.period, manifest.service_day, manifest.status) == (
        1,
        MONTH,
        "2026-11-30",
        "provisional",
    )
    assert manifest.reason == "nightly run of 2026-11-30"
    assert manifest.switches["QA2"] == "hold" and manifest.complete
    names = {file.path: file for file in manifest.files}
    for dataset in (
        "indicator_value",
        "indicator",
        "score",
        "ranking",
        "delivery",
        "unit",
        "switches",
        "consequence",
    ):
        assert names[f"{dataset}.parquet"].rows == names[f"{dataset}.csv"].rows
    assert names["ranking.parquet"].rows == 6
    assert {"views.duckdb", "README.txt", "schemes/qi-county.yaml", "schemes/digital.yaml"} <= set(names)
    for name, file in names.items():
        assert sha256(folder / name) == file.sha256
        assert (folder / name).stat().st_mode & 0o222 == 0, f"{name} can be written"
    with (folder / "ranking.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["publication"] for row in rows} == {"1"}
    assert {row["unit_name"] for row in rows} == set(UNITS.values())


def test_the_lake_knows_the_number_and_its_ranking_does_not(published: tuple[County, Publication]) -> None:
    county, made = published
    rows = county.rows("SELECT number, period, status, sha256 FROM publication")
    assert rows == [(1, MONTH, "provisional", made.sha256)]
    assert county.rows("SELECT count(*) FROM ranking WHERE publication IS NOT NULL") == [(0,)]


def test_an_error_of_a_later_try_is_not_published_with_rows_that_are_there(tmp_path: Path) -> None:
    county = County(tmp_path)
    county.manual_tables()
    county.scores(MONTH)
    county.indicators(MONTH)
    county.run(
        "INSERT INTO delivery (feed, platform, service_day, state, loaded, error_code) VALUES"
        " ('a.x', 'a', DATE '2026-11-20', 'published', 3, 'CH-PULL-003'),"
        " ('a.y', 'a', DATE '2026-11-20', 'failed', NULL, 'CH-PULL-003')"
    )
    score_month(county.settings, MONTH, date(2026, 11, 30))
    made = publish(county.settings, MONTH, date(2026, 11, 30))
    with (Path(made.folder) / "delivery.csv").open(encoding="utf-8", newline="") as handle:
        found = {row["feed"]: row["error_code"] for row in csv.DictReader(handle)}
    assert found == {"a.x": "", "a.y": "CH-PULL-003"}


def test_names_of_scorers_are_not_published(published: tuple[County, Publication]) -> None:
    _, made = published
    assert "某人".encode() not in b"".join(path.read_bytes() for path in Path(made.folder).glob("*.csv"))


def test_the_same_content_makes_no_new_number_and_writes_nothing(
    published: tuple[County, Publication],
) -> None:
    county, made = published
    before = county.snapshots()
    again = publish(county.settings, MONTH, DAY)
    assert (again.number, again.new) == (made.number, False)
    assert county.snapshots() == before
    assert verify(county.settings).ok


def test_the_published_score_comes_out_again_to_the_last_digit(published: tuple[County, Publication]) -> None:
    county, made = published
    results, problems = recompute(Path(made.folder))
    assert problems == []
    stored = dict(county.rows(f"SELECT unit_code, score FROM ranking WHERE period = '{MONTH}'"))
    assert {result.unit: result.score for result in results} == stored
    chengjiao = next(result for result in results if result.unit == "chengjiao")
    assert "P3" in {item.rule for item in chengjiao.consequences}, "October's standing is among the inputs"


def test_views_read_exactly_these_files_from_another_process(published: tuple[County, Publication]) -> None:
    _, made = published
    views_file = Path(made.folder) / "views.duckdb"
    before = sha256(views_file)
    code = (
        "import duckdb, sys\n"
        "for read_only in (True, False):\n"
        "    con = duckdb.connect(sys.argv[1], read_only=read_only)\n"
        "    print(con.execute('SELECT count(*) FROM ranking').fetchone()[0],"
        " con.execute('SELECT count(*) FROM indicator_value').fetchone()[0])\n"
        "    con.close()\n"
    )
    answer = subprocess.run([sys.executable, "-c", code, str(views_file)], capture_output=True, text=True, check=True)
    expected = f"6 {len(Path(made.folder, 'indicator_value.csv').read_text().splitlines()) - 1}"
    assert answer.stdout.split("\n")[:2] == [expected, expected]
    assert sha256(views_file) == before


def test_views_can_be_made_again_where_the_folder_was_moved(damaged: Path) -> None:
    views(damaged)
    con = duckdb.connect(str(damaged / "views.duckdb"), read_only=True)
    sql = con.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'ranking'").fetchone()
    assert sql is not None and str(damaged) in sql[0]
    assert con.execute("SELECT count(*) FROM ranking").fetchone() == (6,)
    con.close()


@pytest.mark.parametrize("name", ["ranking.parquet", "schemes/qi-county.yaml", "input_office.csv", "views.duckdb"])
def test_one_flipped_byte_is_named(damaged: Path, name: str) -> None:
    content = bytearray((damaged / name).read_bytes())
    content[len(content) // 2] ^= 1
    (damaged / name).write_bytes(bytes(content))
    found = verify(elsewhere(damaged))
    assert not found.ok
    assert found.problems == (f"{name}: sha256 differs from the manifest",)


def test_a_missing_and_a_foreign_file_are_named(damaged: Path) -> None:
    (damaged / "unit.csv").unlink()
    (damaged / "notes.txt").write_text("by hand")
    assert verify(elsewhere(damaged), 1).problems == ("unit.csv: missing", "notes.txt: not in the manifest")


def test_an_untouched_copy_verifies_without_a_lake(damaged: Path) -> None:
    found = verify(elsewhere(damaged))
    assert found.ok and found.lines[-1] == "ok"
    assert "6 scores computed again" in found.lines[1]


def test_numbers_that_were_changed_together_with_their_checksums_do_not_come_out_again(damaged: Path) -> None:
    con = duckdb.connect()
    source, target = damaged / "ranking.parquet", damaged / "forged.parquet"
    con.execute(
        f"COPY (SELECT * REPLACE (CASE WHEN unit_code = 'juji' THEN score + 1 ELSE score END AS score) "
        f"FROM read_parquet('{source}')) TO '{target}' (FORMAT parquet)"
    )
    con.close()
    target.replace(source)
    old = read(damaged)
    text = (damaged / NAME).read_text(encoding="utf-8")
    entry = next(file for file in old.files if file.path == "ranking.parquet")
    size = f'"bytes": {entry.bytes},\n   "sha256": "{entry.sha256}"'
    assert size in text
    text = text.replace(size, f'"bytes": {source.stat().st_size},\n   "sha256": "{sha256(source)}"')
    (damaged / NAME).write_text(text, encoding="utf-8")
    found = verify(elsewhere(damaged))
    assert not found.ok
    assert any("juji" in problem for problem in found.problems)


def test_a_publication_that_is_not_there(damaged: Path) -> None:
    for number in (7, None):
        if number is None:
            (damaged.parent / "current").unlink()
        with pytest.raises(Stop) as caught:
            verify(elsewhere(damaged), number)
        assert caught.value.code == "CH-PUB-001"


def test_a_month_without_ranking_cannot_be_published(published: tuple[County, Publication]) -> None:
    with pytest.raises(Stop) as caught:
        publish(published[0].settings, "2020-01", date(2020, 1, 31))
    assert caught.value.code == "CH-PUB-002"
    assert not (published[0].settings.publications / "000002").exists()


def fingerprint(folder: str) -> dict[str, str]:
    """sha256 of every file of a folder."""
    return {path.name: sha256(path) for path in Path(folder).rglob("*") if path.is_file()}


def test_changed_content_gets_a_new_number_and_the_old_one_stays(tmp_path: Path) -> None:
    county = County(tmp_path)
    county.manual_tables()
    county.scores()
    county.digital(**dict.fromkeys(UNITS, "90"))
    score_month(county.settings, MONTH, date(2026, 11, 10))
    first = publish(county.settings, MONTH, date(2026, 11, 10))
    before = fingerprint(first.folder)
    county.day_value("11", 60.0)
    second = publish(county.settings, MONTH, date(2026, 11, 11))
    assert (second.number, second.supersedes, second.reason) == (2, 1, "nightly run of 2026-11-11")
    assert (county.settings.publications / "current").readlink() == Path("000002")
    assert read(Path(second.folder)).supersedes_sha256 == first.sha256
    assert fingerprint(first.folder) == before

    # A lost folder does not free its number, and a month before does not take `current` away.
    shutil.rmtree(second.folder)
    county.scores("2026-10")
    county.digital("2026-10", **dict.fromkeys(UNITS, "90"))
    score_month(county.settings, "2026-10", date(2026, 10, 31))
    (county.settings.publications / "current").unlink()
    third = publish(county.settings, MONTH, date(2026, 11, 11))
    earlier = publish(county.settings, "2026-10", date(2026, 10, 31))
    assert (third.number, earlier.number, earlier.supersedes) == (3, 4, None)
    assert (county.settings.publications / "current").readlink() == Path("000003")
    assert [item.number for item in publications(county.settings)] == [4, 3, 1]
    assert all(verify(county.settings, number).ok for number in (1, 3))
