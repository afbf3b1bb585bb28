"""Everything is killed and restarted while messages come: each is in the warehouse once. `bench/loss.py` is the same at
full size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.loss import everything_killed
from flow import steps
from tests.servers.mosquitto import MOSQUITTO


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    yield
    for cached in (steps.opened, steps._connection):
        cached.cache_clear()


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed; the embedded broker keeps no session")
def test_killed_gateways_and_restarted_brokers_lose_nothing_and_store_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYHUB_HOME", str(tmp_path / "home"))
    told = everything_killed(tmp_path, messages=6000, kills=4, restarts=2)
    assert (told["stored"], told["missing"], told["twice"], told["quarantined"]) == (6000, 0, 0, 0)
    assert told["complete"]
    assert (told["gateway_kills"], told["broker_restarts"]) == (4, 2)
