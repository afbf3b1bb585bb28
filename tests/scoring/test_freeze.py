"""Provisional → final, by name → corrected, with a reason and by name; nothing else changes a final month."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityhub.errors import Stop
from cli.main import app
from scoring.month import score_month
from scoring.publication.frozen import put_back
from scoring.publication.manifest import NAME, read
from scoring.publish import Publication, publications, publish, verify, verify_all
from tests.scoring import beside
from tests.scoring.county import MONTH, UNITS, County
from warehouse import lake

LAST = date(2026, 11, 30)
AFTER = "2026-12-02T10:00:00+08:00"
FIRST = "(SELECT min(campaign) FROM manual_special)"
APPROVED = {"status": "final", "approved_by": "王主任"}

pytestmark = pytest.mark.xdist_group("scoring-freeze")


def whole(home: Path, month: str = MONTH) -> County:
    """A month with every number."""
    county = County(home)
    county.manual_tables()
    county.scores(month)
    county.digital(month, **dict.fromkeys(UNITS, "90"))
    return county


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[County, Publication]]:
    """November, published as provisional by a night and then made final under number 2."""
    patch = pytest.MonkeyPatch()
    patch.setenv("CITYHUB_NOW", AFTER)
    county = whole(tmp_path_factory.mktemp("county"))
    score_month(county.settings, MONTH, LAST)
    publish(county.settings, MONTH, LAST)
    yield county, publish(county.settings, MONTH, LAST, "批准定稿", **APPROVED)
    county.con.close()
    patch.undo()


@pytest.fixture
def final(made: tuple[County, Publication]) -> Iterator[tuple[County, Publication]]:
    """The same, put back as it was afterwards: a catalog knows its folder by name, so it cannot be moved."""
    county, publication = made
    home = county.settings.home
    county.con.close()
    saved = home.with_name("saved")
    shutil.copytree(home, saved, symlinks=True)
    county.con = lake.connect(county.settings)
    yield county, publication
    county.con.close()
    shutil.rmtree(home)
    saved.rename(home)
    county.con = lake.connect(county.settings)


def refused(county: County, *, month: str = MONTH, day: date = LAST, **how: Any) -> Stop:
    """The error of a publication that must not be made."""
    before = [item.number for item in publications(county.settings)]
    with pytest.raises(Stop) as caught:
        publish(county.settings, month, day, how.pop("reason", "理由"), **how)
    assert [item.number for item in publications(county.settings)] == before
    assert [item.name for item in county.settings.publications.glob(".*")] == [], "no rests"
    return caught.value


def command(county: County, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    """A command's exit code and what it printed."""
    monkeypatch.setenv("CITYHUB_HOME", str(county.settings.home))
    done = CliRunner().invoke(app, list(words))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_a_final_month_names_who_approved_it_wherever_it_is_shown(
    final: tuple[County, Publication], monkeypatch: pytest.MonkeyPatch
) -> None:
    county, publication = final
    folder = Path(publication.folder)
    manifest = read(folder)
    assert (manifest.schema_version, manifest.status, manifest.approved_by) == (3, "final", "王主任")
    assert (manifest.number, manifest.supersedes, manifest.corrected_by) == (2, 1, None)
    assert manifest.published_at == AFTER
    assert county.rows("SELECT status, approved_by, corrected_by FROM publication WHERE number = 2") == [
        ("final", "王主任", None)
    ]
    assert "定稿，批准人 王主任，理由 批准定稿" in (folder / "README.txt").read_text(encoding="utf-8")
    code, said = command(county, monkeypatch, "ranking", MONTH)
    assert code == 0 and "发布号 000002：定稿，批准人 王主任" in said
    rows = json.loads(command(county, monkeypatch, "ranking", MONTH, "--json")[1])
    assert {(row["publication"], row["status"]) for row in rows} == {(2, "final")}
    found = verify_all(county.settings)
    assert found.ok, found.problems
    assert "2026-11, 定稿，批准人 王主任" in "\n".join(found.lines)

    from fastapi.testclient import TestClient

    from serving.app import make_app

    page = TestClient(make_app(county.settings)).get("/").text
    assert "定稿" in page and "批准人 王主任" in page


