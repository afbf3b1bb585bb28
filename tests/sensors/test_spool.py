"""Acknowledged means on disk: torn tails, killed writers, full disks."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sensors.envelope import encode
from sensors.segment import closed, living, recover
from sensors.spool import Limits, Spool
from tests.waiting import wait_for

FEED = "water.level"
AT = "2026-11-20T08:00:00.000+08:00"


def message(number: int) -> bytes:
    return encode("t/1", json.dumps({"id": number}).encode(), AT, qos=1, retain=False, dup=False)


def ids(folder: Path) -> list[int]:
    return [json.loads(line)["payload"]["id"] for path in closed(folder) for line in path.read_bytes().splitlines()]


class Disk:
    """The two system calls of the spool, which can be told to be full; what they wrote can be cut short."""

    def __init__(self) -> None:
        self.full = False
        self.torn_after = 0
        self.syncs = 0

    def write(self, fd: int, data: memoryview) -> int:
        if self.full:
            if self.torn_after:
                written, self.torn_after = os.write(fd, data[: self.torn_after]), 0
                return written
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        os.fsync(fd)
        self.syncs += 1


@pytest.fixture
def disk() -> Disk:
    return Disk()


def made(root: Path, disk: Disk, **limits: float) -> Spool:
    return Spool(root, Limits(**{"retry_s": 0.0, **limits}), write=disk.write, sync=disk.sync)  # type: ignore[arg-type]


def test_a_message_is_acknowledged_only_after_its_group_is_synced(tmp_path: Path, disk: Disk) -> None:
    spool, seen = made(tmp_path, disk), []
    tickets = [spool.append(FEED, message(n), lambda n=n: seen.append((n, disk.syncs))) for n in range(3)]
    assert tickets == [1, 2, 3]
    assert not seen
    assert spool.flush()
    assert seen == [(0, 1), (1, 1), (2, 1)]
    spool.close()
    assert ids(tmp_path / FEED) == [0, 1, 2]


def test_a_group_is_due_by_number_and_by_age(tmp_path: Path, disk: Disk) -> None:
    spool = made(tmp_path, disk, group_lines=2, group_s=3600)
    spool.append(FEED, message(0))
    assert not spool.due
    spool.append(FEED, message(1))
    assert spool.due
    quick = made(tmp_path, disk, group_lines=1000, group_s=0)
    assert not quick.due
    quick.append(FEED, message(2))
    assert quick.due


def test_segments_close_by_size_and_by_age(tmp_path: Path, disk: Disk) -> None:
    spool = made(tmp_path, disk, segment_bytes=150, segment_age_s=0)
    for n in range(4):
        spool.append(FEED, message(n))
        spool.flush()
    assert len(closed(tmp_path / FEED)) == 2
    spool.append(FEED, message(4))
    spool.flush()
    spool.tick()
    assert len(closed(tmp_path / FEED)) == 3
    assert not living(tmp_path / FEED)
    assert ids(tmp_path / FEED) == [0, 1, 2, 3, 4]


def test_a_segment_without_lines_leaves_no_file(tmp_path: Path, disk: Disk) -> None:
    spool = made(tmp_path, disk)
    spool.close()
    assert not (tmp_path / FEED).exists()


@pytest.mark.parametrize("tail", [b'{"topic":"t/1","rece', b'{"a":1}', b"\0" * 300, b"\n", b'{"topic":\n{"a":1}\n'])
def test_a_torn_tail_is_cut_and_every_whole_line_before_it_stays(tmp_path: Path, tail: bytes) -> None:
    folder = tmp_path / FEED
    folder.mkdir()
    (folder / "00000000000000000001-abcdef.open").write_bytes(message(1) + message(2) + tail)
    done, cut = recover(folder)
    assert cut == len(tail)
    assert [path.name for path in done] == ["00000000000000000001-abcdef.ndjson"]
    assert ids(folder) == [1, 2]
    assert recover(folder) == ([], 0)


def test_an_open_segment_of_a_living_writer_is_left_alone(tmp_path: Path, disk: Disk) -> None:
    spool = made(tmp_path, disk)
    spool.append(FEED, message(1))
    spool.flush()
    assert recover(tmp_path / FEED) == ([], 0)
    spool.append(FEED, message(2))
    spool.close()
    assert ids(tmp_path / FEED) == [1, 2]


def test_a_full_disk_stops_acknowledging_says_so_and_goes_on_by_itself(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    spool, seen = made(tmp_path, disk), []
    spool.append(FEED, message(1), lambda: seen.append(1))
    assert spool.flush()
    disk.full, disk.torn_after = True, 20
    for n in (2, 3):
        spool.append(FEED, message(n), lambda n=n: seen.append(n))
    for _ in range(3):
        assert not spool.flush()
    assert seen == [1]
    assert spool.failure is not None
    assert spool.failure.code == "CH-PUSH-010"
    assert ids(tmp_path / FEED) == [1]  # the torn write is gone from the segment
    disk.full = False
    assert spool.flush()
    assert seen == [1, 2, 3]
    assert spool.failure is None
    spool.close()
    assert ids(tmp_path / FEED) == [1, 2, 3]
    said = [record.getMessage().split()[0] for record in caplog.records]
    assert said == ["spool_cannot_write", "spool_writes_again"]


def test_a_failed_sync_is_never_trusted_again(tmp_path: Path) -> None:
    calls: list[int] = []

    def sync(fd: int) -> None:
        calls.append(fd)
        if len(calls) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        os.fsync(fd)

    spool = Spool(tmp_path, Limits(retry_s=0), sync=sync)
    spool.append(FEED, message(1))
    assert not spool.flush()
    assert not living(tmp_path / FEED)  # that segment was given up
    assert spool.flush()
    spool.close()
    assert ids(tmp_path / FEED) == [1]


def test_memory_is_bounded_by_telling_the_reader_to_stop(tmp_path: Path, disk: Disk) -> None:
    spool = made(tmp_path, disk, pending_bytes=300)
    disk.full = True
    while not spool.full:
        spool.append(FEED, message(1))
        spool.flush()
    assert spool.waiting < 10
    disk.full = False
    spool.flush()
    assert not spool.full


def test_one_feed_that_cannot_be_written_keeps_its_lines_while_others_are_done(tmp_path: Path, disk: Disk) -> None:
    spool, seen = made(tmp_path, disk), []
    spool.append("a.good", message(1), lambda: seen.append("good"))
    spool.append("b.bad", message(2), lambda: seen.append("bad"))
    (tmp_path / "b.bad").write_bytes(b"")  # a file where the feed's folder should be
    assert not spool.flush()
    assert seen == ["good"]
    (tmp_path / "b.bad").unlink()
    assert spool.flush()
    assert seen == ["good", "bad"]


WRITER = """
import sys
from pathlib import Path
from sensors.envelope import encode
from sensors.spool import Limits, Spool
spool = Spool(Path(sys.argv[1]), Limits(segment_bytes=20_000))
n = int(sys.argv[2])
while True:
    for n in range(n, n + 50):
        line = encode("t/1", b'{"id": %d}' % n, "2026-11-20T08:00:00+08:00", qos=1, retain=False, dup=False)
        spool.append("water.level", line, lambda n=n: print(n, flush=True))
    n += 1
    spool.flush()
"""


def test_killed_writers_lose_nothing_that_they_acknowledged(tmp_path: Path) -> None:
    start = 0
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(tmp_path), str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            acknowledged = [int(writer.stdout.readline()) for _ in range(start % 7 * 20 + 130)]
            writer.kill()
            rest = writer.stdout.read().splitlines(keepends=True)
        acknowledged += [int(line) for line in rest if line.endswith(b"\n")]
        recover(tmp_path / FEED)
        stored = ids(tmp_path / FEED)
        assert set(acknowledged) <= set(stored)
        assert len(stored) == len(set(stored))
        start = acknowledged[-1] + 1000
    assert wait_for(lambda: not living(tmp_path / FEED))
