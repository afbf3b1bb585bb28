"""An installation whose catalog is in PostgreSQL: its backup holds the catalog as a file, and comes back on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flow.recovery import problems
from tests.chaos.dump import differences, dump
from tests.load.kit import NOW, Hub, feed, settings_in
from tests.servers.postgres import binaries, postgres
from warehouse.backup import manifest
from warehouse.backup.make import make
from warehouse.backup.place import place
from warehouse.backup.restore import restore
from warehouse.backup.verify import verify

SPEC = feed({"v": {"from": "v", "type": "double", "min": 0}})


@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed")
def test_a_catalog_in_postgresql_comes_back_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    store, elsewhere = place(str(tmp_path / "store")), settings_in(tmp_path / "elsewhere")
    with postgres() as server:
        monkeypatch.setenv("PGPASSWORD", server.password)
        catalog = f"postgres:dbname=exchange host={server.host} port={server.port} user={server.user}"
        settings = replace(settings_in(tmp_path / "home"), catalog=catalog)
        hub = Hub(settings)
        hub.prepare(SPEC)
        hub.load(SPEC, [{"id": str(n), "v": n} for n in range(5000)])
        hub.load(SPEC, [{"id": "7", "v": 8.5}, {"id": "x", "v": -1}])
        before = dump(settings)
        hub.con.close()
        make(settings, store)
    backup = manifest.read(store)
    assert verify(store, backup).ok
    monkeypatch.setenv("CITYHUB_HOME", str(elsewhere.home))
    restore(elsewhere, store, backup, check=problems)
    assert differences(before, dump(elsewhere)) == {}
    back = Hub(elsewhere)
    assert back.one("SELECT count(*) FROM mk_trial") == 5000
    assert back.one("SELECT v FROM mk_trial WHERE id = '7'") == 8.5
    assert back.load(SPEC, [{"id": "7", "v": 9.5}]).updated == 1
    back.con.close()
