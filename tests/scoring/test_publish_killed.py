"""Killed between any two steps, a publication is the old one or the new one, never a half."""

from __future__ import annotations

import signal
from datetime import date
from pathlib import Path

import pytest

from cityhub.settings import Settings
from scoring.month import score_month
from scoring.publication.manifest import current
from scoring.publish import publications, publish, verify
from tests.dying import dying
from tests.scoring.county import MONTH, UNITS, County

DAY = date(2026, 11, 20)

# module, function: the process dies when this step is reached (`before`) or done (`after`).
STEPS = [
    ("scoring.publication.export", "tables", "after"),
    ("scoring.publish", "take_number", "before"),
    ("scoring.publish", "take_number", "after"),
    ("scoring.publication.export", "views", "after"),
    ("scoring.publication.export", "files", "after"),
    ("scoring.publication.manifest", "write", "after"),
    ("scoring.publication.pointer", "flip", "after"),
    ("scoring.publication.pointer", "record", "after"),
]


def publish_again(settings: Settings) -> None:
    """What is killed."""
    publish(settings, MONTH, DAY)


@pytest.mark.xdist_group("scoring-killed")
def test_killed_between_any_two_steps_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    county = County(tmp_path)
    county.manual_tables()
    county.scores()
    county.digital(**dict.fromkeys(UNITS, "90"))
    score_month(county.settings, MONTH, DAY)
    publish(county.settings, MONTH, DAY)
    root = county.settings.publications
    with dying(county.settings, publish_again) as kill_at:
        for number, step in enumerate(STEPS, 2):
            where = " ".join(step)
            county.day_value(f"{number:02d}", 50.0)
            assert kill_at(*step) == signal.SIGKILL, where
            shown = current(root)
            assert shown in {number - 1, number}, where
            assert verify(county.settings, shown).ok, where
            done = publish(county.settings, MONTH, DAY)
            assert (done.number, current(root)) == (number, number), where
            assert [item.name for item in root.iterdir() if item.name.startswith(".")] == [], where
    numbers = [item.number for item in publications(county.settings)]
    assert numbers == list(range(len(STEPS) + 1, 0, -1))
    assert all(verify(county.settings, number).ok for number in numbers)
    rows = county.rows("SELECT number FROM publication ORDER BY number DESC")
    assert [row[0] for row in rows] == numbers
