"""Everything behind one score in one archive: the same inputs make the same bytes, and nothing personal is in it."""

from __future__ import annotations

import json
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from cityhub.errors import Stop, Usage
from scoring.evidence.deliveries import public
from scoring.evidence.make import Made, make
from scoring.publication.manifest import sha256
from tests.plan.town import CODE, DAYS, FEED, TABLE, Town, tasks
from tests.scoring.county import MONTH
from warehouse.compile import spec_sha256

pytestmark = pytest.mark.xdist_group("evidence")


def piece(file: Path, name: str) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return archive.read(name)


def names(file: Path) -> list[str]:
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def test_the_same_inputs_make_the_same_bytes(town: Town, pack: tuple[Path, Made], tmp_path: Path) -> None:
    file, made = pack
    again = make(town.settings, "产业聚集区管委会", MONTH, out=tmp_path / "again.zip", number=1)
    assert (tmp_path / "again.zip").read_bytes() == file.read_bytes()
    assert (again.root, again.publication_sha256) == (made.root, made.publication_sha256)
    other = make(town.settings, "wulihe", MONTH, out=tmp_path / "other.zip")
    assert other.root != made.root


def test_the_walk_from_the_score_to_the_bytes_that_came_in(town: Town, pack: tuple[Path, Made]) -> None:
    file, made = pack
    score = json.loads(piece(file, "score.json"))
    assert (score["unit"], score["publication"], Decimal(score["score"])) == ("juji", 1, town.score())
    line = next(part for part in score["components"] if part["component"] == f"digital.{CODE}")
    assert line["source"] == f"indicator_value {CODE} juji"
    item = next(item for item in json.loads(piece(file, "indicators.json")) if item["code"] == CODE)
    assert (item["month"]["numerator"], item["month"]["denominator"]) == (54.0, 60.0)
    assert [day["day"] for day in item["days"]] == [day.isoformat() for day in DAYS]
    assert TABLE in item["definition"]["sql"] and item["definition"]["title"]["zh"]
    rows = duckdb.from_parquet(str(_written(file, f"rows/{TABLE}.parquet"))).fetchall()
    assert len(rows) == 12, "the unit's own rows, not the county's 48"
    loads = {value for row in rows for value in row if str(value).startswith("20261121T")}
    assert len(loads) == 3
    for load in loads:
        (folder,) = {Path(name).parent.as_posix() for name in names(file) if f"/{load}/" in name}
        told = json.loads(piece(file, f"{folder}/load.json"))
        landed = json.loads(piece(file, f"{folder}/manifest.json"))
        (part,) = landed["parts"]
        body = town.settings.landing / folder.removeprefix("deliveries/") / part["file"]
        assert piece(file, f"{folder}/{part['file']}") == body.read_bytes() and len(part["sha256"]) == 64
        assert told["bytes"] == "packed" and told["log"][0]["landed"] == 16
        assert f"specs/{FEED}/{told['log'][0]['spec_sha256']}.json" in names(file)
    assert made.packed == 3
    published = town.settings.publications / "000001"
    assert piece(file, "publication/manifest.json") == (published / "manifest.json").read_bytes()
    assert made.publication_sha256 == sha256(published / "manifest.json")
    assert {"publication/schemes/qi-county.yaml", "publication/input_standing.parquet"} <= set(names(file))


def _written(file: Path, name: str) -> Path:
    target = file.with_name(Path(name).name)
    target.write_bytes(piece(file, name))
    return target


def test_the_pack_says_which_indicators_come_out_of_its_rows_and_why_others_do_not(pack: tuple[Path, Made]) -> None:
    file, made = pack
    told = {item["code"]: item for item in json.loads(piece(file, "manifest.json"))["indicators"]}
    assert (told[CODE]["how"], told[CODE]["why"]) == ("recomputed", None)
    assert told["WTR-01"]["how"] == "checksummed" and "definition" in told["WTR-01"]["why"]
    assert (made.recomputed, made.checksummed) == (1, len(told) - 1)