def test_final_needs_an_approver_the_whole_month_and_every_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    county = whole(tmp_path)
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-30T23:59:00+08:00")  # still November in Shanghai, whatever UTC says
    score_month(county.settings, MONTH, LAST)
    assert refused(county, status="final").code == "CH-PUB-005"
    assert refused(county, status="final", approved_by="  ").code == "CH-PUB-005"
    assert refused(county, corrected_by="李四").code == "CH-PUB-010"
    early = refused(county, **APPROVED)
    assert early.code == "CH-PUB-006" and "it ends on 2026-11-30" in early.text()

    monkeypatch.setenv("CITYHUB_NOW", "2026-12-01T00:00:00+08:00")
    assert refused(county, day=date(2026, 11, 29), **APPROVED).code == "CH-PUB-006"
    score_month(county.settings, MONTH, date(2026, 11, 29))
    assert "not those of its last day" in refused(county, **APPROVED).text()
    score_month(county.settings, MONTH, LAST)
    county.day_value("29", 60.0)
    assert "its indicators reach 2026-11-29 only" in refused(county, **APPROVED).text()
    county.day_value("30", 60.0)

    county.run("DELETE FROM manual_office WHERE unit = 'juji' AND office = 'peace'")
    county.run(f"DELETE FROM manual_special WHERE unit = 'wulihe' AND campaign = {FIRST}")
    score_month(county.settings, MONTH, LAST)
    lacking = refused(county, **APPROVED)
    assert lacking.code == "CH-PUB-007"
    assert UNITS["juji"] in lacking.text() and "peace missing" in lacking.text()
    assert UNITS["wulihe"] in lacking.text() and "specials" in lacking.text()
    assert UNITS["jincheng"] not in lacking.text(), "what is there is not named"

    # The rule may do without an office's number: then the score is whole.
    county.run(
        f"INSERT INTO manual_special VALUES (DATE '2026-11-01', NULL, '{MONTH}', {FIRST}, 'wulihe', 88, NULL, 'L1')"
    )
    score_month(county.settings, MONTH, LAST, {"QA2": "zero", "QA19": "frozen"})
    assert publish(county.settings, MONTH, LAST, "按零分", **APPROVED).status == "final"

    # It may also forbid corrections altogether.
    county.event("E3", "D5", "juji")
    assert refused(county, corrected_by="李四").code == "CH-PUB-003"
    assert verify(county.settings, 1).ok
    county.con.close()


