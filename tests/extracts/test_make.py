"""Extracts of a real publication: every dataset in three formats, the same bytes each time, signed and checked."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from typer.testing import CliRunner

from cityhub.errors import Stop
from cli.main import app
from extracts import sign
from extracts.check import problems
from extracts.datasets import DATASETS
from extracts.make import make, make_missing
from extracts.model import FORMATS
from extracts.records import records
from extracts.store import Store, root_of
from scoring.month import score_month
from scoring.publish import publish
from tests.extracts.months import Months, settings_in
from tests.scoring.beside import one_of_each
from tests.scoring.county import MONTH, County

DAY = date(2026, 11, 19)


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> County:
    """One publication of a month with values, a company's credit, an event and a delivery; no extract yet."""
    county = County(tmp_path_factory.mktemp("county"))
    county.manual_tables()
    county.scores()
    county.indicators()
    county.run(
        "INSERT INTO indicator VALUES ('MUK-08', 'muck', '清运公司信用分', 'Haulier credit score', 'point', 'higher',"
        " 'f', 'ledger', 'month', 0.8, '{\"blacklist_below\": 60}', 's', 'seen', NULL, NULL, 'd')",
        *[
            f"INSERT INTO indicator_value VALUES ('MUK-08', 'company:{name}', 'month', '{MONTH}', {value}, 1, {value},"
            f" 30, {valid}, {valid} / 30.0, '{state}', {reason}, 0, now(), 'd')"
            for name, value, valid, state, reason in (
                ("豫东清运", "59.5", 30, "ok", "NULL"),
                ("杞城渣土", "60", 12, "provisional", "'12 of 30 valid, under 80%'"),
                ("顺达", "NULL", 0, "missing", "'muck.violation failed'"),
            )
        ],
        "INSERT INTO delivery (feed, platform, service_day, state, landed, loaded) VALUES"
        " ('muck.trip', 'muck', DATE '2026-11-03', 'published', 3, 3)",
    )
    county.event("E1", "B1", "juji", level="national")
    one_of_each(county)
    score_month(county.settings, MONTH, DAY)
    publish(county.settings, MONTH, DAY)
    return county


@pytest.fixture(scope="module")
def store(county: County) -> Store:
    """With the extract of publication 1."""
    make(county.settings, 1)
    return Store(root_of(county.settings))


def read(store: Store, dataset: str, kind: str) -> list[dict[str, Any]]:
    """The rows of a text format as JSON has them."""
    file = store.manifest(1).file(dataset, kind)
    assert file is not None
    text = gzip.decompress((store.folder(1) / file.path).read_bytes()).decode()
    if kind == "ndjson.gz":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("dataset", DATASETS)
def test_all_formats_and_the_answers_hold_the_same_rows(store: Store, dataset: str) -> None:
    rows = records(store, dataset, at=1, limit=10_000)
    assert rows, "nothing to compare"
    assert read(store, dataset, "ndjson.gz") == rows
    for said, row in zip(read(store, dataset, "csv.gz"), rows, strict=True):
        for column in DATASETS[dataset].columns:
            value = row[column.name]
            if column.type == "number" and value is not None:
                assert float(said[column.name]) == value
            else:
                text = "" if value is None else str(value)
                assert said[column.name] == (text.lower() if column.type == "boolean" else text)
    schema = DATASETS[dataset].json_schema()
    for row in rows:
        jsonschema.validate(row, schema)
    files = [store.manifest(1).file(dataset, kind) for kind in FORMATS]
    assert {file.rows for file in files if file} == {len(rows)}
    keys = [tuple(row[name] for name in DATASETS[dataset].key) for row in rows]
    assert keys == sorted(set(keys)), "in the order of the key, each key once"


def test_scores_are_the_published_ones_to_the_last_digit(county: County, store: Store) -> None:
    path = county.settings.publications / "000001" / "ranking.parquet"
    published = dict(duckdb.sql(f"SELECT unit_code, score FROM read_parquet('{path}')").fetchall())
    file = store.manifest(1).file("ranking", "parquet")
    assert file
    ours = dict(duckdb.sql(f"SELECT unit, score FROM read_parquet('{store.folder(1) / file.path}')").fetchall())
    assert ours == published
    (row,) = records(store, "ranking", at=1, unit="juji", limit=9)
    assert row["score"] == "87.7232697127435"


