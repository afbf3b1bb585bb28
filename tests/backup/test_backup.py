"""A backup is all of an installation, stored once, and a restore is the same installation or nothing."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from cityhub.errors import HubError, Stop, Usage
from cityhub.settings import Settings
from extracts.push.letters import counts
from extracts.push.outbox import Outbox
from extracts.push.outbox import path_of as outbox_of
from flow.recovery import problems
from tests.chaos.dump import differences, dump
from tests.plan.town import DAYS, Town, tasks
from warehouse import lake
from warehouse.backup import manifest
from warehouse.backup.freeze import frozen
from warehouse.backup.make import Made, make
from warehouse.backup.place import Place, place
from warehouse.backup.restore import Restored, restore
from warehouse.backup.verify import verify


@pytest.fixture
def store(tmp_path: Path) -> Place:
    return place(str(tmp_path / "store"))


def save(town: Town, store: Place, **how: Any) -> Made:
    """A backup, with the town's connection closed as that of another process."""
    return make(town.settings, store, **how)


def at(home: Path) -> Settings:
    return Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))


def bring(home: Path, store: Place, backup: str | None = None) -> Restored:
    return restore(at(home), store, manifest.read(store, backup), check=problems)


def object_of(store: Place, path: str) -> Path:
    (file,) = [file for file in manifest.read(store).files if file.path == path]
    return Path(store.root) / manifest.object_key(file.sha256)


