"""Killed between any two steps, there is no extract or a whole one, and made again it has the same bytes."""

from __future__ import annotations

import signal
from pathlib import Path

from extracts.check import problems
from extracts.make import make_missing
from extracts.model import MANIFEST
from tests.dying import dying
from tests.extracts.months import NOVEMBER, Months

# module, function: the process dies when this step is done.
STEPS = [
    ("extracts.make", "_tables"),
    ("extracts.write", "rows"),
    ("extracts.write", "files"),
    ("extracts.make", "_datasets"),
    ("extracts.sign", "publish_key"),
    ("extracts.make", "seal"),
    ("extracts.make", "take_place"),
]


def content(folder: Path) -> dict[str, bytes]:
    """Every file of an extract."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_killed_between_any_two_steps_leaves_nothing_or_a_whole_extract(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1", "b": "2"})
    months.extract(NOVEMBER, {"a": "1", "b": "2.5"})
    store = months.store
    wanted = content(store.folder(2))
    with dying(months.settings, make_missing) as kill_at:
        for step in STEPS:
            store.folder(2).rename(store.root.with_name("taken"))
            assert kill_at(*step) == signal.SIGKILL, step
            left = store.sequences()
            assert left == ([1, 2] if step[1] == "take_place" else [1]), step
            assert all((store.folder(number) / MANIFEST).is_file() for number in left)
            assert make_missing(months.settings) == [number for number in (2,) if number not in left]
            assert content(store.folder(2)) == wanted, step
            assert problems(store, 2) == []
            assert [item.name for item in store.root.iterdir() if item.name.endswith(".partial")] == [], step
            for path in (taken := store.root.with_name("taken")).iterdir():
                path.unlink()
            taken.rmdir()
