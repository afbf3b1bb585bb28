"""Each segment lands once, whenever the run that takes it is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import zstandard

from cityhub.settings import REPOSITORY, Settings
from cityhub.spec.feed import FeedSpec
from sensors.envelope import encode
from sensors.segment import closed, living
from sensors.segments import collect, rotate
from sensors.spool import Spool
from tests.sensors.mqtt_peer import write_feed
from tests.waiting import wait_for
from warehouse.landing import deliveries

FEED = "water.level"
DAY = date(2026, 11, 20)
Make = Callable[..., FeedSpec]


def spool_ids(settings: Settings, *numbers: int) -> None:
    spool = Spool(settings.spool)
    for number in numbers:
        payload = json.dumps({"id": number}).encode()
        spool.append(FEED, encode("t/level/p1", payload, "2026-11-20T08:00:00+08:00", qos=1, retain=False, dup=False))
    spool.close()


def landed_ids(settings: Settings, feed: str) -> list[int]:
    """Ids of all landed records of a feed, over all days, in order."""
    root = settings.landing / feed
    manifests = [m for day in sorted(root.iterdir()) for m in deliveries(day)] if root.is_dir() else []
    return [
        json.loads(line)["id"]
        for manifest in manifests
        for part in manifest.parts
        for line in zstandard.ZstdDecompressor().stream_reader(manifest.path(part).read_bytes()).read().splitlines()
    ]


def test_segments_become_parts_with_the_payload_at_top_level(settings: Settings, make_spec: Make) -> None:
    spool_ids(settings, 1, 2)
    spool_ids(settings, 3)
    manifest = collect(settings, make_spec(), DAY)
    assert manifest is not None
    assert [part.format for part in manifest.parts] == ["ndjson", "ndjson"]
    assert all(part.request.startswith("spool:") for part in manifest.parts)
    first = zstandard.ZstdDecompressor().stream_reader(manifest.path(manifest.parts[0]).read_bytes()).read()
    assert json.loads(first.splitlines()[0]) == {
        "_topic": "t/level/p1",
        "_received_at": "2026-11-20T08:00:00+08:00",
        "_retained": False,
        "_duplicate": False,
        "id": 1,
    }
    assert landed_ids(settings, FEED) == [1, 2, 3]
    assert not closed(settings.spool / FEED)


def test_with_nothing_new_a_second_run_names_the_same_delivery(settings: Settings, make_spec: Make) -> None:
    spec = make_spec()
    assert collect(settings, spec, DAY) is None
    spool_ids(settings, 1)
    first = collect(settings, spec, DAY)
    assert first is not None
    assert collect(settings, spec, DAY) == first
    spool_ids(settings, 2)
    second = collect(settings, spec, DAY)
    assert second is not None
    assert second.load_id > first.load_id
    assert collect(settings, spec, DAY) == second
    assert landed_ids(settings, FEED) == [1, 2]


def test_a_segment_belongs_to_the_delivery_that_took_it_whatever_day_is_asked_next(
    settings: Settings, make_spec: Make
) -> None:
    spec = make_spec()
    spool_ids(settings, 1)
    collect(settings, spec, DAY)
    assert collect(settings, spec, date(2026, 11, 21)) is None
    assert landed_ids(settings, FEED) == [1]


def test_a_segment_of_a_dead_gateway_is_closed_and_taken(settings: Settings, make_spec: Make) -> None:
    spool_ids(settings, 1)
    (path,) = closed(settings.spool / FEED)
    path.rename(path.with_suffix(".open"))
    with path.with_suffix(".open").open("ab") as file:
        file.write(b'{"topic":"t/le')
    collect(settings, make_spec(), DAY)
    assert landed_ids(settings, FEED) == [1]
    assert not living(settings.spool / FEED)


def test_a_living_writer_is_asked_and_waited_for(settings: Settings) -> None:
    spool = Spool(settings.spool)
    spool.append(FEED, encode("t", b'{"id": 1}', "2026-11-20T08:00:00+08:00", qos=1, retain=False, dup=False))
    spool.flush()
    with ThreadPoolExecutor(1) as background:
        asked = background.submit(rotate, settings, FEED)
        wait_for(lambda: list((settings.spool / FEED).glob("*.close")))
        spool.tick()
        assert asked.result(30)
    assert len(closed(settings.spool / FEED)) == 1
    assert not list((settings.spool / FEED).glob("*.close"))


def test_a_writer_that_does_not_answer_holds_nobody_up(settings: Settings, make_spec: Make) -> None:
    spool_ids(settings, 1)
    spool = Spool(settings.spool)
    spool.append(FEED, encode("t", b'{"id": 2}', "2026-11-20T08:00:00+08:00", qos=1, retain=False, dup=False))
    spool.flush()
    assert not rotate(settings, FEED, timeout_s=0)
    assert len(living(settings.spool / FEED)) == 1
    spool.close()
    collect(settings, make_spec(), DAY)
    assert landed_ids(settings, FEED) == [1, 2]


# A child for each number of steps: it dies, as by kill -9, at that call which changes the disk.
KILLED = """
import os, sys
from datetime import date
from pathlib import Path
from cityhub.settings import Settings
from cityhub.spec.read import read_all
from sensors import segments
feeds, root, day = Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3])
(spec,) = read_all(feeds).values()
def dying(function):
    def wrapped(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(137)
        return function(*args, **kwargs)
    return wrapped
for home in sorted(root.iterdir()):
    child = os.fork()
    if not child:
        left = int(home.name)
        Path.unlink, Path.rename, Path.replace = dying(Path.unlink), dying(Path.rename), dying(Path.replace)
        os.fsync = dying(os.fsync)
        segments.collect(Settings(home, feeds, str(home / "c"), str(home / "d")), spec, day)
        os._exit(0)
    print(home.name, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_killed_at_each_step_a_segment_lands_exactly_once(settings: Settings, make_spec: Make, tmp_path: Path) -> None:
    spec, root = make_spec(), tmp_path / "steps"
    write_feed(settings, spec)
    homes = {
        f"{step:03d}": Settings(root / f"{step:03d}", settings.feeds, str(tmp_path / "c"), str(tmp_path / "d"))
        for step in range(40)
    }
    for own in homes.values():
        spool_ids(own, 1, 2)
        spool_ids(own, 3)
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.feeds), str(root), DAY.isoformat()],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        check=True,
    )
    codes = dict(line.split() for line in ended.stdout.decode().splitlines())
    killed = [name for name, code in codes.items() if code == "137"]
    assert len(killed) > 10
    assert codes[max(codes)] == "0"  # there are fewer steps than homes: every step was tried
    for name, own in homes.items():
        spool_ids(own, 4)
        next_day = DAY if int(name) % 2 else date(2026, 11, 21)  # the next run may be another day's
        assert collect(own, spec, next_day) is not None
        assert sorted(landed_ids(own, FEED)) == [1, 2, 3, 4], f"killed at step {name}"
        assert not closed(own.spool / FEED)


def test_two_runs_at_once_land_each_segment_once(settings: Settings, make_spec: Make) -> None:
    spec, start = make_spec(), threading.Barrier(2)
    spool_ids(settings, *range(5))

    def run(day: date) -> None:
        start.wait()
        collect(settings, spec, day)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, [DAY, date(2026, 11, 21)]))
    assert sorted(landed_ids(settings, FEED)) == list(range(5))