def test_without_bytes_their_sha256_stays(town: Town, tmp_path: Path) -> None:
    for how, said in (({"landed": False}, "left out: not asked for"), ({"landed_mb": 0}, "over the limit")):
        made = make(town.settings, "juji", MONTH, out=tmp_path / "lean.zip", **how)  # type: ignore[arg-type]
        assert not [name for name in names(tmp_path / "lean.zip") if name.endswith(".zst")]
        loads = [name for name in names(tmp_path / "lean.zip") if name.endswith("load.json")]
        assert len(loads) == 3 and all(said in str(json.loads(piece(tmp_path / "lean.zip", n))["bytes"]) for n in loads)
        assert made.packed == 0 and made.recomputed == 1


def test_a_table_over_the_limit_is_left_out_and_named(town: Town, tmp_path: Path) -> None:
    made = make(town.settings, "juji", MONTH, out=tmp_path / "small.zip", rows_at_most=11)
    head = json.loads(piece(tmp_path / "small.zip", "manifest.json"))
    assert f"rows/{TABLE}.parquet" not in names(tmp_path / "small.zip")
    assert head["rows"]["left_out"][TABLE] == "12 rows, more than 11" and made.recomputed == 0


def test_nothing_personal_and_no_secret_is_packed(town: Town, pack: tuple[Path, Made], tmp_path: Path) -> None:
    path = town.settings.feeds / f"{FEED}.yaml"
    before = path.read_text(encoding="utf-8")
    text = before.replace("road_id: {from: xq}", "road_id: {from: rd, personal: hash}").replace(
        "phone: '1'", "phone: '13712345678'"
    )
    assert text.count("personal: hash") == 1
    path.write_text(text, encoding="utf-8")
    try:
        make(town.settings, "juji", MONTH, out=tmp_path / "guarded.zip")
    finally:
        path.write_text(before, encoding="utf-8")
    file = tmp_path / "guarded.zip"
    columns = duckdb.from_parquet(str(_written(file, f"rows/{TABLE}.parquet"))).columns
    assert "task_id" in columns and "road_id" not in columns
    loads = [json.loads(piece(file, name)) for name in names(file) if name.endswith("load.json")]
    assert {load["bytes"] for load in loads} == {"withheld: the feed has personal fields"}
    assert not [name for name in names(file) if name.endswith(".zst")]
    everything = b"".join(piece(file, name) for name in names(file)) + b"".join(
        piece(pack[0], n) for n in names(pack[0])
    )
    for secret in ("某人", "13712345678", "专员"):
        assert secret.encode() not in everything, secret

    spec = town.spec.model_copy(
        update={"source": town.spec.source.model_copy(update={"address": "ftp://user:geheim@host/folder"})}
    )
    shown = json.dumps(public(spec), ensure_ascii=False)
    assert "geheim" not in shown and "专员" not in shown and "user:***@host" in shown
    assert spec_sha256(type(spec).model_validate(public(town.spec))) == spec_sha256(town.spec)


def test_the_rows_are_those_that_were_published_not_those_of_later(
    town: Town, pack: tuple[Path, Made], tmp_path: Path
) -> None:
    file, _ = pack
    town.deliver(DAYS[1], tasks(DAYS[1], t1920=1.0))
    made = make(town.settings, "juji", MONTH, out=tmp_path / "later.zip")
    assert made.recomputed == 1
    assert piece(tmp_path / "later.zip", f"rows/{TABLE}.parquet") == piece(file, f"rows/{TABLE}.parquet")


def test_what_cannot_be_packed_says_what_there_is(town: Town, tmp_path: Path) -> None:
    with pytest.raises(Usage, match="CH-EVID-001") as caught:
        make(town.settings, "juji", "2026-10", out=tmp_path / "no.zip")
    assert MONTH in caught.value.text()
    with pytest.raises(Usage, match="CH-SCORE-006") as unknown:
        make(town.settings, "五里镇", MONTH, out=tmp_path / "no.zip")
    assert "五里河镇" in unknown.value.text()
    with pytest.raises(Usage, match="CH-EVID-004"):
        make(town.settings, "juji", "2026-10", out=tmp_path / "no.zip", number=1)
    with pytest.raises(Stop, match="CH-PUB-001"):
        make(town.settings, "juji", MONTH, out=tmp_path / "no.zip", number=9)
    assert not (tmp_path / "no.zip").exists()
