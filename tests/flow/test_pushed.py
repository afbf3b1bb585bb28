"""Micro-batches of pushed feeds: queryable soon, the ledger's line is the day's sum, refused frames are counted."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cityhub.settings import Settings
from cityhub.spec.feed import Arrives
from flow import pushed, steps
from sensors import envelope
from sensors.spool import Spool
from tests.sensors.mqtt_peer import write_feed
from tests.sensors.tcp.conftest import FEED, toy_spec
from warehouse import lake, ledger

AT = "2026-11-20T08:00:00.000+08:00"
SECONDS = itertools.cycle(range(60))
TODAY, YESTERDAY = date(2026, 11, 20), date(2026, 11, 19)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    home = tmp_path / "home"
    made = Settings(home, tmp_path / "feeds", str(home / "lake" / "c.sqlite"), str(home / "lake" / "data"))
    monkeypatch.setenv("CITYHUB_HOME", str(home))
    monkeypatch.setenv("CITYHUB_NOW", AT)
    monkeypatch.setitem(envelope.LANDING, "hj212", "tests.sensors.tcp.toy")
    write_feed(made, toy_spec())
    yield made
    for cached in (steps.opened, steps._connection):
        cached.cache_clear()


def arrive(settings: Settings, *frames: str, day: str = "2026-11-20") -> None:
    """Frames in the spool, a second after the ones before: load ids sort by time."""
    os.environ["CITYHUB_NOW"] = f"{day}T08:00:{next(SECONDS):02d}.000+08:00"
    spool = Spool(settings.spool)
    raw = "".join(frame + "\n" for frame in frames).encode()
    spool.append(FEED, envelope.encode_frames("hj212", "10.0.0.7:4711", AT, len(frames), raw))
    spool.close()


def line(settings: Settings, day: date) -> ledger.Row:
    con = lake.connect(settings)
    try:
        found = ledger.row(con, FEED, day)
        assert found is not None
        return found
    finally:
        con.close()


def counts(row: ledger.Row) -> tuple[int | None, ...]:
    return row.landed, row.loaded, row.duplicate, row.quarantined


def test_the_day_is_the_sum_of_its_batches_and_each_adds_up(settings: Settings) -> None:
    steps.open_day(settings, YESTERDAY)
    arrive(settings, "z first")
    assert pushed.take(settings) == {FEED: 1}
    assert line(settings, YESTERDAY).state == "loaded"  # yesterday had nothing yet: its night finds what came late
    arrive(settings, "a one", "b two", "bad three", "a one")
    assert pushed.take(settings) == {FEED: 4}
    assert counts(line(settings, TODAY)) == (4, 2, 1, 1)
    arrive(settings, "c four", "bad three", "a changed")
    assert pushed.take(settings) == {FEED: 3}
    row = line(settings, TODAY)
    assert counts(row) == (7, 4, 1, 2)
    assert (row.inserted, row.updated, row.loads, row.state) == (3, 1, 2, "loaded")
    assert pushed.take(settings) == {}
    con = lake.connect(settings)
    try:
        assert con.execute("SELECT id, text FROM dust_line ORDER BY id").fetchall() == [
            ("a", "changed"), ("b", "two"), ("c", "four"), ("z", "first"),
        ]  # fmt: skip
        # the same frame again is the same case
        (found,) = con.execute("SELECT reason, raw, place FROM quarantine").fetchall()
        assert found[:2] == ("toy_bad", '{"frame": "bad three", "peer": "10.0.0.7"}')
        assert found[2].endswith(":line 1")
        log = con.execute("SELECT landed = loaded + duplicate + quarantined FROM load_log").fetchall()
        assert log == [(True,)] * 3
    finally:
        con.close()


def test_a_batch_of_refused_frames_alone_is_a_delivery(settings: Settings) -> None:
    arrive(settings, "bad one", "bad two")
    assert pushed.take(settings) == {FEED: 2}
    assert counts(line(settings, YESTERDAY)) == (2, 0, 0, 2)


def test_a_day_is_held_for_too_few_rows_only_when_it_is_over(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_feed(settings, toy_spec().model_copy(update={"arrives": Arrives(min_rows=4)}))
    steps.open_day(settings, YESTERDAY)
    arrive(settings, "y late")
    pushed.take(settings)
    assert line(settings, YESTERDAY).error_code == "CH-LEDGER-001"
    for frame in ("a one", "b two", "c three"):
        arrive(settings, frame)
        pushed.take(settings)
    assert line(settings, TODAY).state == "loaded"
    monkeypatch.setenv("CITYHUB_NOW", "2026-11-21T01:15:00+08:00")
    steps.sync(settings, FEED, TODAY)
    row = line(settings, TODAY)
    assert (row.state, row.error_code, row.landed) == ("held", "CH-LEDGER-001", 3)
    arrive(settings, "d four", day="2026-11-21")
    steps.sync(settings, FEED, TODAY)
    row = line(settings, TODAY)
    assert (row.state, row.landed, row.findings) == ("loaded", 4, None)
