"""Folders of servers that cannot stand in the home."""

import shutil
import tempfile
from pathlib import Path

import pytest

from sandbox.child import COMPLETE, TEMPORARY, discard


def test_what_a_kill_leaves_of_a_discarded_folder_is_no_finished_one(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(prefix=TEMPORARY))
    (folder / "data").mkdir()
    (folder / COMPLETE).touch()
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)  # killed before it has done anything
        discard(folder)
    assert [path.name for path in folder.iterdir()] == ["data"]
    discard(folder)
    assert not folder.exists()


def test_a_folder_in_the_home_stays(tmp_path: Path) -> None:
    (tmp_path / COMPLETE).touch()
    discard(tmp_path)
    assert (tmp_path / COMPLETE).exists()
