"""Who pulls a publication has the dictionary beside the files, and it is true of them."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from scoring.publication import dictionary, manifest
from scoring.publication.export import VIEWS
from tests.analysts.conftest import Town
from warehouse.dictionary import words
from warehouse.dictionary.entry import gaps

pytestmark = pytest.mark.xdist_group("analysts")


@pytest.fixture(scope="module")
def package(town: Town) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((town.folder / dictionary.NAME).read_text(encoding="utf-8"))
    return content


def test_every_dataset_and_column_is_described_as_it_is(town: Town, package: dict[str, Any]) -> None:
    con = duckdb.connect()
    resources = {item["name"]: item for item in package["resources"]}
    assert sorted(resources) == sorted(path.stem for path in town.folder.glob("*.parquet"))
    for name, item in resources.items():
        assert (town.folder / item["path"]).is_file() and (town.folder / item["parquet"]).is_file()
        columns = con.execute(f"DESCRIBE SELECT * FROM read_parquet('{town.folder / item['parquet']}')").fetchall()
        assert [field["name"] for field in item["schema"]["fields"]] == [row[0] for row in columns], name
        header = (town.folder / item["path"]).read_text(encoding="utf-8").splitlines()[0]
        assert header.split(",") == [row[0] for row in columns]


def test_nothing_in_it_is_undescribed(town: Town) -> None:
    unitless = words.read().names("none")
    con = duckdb.connect()
    assert [line for table in dictionary.tables(con, town.folder) for line in gaps(table, unitless)] == []


def test_keys_are_keys_and_what_is_never_empty_is_not(town: Town, package: dict[str, Any]) -> None:
    con = duckdb.connect()
    filled = 0
    for item in package["resources"]:
        source = f"read_parquet('{town.folder / item['parquet']}')"
        key = ", ".join(f'"{name}"' for name in item["schema"]["primaryKey"])
        counted = con.execute(f"SELECT count(*), count(DISTINCT ({key})) FROM {source}").fetchone()
        assert counted and counted[0] == counted[1], item["name"]
        filled += counted[0] > 0
        for field in item["schema"]["fields"]:
            if field.get("constraints", {}).get("required"):
                empty = con.execute(f'SELECT count(*) FROM {source} WHERE "{field["name"]}" IS NULL').fetchone()
                assert empty == (0,), (item["name"], field["name"])
    assert filled >= 12


def test_it_is_one_of_the_files_that_the_manifest_seals(town: Town) -> None:
    found = manifest.read(town.folder)
    assert dictionary.NAME in {file.path for file in found.files}
    names = {
        row[0] for row in duckdb.connect(str(town.folder / VIEWS), read_only=True).execute("SHOW TABLES").fetchall()
    }
    assert names == {path.stem for path in town.folder.glob("*.parquet")}


def test_a_dataset_that_nobody_described_is_noticed() -> None:
    strange = dictionary.table("stranger", [("code", "VARCHAR"), ("oddity", "DOUBLE")])
    told = list(gaps(strange, frozenset()))
    assert "stranger: no title in English" in told and "stranger.oddity: no unit" in told
