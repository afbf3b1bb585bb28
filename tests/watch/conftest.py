"""A hub whose clock stands on the morning after `DAY`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.load.kit import NOW, Hub, settings_in


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    hub = Hub(settings_in(tmp_path_factory.mktemp("hub")))
    hub.prepare()
    yield hub
    hub.con.close()


@pytest.fixture
def hub(installation: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("CITYHUB_NOW", NOW.replace("T01:15", "T07:15"))
    yield installation
    installation.reset()
    installation.con.execute("DELETE FROM finding")
