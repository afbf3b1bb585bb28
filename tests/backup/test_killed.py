"""A backup that is killed does not exist; a restore that is killed goes on, and is no installation until its end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cityhub.errors import Stop, Usage
from cityhub.settings import REPOSITORY
from tests.backup.test_backup import at, bring
from tests.chaos.dump import differences, dump
from tests.plan.town import Town
from warehouse import lake
from warehouse.backup import manifest
from warehouse.backup.make import make
from warehouse.backup.place import place
from warehouse.backup.verify import verify

# Dies in front of the n-th call of a function of a module.
DYING = """
import importlib, os, signal, sys
from pathlib import Path
from flow.recovery import problems
from tests.backup.test_backup import at
from warehouse.backup import manifest
from warehouse.backup.make import make
from warehouse.backup.place import place
from warehouse.backup.restore import restore
what, home, store, where, name, left = *sys.argv[1:6], int(sys.argv[6])
owner = importlib.import_module(where)
*path, last = name.split(".")
for part in path:
    owner = getattr(owner, part)
real = getattr(owner, last)
def dying(*args, **more):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **more)
setattr(owner, last, dying)
store = place(store)
if what == "backup":
    make(at(Path(home)), store)
else:
    restore(at(Path(home)), store, manifest.read(store), check=problems)
"""
RESTORE = "warehouse.backup.restore"


def kill(what: str, home: Path, store: str, where: str, name: str, left: int) -> None:
    command = [sys.executable, "-c", DYING, what, str(home), store, where, name, str(left)]
    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_killed_backup_does_not_exist_and_serves_the_next(town: Town, tmp_path: Path) -> None:
    store = place(str(tmp_path / "store"))
    kill("backup", town.settings.home, store.address, "warehouse.backup.place", "Place.put", 12)
    with pytest.raises(Stop):
        manifest.read(store)
    made = make(town.settings, store)
    there = len(store.sizes(manifest.OBJECTS))
    assert made.stored_files < there
    assert verify(store, manifest.read(store)).ok
    assert not (town.settings.home / ".backup").exists()


@pytest.mark.parametrize(
    ("where", "name", "left"),
    [
        (RESTORE, "_bring", 15),
        ("pathlib", "Path.rename", 1),
        (RESTORE, "_relocate", 0),
        (RESTORE, "_give_name", 0),
        (RESTORE, "shutil.rmtree", 0),
    ],
)
def test_a_killed_restore_goes_on(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, name: str, left: int
) -> None:
    store = place(str(tmp_path / "store"))
    make(town.settings, store)
    home = tmp_path / "home"
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    kill("restore", home, store.address, where, name, left)
    if name != "shutil.rmtree":  # the last thing; the catalog has its name by then
        with pytest.raises(Stop) as refused:
            lake.connect(at(home))
        assert refused.value.code == "CH-BACKUP-010"
    make(town.settings, store)
    with pytest.raises(Usage) as other:  # another backup is not mixed in
        bring(home, store)
    assert other.value.code == "CH-BACKUP-004"
    bring(home, store, manifest.ids(store)[0])
    assert differences(dump(town.settings), dump(at(home))) == {}
    assert not (home / lake.RESTORING).exists()
