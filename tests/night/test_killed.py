"""`kill -9` in the middle of each stage, then the night again: the same final state as an undisturbed run."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chaos.blows import members
from tests.night.hub import Hub
from tests.night.small import FEEDS, feeds_in
from tests.night.small import NIGHT as SMALL
from tests.waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("killed")]

NIGHT = (*SMALL, "--scale", "0.1")


@pytest.fixture(scope="module")
def feeds(tmp_path_factory) -> Path:
    return feeds_in(tmp_path_factory.mktemp("feeds"))


@pytest.fixture(scope="module")
def undisturbed(feeds, tmp_path_factory):
    hub = Hub(tmp_path_factory.mktemp("undisturbed"))
    done = hub.run(*NIGHT, CITYHUB_FEEDS=str(feeds))
    assert done.returncode in {0, 1}, done.stderr[-2000:]
    return hub.state()


def landing_under_way(home: Path) -> bool:
    return any((home / "landing").glob("*/*/.*.partial"))


def dags_done(number: int) -> Callable[[Path], bool]:
    def condition(home: Path) -> bool:
        progress = home / "logs" / "progress.jsonl"
        return progress.exists() and progress.read_text().count("\n") >= number

    return condition


def lake_is_written(home: Path) -> bool:
    return dags_done(2)(home) and any((home / "lake" / "data").rglob("*.parquet"))


def publication_under_way(home: Path) -> bool:
    return (home / "publications").is_dir() and any((home / "publications").iterdir())


STAGES = {
    "landing": landing_under_way,
    "loading": lake_is_written,
    "quality": dags_done(len(FEEDS)),
    "indicators": dags_done(len(FEEDS) + 1),
    "scoring": dags_done(len(FEEDS) + 2),
    "publication": publication_under_way,
}


def kill_all(home: Path) -> None:
    """SIGKILL every process of this hub at once: parent, Airflow runner, gateway, sandbox."""
    for number in members(home):
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_night_and_another_equal_an_undisturbed_one(stage, feeds, undisturbed, tmp_path):
    hub = Hub(tmp_path / "hub")
    night = hub.start(*NIGHT, CITYHUB_FEEDS=str(feeds))
    wait_for(lambda: STAGES[stage](hub.home) or night.poll() is not None, 180)
    kill_all(hub.home)
    night.communicate(timeout=60)
    again = hub.run(*NIGHT, CITYHUB_FEEDS=str(feeds))
    assert again.returncode in {0, 1}, again.stderr[-2000:]
    state = hub.state()
    assert {name for name in undisturbed if state.get(name) != undisturbed[name]} == set()