def test_scores_that_do_not_come_out_of_their_inputs_do_not_become_final(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_NOW", AFTER)
    county = whole(tmp_path)
    score_month(county.settings, MONTH, LAST)
    county.run("UPDATE manual_office SET score = 99 WHERE unit = 'juji' AND office = 'peace'")
    stale = refused(county, **APPROVED)
    assert stale.code == "CH-PUB-009" and "juji" in stale.text()
    score_month(county.settings, MONTH, LAST)
    county.run("UPDATE ranking SET score = score + 1 WHERE unit_code = 'juji'")
    assert refused(county, **APPROVED).code == "CH-PUB-009"
    score_month(county.settings, MONTH, LAST)
    assert publish(county.settings, MONTH, LAST, "批准", **APPROVED).number == 1
    county.con.close()


def test_no_night_and_no_compute_changes_a_final_month(
    final: tuple[County, Publication], monkeypatch: pytest.MonkeyPatch
) -> None:
    county, publication = final
    score = f"SELECT score FROM ranking WHERE unit_code = 'juji' AND period = '{MONTH}'"
    before = county.rows(score)
    county.run("UPDATE manual_office SET score = 70 WHERE unit = 'juji'")
    snapshots = county.snapshots()
    night = score_month(county.settings, MONTH, LAST)
    assert (night.written, night.changed, night.final) == (False, True, 2)
    assert publish(county.settings, MONTH, LAST).number == publication.number
    assert county.snapshots() == snapshots and county.rows(score) == before
    code, said = command(county, monkeypatch, "score", "compute", MONTH)
    assert code == 1 and "is final under number 2 and stays" in said
    assert (
        f"{UNITS['juji']}: 90" not in said
        and f"{UNITS['juji']}: " in said
        and UNITS["cgj"] not in said.split("give:")[1]
    )
    assert county.rows(score) == before
    found = verify(county.settings, 2)
    assert found.ok, found.problems
    assert any("other data" in line for line in found.lines), "late data are told, and are no fault"


def test_what_no_score_is_computed_from_changes_no_final_month(final: tuple[County, Publication]) -> None:
    county, publication = final
    beside.one_of_each(county)
    assert publish(county.settings, MONTH, LAST).number == publication.number
    assert not any("other data" in line for line in verify(county.settings, publication.number).lines)
    corrected = publish(county.settings, MONTH, LAST, "点位更正", corrected_by="李四")
    assert corrected.number == publication.number, "the same scores are no correction"


def test_a_correction_needs_a_reason_and_a_name_and_is_a_number_of_its_own(
    final: tuple[County, Publication], monkeypatch: pytest.MonkeyPatch
) -> None:
    county, publication = final
    county.run("UPDATE manual_office SET score = 70 WHERE unit = 'juji'")
    for how, lacking in (
        ({"reason": "迟报"}, "--corrected-by"),
        ({"reason": None, "corrected_by": "李四"}, "--reason"),
        ({"reason": "  ", "corrected_by": "李四"}, "--reason"),
        (APPROVED, "--corrected-by"),  # final again is no way around
    ):
        error = refused(county, **how)
        assert error.code == "CH-PUB-008" and lacking in error.text() and "number 2" in error.text()
    code, said = command(
        county, monkeypatch, "publish", "make", MONTH, "--reason", "办公室迟报", "--corrected-by", "李四"
    )
    assert (code, said) == (0, "publication 3: 2026-11, corrected, by 李四\n")
    third = read(county.settings.publications / "000003")
    assert (third.status, third.corrected_by, third.approved_by, third.reason) == (
        "corrected",
        "李四",
        None,
        "办公室迟报",
    )
    assert (third.supersedes, third.supersedes_sha256) == (2, publication.sha256)
    assert county.rows("SELECT max(score) FROM ranking WHERE unit_code = 'juji'") != []
    assert verify(county.settings, 2).ok, "the final one is still readable and whole"
    found = verify_all(county.settings)
    assert found.ok, found.problems
    same = publish(county.settings, MONTH, LAST, "再来一次", corrected_by="李四")
    assert (same.number, same.new) == (3, False)
    assert score_month(county.settings, MONTH, LAST).final == 3


BY_HAND = {
    "UPDATE score SET value = value + 1 WHERE unit_code = 'juji' AND component = 'peace'": "score juji peace: value is",
    "UPDATE score SET trace = '无' WHERE unit_code = 'juji' AND component = 'civil'": "score juji civil: trace is 无",
    "UPDATE ranking SET rank = 9 WHERE unit_code = 'juji'": "ranking juji: rank is 9, published",
    "DELETE FROM ranking WHERE unit_code = 'wulihe'": "ranking wulihe: the published row is gone",
    "INSERT INTO ranking SELECT * FROM ranking WHERE unit_code = 'cgj'": "ranking 2026-11: a row stands there twice",
    "UPDATE publication SET approved_by = '别人' WHERE number = 2": "publication.approved_by is 别人, published 王主任",
    "UPDATE publication SET status = 'provisional' WHERE number = 2": "publication.status is provisional",
    "DELETE FROM publication WHERE number = 1": "its record is gone from the table publication",
}


def test_rows_changed_by_hand_are_told_and_can_be_put_back(
    final: tuple[County, Publication], monkeypatch: pytest.MonkeyPatch
) -> None:
    county, _ = final
    county.run(*BY_HAND)
    found = verify_all(county.settings)
    assert not found.ok and len(found.problems) == len(BY_HAND), "\n".join(found.problems)
    for told in BY_HAND.values():
        assert any(told in problem for problem in found.problems), told
    # neither a night nor a compute makes it good or takes the month for provisional
    assert score_month(county.settings, MONTH, LAST).final == 2
    assert publish(county.settings, MONTH, LAST).number == 2
    assert verify(county.settings, 2).problems == tuple(
        p[20:] for p in found.problems if p[:18] == "publication 000002"
    )
    code, said = command(county, monkeypatch, "publish", "put-back", MONTH)
    assert code == 1 and said.count("put back:") == 5
    rest = verify(county.settings, 2).problems
    assert [problem[:21] for problem in rest] == ["warehouse: publicatio"] * 2, (
        "only the records of publications are left"
    )
    assert put_back(county.settings, MONTH) == []


def test_a_link_of_the_chain_changed_by_hand_is_told(final: tuple[County, Publication]) -> None:
    county, _ = final
    root = county.settings.publications
    path = root / "000001" / NAME
    path.chmod(0o644)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("nightly run", "nightly sun"), encoding="utf-8")
    problems = verify_all(county.settings).problems
    assert "publication 000001: manifest.json: sha256 differs from the warehouse's record" in problems
    assert any(p.startswith("publication 000002: chain: the manifest of publication 1 is not") for p in problems)

    path.write_text("{", encoding="utf-8")
    found = verify(county.settings, 2)
    assert found.problems == ("chain: publication 1, which it takes the place of, is not there or cannot be read",)
    assert any("CH-PUB-004" in problem for problem in verify_all(county.settings).problems)

    path.write_text(text, encoding="utf-8")
    (root / "000003").mkdir()
    forged = json.loads((root / "000002" / NAME).read_text(encoding="utf-8"))
    forged |= {"number": 3, "status": "provisional", "approved_by": None}
    (root / "000003" / NAME).write_text(json.dumps(forged), encoding="utf-8")
    problems = verify_all(county.settings).problems
    assert any("provisional cannot follow" in p or "takes the place of 1 as well" in p for p in problems), problems
    shutil.rmtree(root / "000003")
    shutil.move(root / "000002", root / ".away")
    assert any("its folder is not there" in problem for problem in verify_all(county.settings).problems)