def test_a_lost_machine_comes_back_with_the_same_numbers_and_goes_on(
    town: Town, store: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(town.settings)
    ranking = town.rows("SELECT * EXCLUDE (as_of) FROM ranking ORDER BY ALL")
    save(town, store)
    home = tmp_path / "elsewhere"
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    bring(home, store)
    assert differences(before, dump(at(home))) == {}
    back = Town.__new__(Town)
    back.reopen(home)
    assert (home / "publications" / "current").resolve().name == "000001"
    assert back.rows("SELECT DISTINCT landing_folder FROM load_log WHERE NOT starts_with(landing_folder, $h)".replace(
        "$h", f"'{home}/'")) == []  # fmt: skip
    back.night(DAYS[-1])
    assert back.rows("SELECT * EXCLUDE (as_of) FROM ranking ORDER BY ALL") == ranking
    assert not back.publish().new
    back.con.close()
    assert not (home / lake.RESTORING).exists()


def test_what_is_stored_already_is_not_stored_again(town: Town, store: Place) -> None:
    first = save(town, store)
    again = save(town, store)
    assert first.stored_files > 20
    assert again.files == first.files
    assert again.stored_files <= 1  # the catalog's copy, where it is not byte for byte the same
    town.deliver(DAYS[-1], tasks(DAYS[-1], done=4.0))
    third = save(town, store)
    assert 0 < third.stored_files < 20
    assert len(manifest.ids(store)) == 3
    for backup in manifest.ids(store):
        assert verify(store, manifest.read(store, backup)).ok


@pytest.mark.parametrize("harm", ["gone", "shorter", "another byte"])
def test_a_damaged_file_is_named_and_nothing_is_restored_as_whole(
    town: Town, store: Place, tmp_path: Path, harm: str
) -> None:
    save(town, store)
    file = next(f for f in manifest.read(store).files if f.path.startswith("home/publications/") and f.size > 100)
    path = object_of(store, file.path)
    content = bytearray(path.read_bytes())
    if harm == "gone":
        path.unlink()
    elif harm == "shorter":
        path.write_bytes(content[:-1])
    else:
        content[50] ^= 1
        path.write_bytes(content)
    assert file.path in verify(store, manifest.read(store)).problems
    with pytest.raises(Stop) as stopped:
        bring(tmp_path / "home", store)
    assert stopped.value.code == "CH-BACKUP-003"
    assert file.sha256 == next(f.sha256 for f in manifest.read(store).files if f.path == stopped.value.place["file"])
    assert not (tmp_path / "home" / "publications").exists()
    with pytest.raises(HubError) as refused:
        lake.connect(at(tmp_path / "home"))
    assert refused.value.code == "CH-BACKUP-010"
    if harm != "another byte":  # a list of names does not show it; `backup verify` does
        save(town, store)
        assert verify(store, manifest.read(store)).ok


def test_a_damaged_manifest_is_no_backup(town: Town, store: Place) -> None:
    made = save(town, store)
    path = Path(store.root) / "backups" / f"{made.id}.json"
    body = json.loads(path.read_text())
    body["backup"]["files"].pop()
    path.write_text(json.dumps(body))
    with pytest.raises(Stop) as stopped:
        manifest.read(store)
    assert stopped.value.code == "CH-BACKUP-002"


def test_a_home_in_use_is_refused(town: Town, store: Place, tmp_path: Path) -> None:
    save(town, store)
    before = town.state()
    with pytest.raises(Usage) as refused:
        bring(town.settings.home, store)
    assert refused.value.code == "CH-BACKUP-004"
    assert town.state() == before
    with pytest.raises(Stop) as none:
        manifest.read(place(str(tmp_path / "nothing")))
    assert none.value.code == "CH-BACKUP-001"


def test_upkeep_and_retention_beside_a_backup_take_nothing_away(
    town: Town, store: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = dump(town.settings)
    put = Place.put
    done = []

    def put_late(self: Place, key: str, source: Path, size: int) -> None:
        if not done:  # the moment is frozen: now everything goes that upkeep and retention can take
            done.append(key)
            shutil.rmtree(town.settings.data)
            shutil.rmtree(town.settings.landing)
        put(self, key, source, size)

    monkeypatch.setattr(Place, "put", put_late)
    save(town, store)
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    bring(tmp_path / "home", store)
    assert differences(wanted, dump(at(tmp_path / "home"))) == {}
    assert not (town.settings.home / ".backup").exists()


def test_a_segment_that_grows_is_cut_at_its_moment(town: Town, store: Place, tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    segment = town.settings.spool / "gas.alarm" / "0001.open"
    segment.parent.mkdir(parents=True)
    segment.write_bytes(b"first\n")
    put = Place.put

    def put_late(self: Place, key: str, source: Path, size: int) -> None:
        with segment.open("ab") as handle:
            handle.write(b"later\n")
        put(self, key, source, size)

    monkeypatch.setattr(Place, "put", put_late)
    save(town, store)
    monkeypatch.undo()
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    bring(tmp_path / "home", store)
    assert (tmp_path / "home" / "spool" / "gas.alarm" / "0001.open").read_bytes() == b"first\n"


def test_no_secret_is_in_a_backup(town: Town, store: Place) -> None:
    folder = town.settings.home / "secrets"
    folder.mkdir()
    (folder / "muck_app_secret").write_text("the-secret-of-muck-9471")
    (folder / "personal_key").write_text("the-key-of-persons-5520")
    save(town, store)
    for path in Path(store.root).rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"the-secret-of-muck-9471" not in content
        assert b"the-key-of-persons-5520" not in content
    assert not [f for f in manifest.read(store).files if "secrets" in f.path]


def test_a_file_that_leaves_its_folder_is_refused(town: Town, store: Place, tmp_path: Path) -> None:
    save(town, store)
    backup = manifest.read(store)
    evil = manifest.File("home/../../evil", 0, manifest.hashlib.sha256(b"").hexdigest())
    store.put_bytes(manifest.object_key(evil.sha256), b"")
    body = {**backup.__dict__, "files": (*backup.files, evil)}
    with pytest.raises(Stop) as stopped:
        restore(at(tmp_path / "home"), store, manifest.Backup(**body))
    assert stopped.value.code == "CH-BACKUP-002"
    assert not os.path.lexists(tmp_path / "evil")


def test_the_outbox_of_pushes_is_saved_as_it_was_while_a_push_goes_on(town: Town, store: Place, tmp_path: Path) -> None:
    outbox = Outbox(outbox_of(town.settings))
    outbox.fill("city", "ranking", 1, "rule", [({"unit": "juji"}, {"score": "1"})])
    with frozen(town.settings) as seen:
        outbox.con.execute("UPDATE item SET state = 'dead'")
        outbox.con.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        (held,) = [held for held in seen.files if held.path.startswith("home/push/")]
        copy = Outbox(None, copy_of=held.file)
        assert [(row["target"], row["state"], row["row_count"]) for row in counts(copy)] == [("city", "waiting", 1)]
        copy.close()
    outbox.close()
    save(town, store)
    bring(tmp_path / "elsewhere", store)
    back = Outbox(outbox_of(at(tmp_path / "elsewhere")))
    assert (counts(back)[0]["state"], back.token("city", "ranking")) == ("dead", (1, "rule"))
    back.close()
