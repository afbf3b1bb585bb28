"""The drill of docs/recovery.md by the command line alone: the machine is lost, restore, run, the same numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.backup.test_backup import at
from tests.chaos.dump import differences, dump
from tests.night.hub import Hub
from tests.night.small import NIGHT, feeds_in


@pytest.mark.slow
def test_restored_and_another_night_equals_undisturbed(tmp_path: Path) -> None:
    specs = {"CITYHUB_FEEDS": str(feeds_in(tmp_path / "feeds"))}
    hub = Hub(tmp_path / "machine")
    assert hub.run(*NIGHT, **specs).returncode in {0, 1}
    saved = hub.run("backup", str(tmp_path / "store"), "--json", **specs)
    assert saved.returncode == 0, saved.stdout + saved.stderr
    assert hub.run("backup", "verify", str(tmp_path / "store"), **specs).returncode == 0
    ranking = hub.rows("SELECT * EXCLUDE (as_of) FROM ranking ORDER BY ALL")
    assert hub.run(*NIGHT, **specs).returncode in {0, 1}
    undisturbed = dump(at(hub.home))
    # the city lives on when the machine is lost; its folder stands for the platforms
    new = Hub(tmp_path / "new machine")
    shutil.move(hub.home / "sandbox", tmp_path / "sandbox")
    shutil.rmtree(hub.home)
    done = new.run("restore", str(tmp_path / "store"), "--json", **specs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["key_missing"] is None
    shutil.move(tmp_path / "sandbox", new.home / "sandbox")
    assert new.rows("SELECT * EXCLUDE (as_of) FROM ranking ORDER BY ALL") == ranking
    assert new.run(*NIGHT, **specs).returncode in {0, 1}
    assert differences(undisturbed, dump(at(new.home))) == {}
