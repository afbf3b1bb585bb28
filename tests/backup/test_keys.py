"""The personal key: sealed only when asked, put back only by its passphrase, and missed by name otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityhub.errors import Usage
from tests.backup.test_backup import at, bring
from tests.plan.town import Town
from warehouse.backup import manifest
from warehouse.backup.make import make
from warehouse.backup.place import place
from warehouse.personal import key

KEY, WORDS = "the-key-of-persons-5520", "eleven platforms, one county"


@pytest.fixture
def hashing(town: Town) -> Town:
    """A town whose warehouse knows the key of its hashes."""
    (town.settings.home / "secrets").mkdir()
    (town.settings.home / "secrets" / "personal_key").write_text(KEY)
    key.note(town.con, town.settings)
    return town


def test_without_the_key_a_restore_names_the_fingerprint(
    hashing: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place(str(tmp_path / "store"))
    make(hashing.settings, store)
    home = tmp_path / "home"
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    assert bring(home, store).key_missing == key.fingerprint(KEY)
    monkeypatch.setenv("CITYHUB_PERSONAL_KEY", KEY)
    assert bring(tmp_path / "other", store).key_missing is None


def test_a_sealed_key_comes_back_by_its_passphrase_only(
    hashing: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place(str(tmp_path / "store"))
    with pytest.raises(Usage) as none:
        make(hashing.settings, store, own_keys=True)
    monkeypatch.setenv("CITYHUB_BACKUP_PASSPHRASE", "short")
    with pytest.raises(Usage) as short:
        make(hashing.settings, store, own_keys=True)
    assert {none.value.code, short.value.code} == {"CH-BACKUP-011"}
    assert manifest.ids(store) == []
    monkeypatch.setenv("CITYHUB_BACKUP_PASSPHRASE", WORDS)
    made = make(hashing.settings, store, own_keys=True)
    text = (Path(store.root) / "backups" / f"{made.id}.json").read_text()
    assert KEY not in text
    assert WORDS not in text

    home = tmp_path / "home"
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    monkeypatch.setenv("CITYHUB_BACKUP_PASSPHRASE", "another passphrase")
    with pytest.raises(Usage) as wrong:
        bring(home, store)
    assert wrong.value.code == "CH-BACKUP-011"
    monkeypatch.setenv("CITYHUB_BACKUP_PASSPHRASE", WORDS)
    assert bring(home, store).key_missing is None
    file = at(home).home / "secrets" / "personal_key"
    assert file.read_text() == KEY
    assert file.stat().st_mode & 0o777 == 0o600
