"""Rows of feeds go only where a grant names them: by key, by ferry, by pull."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from cityhub.errors import HubError, Stop
from extracts.bundle import bundle
from extracts.datasets import DATASETS
from extracts.pull.run import pull
from extracts.pull.source import HttpSource, ferried
from extracts.verify import verify
from tests.extracts.hub import client, key, served
from tests.extracts.shelf import Shelf
from tests.serving.service import Client

CASES = "detail_case"
GRANTED = [name for name, dataset in DATASETS.items() if dataset.by_grant]


@pytest.fixture
def address(shelf: Shelf) -> Iterator[str]:
    """A service whose one publication holds cases of two units and a ranking."""
    cases = [{"case_no": f"AJ{n}", "unit": unit} for n, unit in enumerate(("juji", "jincheng", "juji"), 1)]
    shelf.put(detail_case=cases, ranking=[{"scheme": "s", "league": "l", "unit": "juji", "unit_name": "产业集聚区"}])
    with served(shelf) as found:
        yield found


def targets(shelf: Shelf) -> list[str]:
    """Every address that tells rows or files of the cases."""
    made = shelf.store.manifest(1)
    files = [f"/v1/files/{item.sha256}.{item.format}" for item in made.files if item.dataset == CASES]
    room = f"/v1/datasets/{CASES}"
    return [f"{room}/records", f"{room}/changes?since=0", f"{room}/schema", f"{room}/publications",
            f"{room}/publications/latest", *files]  # fmt: skip


def test_details_are_datasets_of_every_kind_of_row_that_is_declared() -> None:
    assert CASES in GRANTED and all(name.startswith("detail_") for name in GRANTED)
    assert not any(name.startswith("detail_") for name in DATASETS if name not in GRANTED)


def test_all_is_all_but_what_is_granted_by_name(shelf: Shelf, address: str) -> None:
    everything = Client(address, key(shelf))
    assert [item["id"] for item in everything.page("/v1/catalog")["datasets"] if item["id"] in GRANTED] == []
    assert {target: everything.get(target).code for target in targets(shelf)} == dict.fromkeys(
        targets(shelf), "CH-SERVE-004"
    )
    named = Client(address, key(shelf, "police", "all", CASES))
    told = [item["id"] for item in named.page("/v1/catalog")["datasets"]]
    assert [name for name in told if name in GRANTED] == [CASES] and "ranking" in told
    assert {target: named.get(target).status for target in targets(shelf)} == dict.fromkeys(targets(shelf), 200)
    one = Client(address, key(shelf, "one", CASES, units=("juji",)))
    assert [row["case_no"] for row in one.page(f"/v1/datasets/{CASES}/records")["items"]] == ["AJ1", "AJ3"]
    assert one.get("/v1/datasets/ranking/records").code == "CH-SERVE-004"


def test_pull_takes_what_the_key_is_granted(shelf: Shelf, address: str, tmp_path: Path) -> None:
    pull(HttpSource(client(address, key(shelf))), tmp_path / "all.duckdb")
    pull(HttpSource(client(address, key(shelf, "named", "all", CASES))), tmp_path / "named.duckdb")
    for name, wanted in (("all", {"ranking"}), ("named", {"ranking", CASES})):
        with duckdb.connect(str(tmp_path / f"{name}.duckdb"), read_only=True) as con:
            found = con.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall()
            assert {row[0] for row in found} == wanted
    with pytest.raises(HubError) as caught:
        pull(HttpSource(client(address, key(shelf, "other"))), tmp_path / "asked.duckdb", datasets=[CASES])
    assert isinstance(caught.value, Stop)


def test_a_ferry_takes_details_only_where_they_are_named(shelf: Shelf, address: str, tmp_path: Path) -> None:
    whole = Path(bundle(shelf.settings, tmp_path / "whole.tar").file)
    named = Path(bundle(shelf.settings, tmp_path / "named.tar", datasets=["ranking", CASES]).file)
    for path, wanted in ((whole, ["ranking"]), (named, ["ranking", CASES])):
        assert verify(path).ok
        assert b"AJ2" not in path.read_bytes() or CASES in wanted
        into = tmp_path / f"{path.stem}.duckdb"
        found = pull(ferried(path, into, None), into)
        assert sorted(item.dataset for item in found) == sorted(wanted)
