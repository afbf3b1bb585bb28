"""What holds for every test."""

import os
import shutil
import tempfile

import pytest
from hypothesis import settings

# A loaded machine is no failure: no test has a time limit of its own.
settings.register_profile("hub", deadline=None)
settings.load_profile("hub")


def pytest_configure(config: pytest.Config) -> None:
    """No test sees this installation's own secrets and data, or the settings of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("CITYHUB_") and name != "CITYHUB_SHARED"]:
        del os.environ[name]
    home = tempfile.mkdtemp(prefix="cityhub-tests-")
    os.environ["CITYHUB_HOME"] = home
    # A few rows need no second thread, and two for each of the workers cost half as much again.
    os.environ["CITYHUB_THREADS"] = "1"
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
