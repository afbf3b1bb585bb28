"""The production catalog: the same code on PostgreSQL, several writers at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cityhub.errors import Retry
from cityhub.settings import Settings
from tests.load.kit import NOW, Hub, feed, settings_in
from tests.servers.postgres import Postgres, binaries, postgres
from warehouse import lake

pytestmark = pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed")

FIELDS = {"v": {"from": "v", "type": "double"}}
PLAIN = feed(FIELDS)
OTHER = feed(FIELDS, feed="muck.other", table="mk_other")


def catalog_of(server: Postgres) -> str:
    return f"postgres:dbname=exchange host={server.host} port={server.port} user={server.user}"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture
def settings(server: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    monkeypatch.setenv("PGPASSWORD", server.password)
    return replace(settings_in(tmp_path), catalog=catalog_of(server))


def test_a_load_a_repetition_and_two_writers_at_once(settings: Settings) -> None:
    hub = Hub(settings)
    hub.prepare(PLAIN, OTHER)
    rows = [{"id": str(number), "v": number} for number in range(1000)]
    assert hub.load(PLAIN, rows).inserted == 1000
    again = hub.load(PLAIN, rows)
    assert (again.repeated, again.inserted) == (True, 1000)

    def one(spec_number: int) -> int:
        mine = Hub(settings)
        spec = (PLAIN, OTHER)[spec_number]
        try:
            return mine.load(spec, [{"id": f"n{number}", "v": number} for number in range(500)]).inserted
        finally:
            mine.con.close()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(one, (0, 1))) == [500, 500]
    reader = lake.connect(settings, read_only=True)
    try:
        found = reader.execute("SELECT (SELECT count(*) FROM mk_trial), (SELECT count(*) FROM mk_other)").fetchone()
        assert found == (1500, 500)
        assert reader.execute("SELECT count(*), sum(landed) FROM load_log").fetchone() == (3, 2000)
    finally:
        reader.close()
        hub.con.close()


def test_a_refused_catalog_is_one_error_without_its_password(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD")
    with pytest.raises(Retry) as caught:
        lake.connect(replace(settings, catalog=settings.catalog + " password=hunter2-hunter2"))
    assert caught.value.code == "CH-LAKE-002"
    assert "hunter2" not in caught.value.text()
    assert "host=127.0.0.1" in caught.value.text()
