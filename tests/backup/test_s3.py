"""Backups in an S3-compatible bucket: through a real server, with keys by name, and no key in any text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from cityhub.errors import Retry, Stop, Usage
from flow.recovery import problems
from tests.backup.test_backup import at
from tests.chaos.dump import differences, dump
from tests.plan.town import Town
from warehouse.backup import manifest
from warehouse.backup.make import make
from warehouse.backup.place import place
from warehouse.backup.restore import restore
from warehouse.backup.verify import verify

SECRET = "the-key-of-the-bucket-7731"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[fs.S3FileSystem]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    monkeypatch.setenv("CITYHUB_BACKUP_S3_ENDPOINT", endpoint)
    monkeypatch.setenv("CITYHUB_BACKUP_S3_KEY", "hub")
    monkeypatch.setenv("CITYHUB_BACKUP_S3_SECRET", SECRET)
    made = fs.S3FileSystem(
        access_key="hub", secret_key=SECRET, endpoint_override=endpoint, region="us-east-1", allow_bucket_creation=True
    )
    made.create_dir("county")
    yield made
    server.stop()


def test_saved_to_a_bucket_and_back(
    town: Town, bucket: fs.S3FileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place("s3://county/hub/a")
    first = make(town.settings, store)
    assert make(town.settings, store).stored_files <= 1 < first.stored_files
    backup = manifest.read(store)
    assert verify(store, backup).ok
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    restore(at(tmp_path / "home"), store, backup, check=problems)
    assert differences(dump(town.settings), dump(at(tmp_path / "home"))) == {}

    file = next(f for f in backup.files if f.path.startswith("home/landing/"))
    with bucket.open_output_stream(f"county/hub/a/{manifest.object_key(file.sha256)}") as stream:
        stream.write(b"x" * file.size)
    assert file.path in verify(store, backup).problems
    bucket.delete_file(f"county/hub/a/{manifest.object_key(file.sha256)}")
    with pytest.raises(Stop) as stopped:
        restore(at(tmp_path / "other"), store, backup)
    assert (stopped.value.code, stopped.value.place["file"]) == ("CH-BACKUP-003", file.path)


def test_a_bucket_that_does_not_answer_is_tried_again_later(
    town: Town, bucket: fs.S3FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Retry) as refused:
        make(town.settings, place("s3://no-such-bucket/hub"))
    assert refused.value.code == "CH-BACKUP-006"
    assert SECRET not in str(refused.value)
    with pytest.raises(Usage) as unknown:
        place("ftp://somewhere/else")
    assert unknown.value.code == "CH-BACKUP-012"
    monkeypatch.delenv("CITYHUB_BACKUP_S3_KEY")
    with pytest.raises(Stop) as unset:
        place("s3://county/hub")
    assert unset.value.code == "CH-CONF-001"
