"""A full disk, folders that cannot be written, clocks that jump, servers that vanish, files that are half: an honest
error, nothing half in the warehouse, and after the next night the same state as if nothing had happened."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import sound
from tests.chaos.blows import members
from tests.chaos.chain import settings_of
from tests.chaos.dump import differences, dump
from tests.night.hub import DAY, REPOSITORY, Hub
from tests.night.small import NIGHT
from tests.servers.postgres import binaries
from tests.waiting import wait_for

FULL = pytest.mark.full
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("chaos")]
own_mounts = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="a mount of our own needs root and unshare"
)


def in_own_mounts(*words):
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-m", "tests.chaos.cramped", *map(str, words)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def assert_honest_then_equal(told, undisturbed):
    assert told["first"] not in {0, None}, told["said"]
    assert "CH-" in told["said"] and "Traceback" not in told["said"], told["said"]
    assert told["unsound"] == []
    assert told["second"] == 0, told["then"]
    assert differences(told["dump"], undisturbed.content) == {}


@own_mounts
@pytest.mark.parametrize("share", [0.8, *(pytest.param(share, marks=FULL) for share in (0.65, 0.95))])
def test_a_full_disk_costs_one_night_and_nothing_else(share, undisturbed, tmp_path):
    told = in_own_mounts("full", tmp_path / "hub", undisturbed.feeds, int(undisturbed.bytes * share / 2**20))
    assert_honest_then_equal(told, undisturbed)


@own_mounts
@pytest.mark.parametrize(
    "folder",
    ["landing", *(pytest.param(name, marks=FULL) for name in ("lake", "publications", "spool", "locks", "tmp"))],
)
def test_a_folder_that_cannot_be_written_costs_one_night_and_nothing_else(folder, undisturbed, tmp_path):
    told = in_own_mounts("sealed", tmp_path / "hub", undisturbed.feeds, folder)
    assert_honest_then_equal(told, undisturbed)


def finish(hub, undisturbed):
    done = hub.run(*NIGHT, CITYHUB_FEEDS=str(undisturbed.feeds))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    settings = settings_of(hub, undisturbed.feeds)
    assert sound.faults(settings) == []
    assert differences(dump(settings), undisturbed.content) == {}


@FULL
@pytest.mark.parametrize("moment", ["2026-11-24T03:00:00+08:00", "2026-11-21T00:10:00+08:00"])
def test_a_clock_that_jumps_between_nights_changes_nothing(moment, undisturbed, tmp_path):
    hub = Hub(tmp_path / "hub")
    disturbed = hub.run(*NIGHT, "--fault", "muck=dead", CITYHUB_FEEDS=str(undisturbed.feeds), CITYHUB_NOW=moment)
    assert disturbed.returncode == 1
    finish(hub, undisturbed)


INSTALLED = {
    "mosquitto": bool(shutil.which("mosquitto")) or Path("/usr/sbin/mosquitto").exists(),
    "postgres": binaries() is not None,
}


@FULL
@pytest.mark.parametrize("server", INSTALLED)
def test_a_server_that_vanishes_costs_its_feeds_one_night(server, undisturbed, tmp_path):
    if not INSTALLED[server]:
        pytest.skip(f"{server} is not installed, the sandbox uses an embedded one in its own process")
    hub = Hub(tmp_path / "hub")
    night = hub.start(*NIGHT, CITYHUB_FEEDS=str(undisturbed.feeds))

    def running():
        # A server that does not come up is started anew by the city itself: only then it is a disaster.
        if not (hub.home / "sandbox" / "ready.json").exists():
            return []
        return [number for number, name in members(hub.home).items() if name.startswith(server)]

    for number in wait_for(running, 120):
        os.kill(number, 9)
    night.communicate(timeout=600)
    assert night.returncode != 0
    finish(hub, undisturbed)


def test_files_that_are_half_written_are_made_whole(undisturbed, tmp_path):
    """What a crashed machine leaves: names without content. Landing bodies are fetched again, rests are removed."""
    hub = Hub(tmp_path / "hub")
    broken = hub.run(*NIGHT, "--fault", "dust=dead", CITYHUB_FEEDS=str(undisturbed.feeds))
    assert broken.returncode == 1
    landing = hub.home / "landing"
    rest = landing / "dust.sample" / DAY / ".20261121T000000000-dead.partial"
    rest.mkdir(parents=True)
    (rest / "000001.json.zst").write_bytes(b"\x28\xb5\x2f\xfd\x00")
    (landing / "dust.sample" / DAY / "20261121T000000001-dead").mkdir()
    (hub.home / "lake" / "catalog.sqlite.new").write_bytes(b"SQLite format 3\x00")
    partial = hub.home / "publications" / ".000002.partial"
    partial.mkdir()
    (partial / "score.parquet").write_bytes(b"PAR1")
    finish(hub, undisturbed)
