import json
import os
from pathlib import Path

import pytest

from tests.night.hub import DAY, REPOSITORY, Hub


@pytest.fixture(scope="session")
def records() -> Path:
    """The folder of public records; tests that need them say so when it is absent."""
    shared = Path(os.environ.get("CITYHUB_SHARED") or REPOSITORY.parent / "shared")
    if not (shared / "data").is_dir():
        pytest.skip(f"no public records: {shared / 'data'} is absent (set CITYHUB_SHARED)")
    return shared / "data"


@pytest.fixture(scope="session")
def first_night(tmp_path_factory):
    """A hub after one undisturbed demo night; tests that share it only read."""
    hub = Hub(tmp_path_factory.mktemp("hub"))
    done = hub.run("nightly", "--day", DAY, "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return hub, json.loads(done.stdout)