def test_a_manifest_of_the_first_version_is_read_and_followed(final: tuple[County, Publication]) -> None:
    county, _ = final
    path = county.settings.publications / "000002" / NAME
    old = {name: value for name, value in json.loads(path.read_text(encoding="utf-8")).items() if name[-3:] != "_by"}
    path.chmod(0o644)
    path.write_text(json.dumps(old | {"schema_version": 1}), encoding="utf-8")
    known = publications(county.settings)[0].sha256
    county.run(f"UPDATE publication SET sha256 = '{known}', approved_by = NULL WHERE number = 2")
    assert (publications(county.settings)[0].approved_by, read(path.parent).frozen) == (None, True)
    assert verify_all(county.settings).ok, verify_all(county.settings).problems
    county.run("UPDATE manual_office SET score = 70 WHERE unit = 'juji'")
    assert publish(county.settings, MONTH, LAST, "迟报", corrected_by="李四").number == 3
    assert verify_all(county.settings).ok


def test_killed_between_the_scores_and_the_publication_a_correction_goes_on(
    final: tuple[County, Publication],
) -> None:
    county, _ = final
    county.run("UPDATE manual_office SET score = 70 WHERE unit = 'juji'")
    score_month(county.settings, MONTH, LAST, read(county.settings.publications / "000002").switches, correct=True)
    assert not verify(county.settings, 2).ok
    assert publish(county.settings, MONTH, LAST, "迟报", corrected_by="李四").number == 3
    assert verify_all(county.settings).ok
