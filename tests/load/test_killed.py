"""Invariant 1: a load killed at any point shows no half of itself, and the next run ends as if nothing had been."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from cityhub.settings import REPOSITORY
from tests.load.kit import Hub, feed
from warehouse.load import load

SPEC = feed(
    {"ts": {"from": "t", "type": "timestamp"}, "v": {"from": "v", "type": "double", "max": 90}},
    identity={"key": ["id", "ts"], "day_from": "ts"},
)
# After which call the process dies: rows staged, merged, in the ledger, all but committed, files synced.
POINTS = {
    "staged": ("load", "select_good"),
    "merged": ("load", "merge"),
    "recorded": ("ledger", "record_load"),
    "written": ("load", "_move_cursor"),
    "synced": ("lake", "_sync_new_files"),
}
TABLES = ("mk_trial", "quarantine", "delivery", "load_log", "dirty_day", "feed_cursor", "registry_history")


def pages(speed: float) -> list[list[dict[str, Any]]]:
    return [
        [
            {"id": f"V{i}", "t": f"2026-11-{19 + page} 08:00:{i % 60:02d}", "v": 99 if i % 50 == 0 else speed}
            for i in range(400)
        ]
        for page in range(2)
    ]


def state(hub: Hub) -> dict[str, list[tuple[Any, ...]]]:
    """All that the load writes, but for moments and ids of their own."""
    hidden = (
        "_load_id|load_id|last_load_id|_received_at|seen_at|started_at|finished_at|marked_at|as_of|landing_folder|loads"
    )
    return {
        name: hub.rows(
            f"SELECT COLUMNS(c -> NOT regexp_full_match(c, '{hidden}')) FROM {name} ORDER BY ALL".replace(
                "c ->", "lambda c:"
            )
        )
        for name in TABLES
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    from tests.load.kit import NOW, settings_in

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CITYHUB_NOW", NOW)
        hub = Hub(settings_in(tmp_path_factory.mktemp("undisturbed")))
        hub.prepare()
        hub.prepare(SPEC)
        hub.load(SPEC, *pages(1.0))
        hub.load(SPEC, *pages(2.0))
        return state(hub)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(hub: Hub, point: str, undisturbed: dict[str, list[tuple[Any, ...]]]) -> None:
    hub.prepare(SPEC)
    hub.load(SPEC, *pages(1.0))
    before = state(hub)
    manifest = hub.land(SPEC, *pages(2.0))
    # The newest delivery by name; both were made in the same millisecond of a clock that stands still.
    for folder in (hub.settings.landing / SPEC.feed / "2026-11-20").iterdir():
        if folder.name != manifest.load_id:
            folder.rename(folder.with_name(f".{folder.name}.older"))
    died = subprocess.run(
        [sys.executable, "-m", "tests.load.killed", str(hub.settings.home), point],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert died.returncode == -9, died.stderr
    assert state(hub) == before
    result = load(hub.settings, SPEC, manifest, con=hub.con)
    assert (result.updated, result.quarantined, result.repeated) == (784, 16, False)
    assert state(hub) == undisturbed
    assert load(hub.settings, SPEC, manifest, con=hub.con).repeated


def test_two_loads_of_one_feed_at_once_make_no_duplicates(hub: Hub) -> None:
    hub.prepare(SPEC)
    manifests = [hub.land(SPEC, *pages(speed)) for speed in (1.0, 2.0, 3.0)]
    manifests.append(manifests[0])
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            load(hub.settings, SPEC, manifests[number])
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert hub.rows("SELECT count(*), count(DISTINCT (id, ts)), count(DISTINCT v) FROM mk_trial") == [(784, 784, 1)]
    assert hub.one("SELECT count(*) FROM load_log") == 3


def test_readers_see_whole_loads_only(hub: Hub) -> None:
    hub.prepare(SPEC)
    hub.load(SPEC, *pages(1.0))
    begun, stop = threading.Event(), threading.Event()
    seen: list[tuple[Any, ...]] = []

    def read() -> None:
        with hub.connected() as con:
            while not stop.is_set():
                seen.extend(con.execute("SELECT count(*), count(DISTINCT v), max(v) FROM mk_trial").fetchall())
                begun.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(60)
    for speed in (2.0, 3.0, 4.0):
        hub.load(SPEC, *pages(speed))
    stop.set()
    reader.join()
    assert seen and {row[:2] for row in seen} == {(784, 1)}
    speeds = [row[2] for row in seen]
    assert speeds == sorted(speeds)
