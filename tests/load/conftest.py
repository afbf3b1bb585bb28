"""A prepared hub for each test; the tests of a worker share its folder, since making one costs a second."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.load.kit import NOW, Hub, settings_in


@pytest.fixture(scope="session")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One hub of the test process."""
    hub = Hub(settings_in(tmp_path_factory.mktemp("load") / "hub"))
    hub.prepare()
    yield hub
    hub.con.close()


@pytest.fixture
def hub(shared_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with its core tables, at a quarter past one on the day after the service day."""
    monkeypatch.setenv("CITYHUB_NOW", NOW)
    yield shared_hub
    shared_hub.reset()