def test_credit_says_who_is_under_the_line_and_nothing_of_who_has_no_points(store: Store) -> None:
    found = {
        r["company"]: (r["points"], r["blacklisted"], r["state"])
        for r in records(store, "haulier_credit", at=1, limit=9)
    }
    assert found == {
        "豫东清运": (59.5, True, "ok"),
        "杞城渣土": (60.0, False, "provisional"),
        "顺达": (None, None, "missing"),
    }
    codes = {
        r["unit"]: r["reason_code"] for r in records(store, "indicator_value", at=1, limit=999) if r["code"] == "MUK-08"
    }
    assert codes == {"company:豫东清运": None, "company:杞城渣土": "low_coverage", "company:顺达": "not_delivered"}


def test_names_of_scorers_and_free_notes_leave_the_county_in_no_file(county: County, store: Store) -> None:
    for path in store.folder(1).iterdir():
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert "某人".encode() not in body, path.name
    assert "note" not in {column.name for column in DATASETS["event"].columns}


def test_made_again_it_has_the_same_bytes_and_made_twice_it_is_left_alone(county: County, store: Store) -> None:
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in store.folder(1).iterdir()}
    assert make_missing(county.settings) == []
    assert {path.name: path.stat().st_mtime_ns for path in store.folder(1).iterdir()} == {
        n: t for n, (_, t) in before.items()
    }
    away = store.root.with_name("away")
    store.root.rename(away)
    try:
        assert make_missing(county.settings) == [1]
        assert {path.name: path.read_bytes() for path in store.folder(1).iterdir()} == {
            n: b for n, (b, _) in before.items()
        }
    finally:
        shutil.rmtree(store.root)
        away.rename(store.root)


def test_the_signature_is_over_the_manifest_and_damage_is_named(county: County, store: Store, tmp_path: Path) -> None:
    assert problems(store, 1) == []
    copy = tmp_path / "extracts"
    shutil.copytree(store.root, copy)
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (copy / "000001" / "score.csv.gz").write_bytes(b"x")
    (copy / "000001" / "unit.parquet").unlink()
    assert problems(Store(copy), 1) == ["score.csv.gz: its bytes differ from the manifest", "unit.parquet: missing"]
    manifest = copy / "000001" / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"provisional", b"final", 1))
    assert any("is not key" in said for said in problems(Store(copy), 1))
    key = sign.signer(county.settings)
    assert sign.verify(store.manifest_bytes(1), store.signature(1) or b"", key.public)
    assert store.manifest(1).key_id == key.key_id


def test_a_damaged_publication_makes_no_extract(county: County, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    shutil.copytree(county.settings.publications / "000001", settings.publications / "000001")
    path = settings.publications / "000001" / "score.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Stop, match=r"CH-PUB-004.*score\.parquet"):
        make(settings, 1)
    assert Store(root_of(settings)).sequences() == []


def test_what_is_carried_over_must_be_what_was_signed(months: Months) -> None:
    months.extract(MONTH, {"a": "1"})
    months.publish(MONTH, {"a": "1", "b": "2"})
    path = months.store.folder(1) / "ranking.parquet"
    path.chmod(0o644)
    path.write_bytes(b"x")
    with pytest.raises(Stop, match="CH-EXT-002"):
        make(months.settings, 2)


def test_another_key_signs_what_comes_and_what_was_signed_stays(
    months: Months, monkeypatch: pytest.MonkeyPatch
) -> None:
    months.extract(MONTH, {"a": "1"})
    monkeypatch.setenv("CITYHUB_EXTRACT_KEY", "11" * 32)
    months.extract(MONTH, {"a": "2"})
    store = months.store
    assert store.manifest(1).key_id != store.manifest(2).key_id
    assert problems(store, 1) == problems(store, 2) == []
    assert set(sign.public_keys(store.root)) == {store.manifest(1).key_id, store.manifest(2).key_id}
    monkeypatch.setenv("CITYHUB_EXTRACT_KEY", "nonsense")
    with pytest.raises(Stop, match="CH-EXT-007"):
        months.extract(MONTH, {"a": "3"})


def test_a_publication_by_command_has_its_extract(
    county: County, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_HOME", str(county.settings.home))
    shutil.rmtree(store.root)
    done = CliRunner().invoke(app, ["publish", "make", MONTH, "--reason", "again", "--day", "2026-11-19"])
    assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(app, ["extract", "show", "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.output)["problems"] == []
    listed = json.loads(CliRunner().invoke(app, ["extract", "list", "--json"]).output)
    assert [(item["sequence"], item["period"], item["data"]) for item in listed] == [(1, MONTH, True)]
