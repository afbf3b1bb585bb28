"""Killed between any two steps, a publication is the old one or the new one, never a half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from cityhub.settings import REPOSITORY
from scoring.month import score_month
from scoring.publication.manifest import current
from scoring.publish import publications, publish, verify
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

# A helper forks for each step, so that the imports are paid once; DuckDB is opened in the forks only.
HELPER = """
import importlib, os, signal, sys
from datetime import date
from pathlib import Path
from cityhub.settings import Settings
import scoring.publish

def dying(step, when):
    def run(*args, **kwargs):
        if when == "after":
            step(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    return run

home = Path(sys.argv[1])
settings = Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        module, name, when = line.split()
        owner = importlib.import_module(module)
        setattr(owner, name, dying(getattr(owner, name), when))
        scoring.publish.publish(settings, "2026-11", date(2026, 11, 20))
        os._exit(0)
    print(os.WTERMSIG(os.waitpid(pid, 0)[1]), flush=True)
"""


@contextmanager
def helper(county: County) -> Iterator[Callable[..., int]]:
    """A function that publishes in another process, which kills itself at a step; gives its signal."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    program = county.settings.home / "helper.py"  # a file: under `python -c` DuckDB draws a progress bar on stdout
    program.write_text(HELPER, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(program), str(county.settings.home)],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        reading, writing = process.stdout, process.stdin

        def kill_at(*step: str) -> int:
            writing.write(" ".join(step) + "\n")
            writing.flush()
            return int(reading.readline())

        yield kill_at
        writing.close()


@pytest.mark.xdist_group("scoring-killed")
def test_killed_between_any_two_steps_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    county = County(tmp_path)
    county.manual_tables()
    county.scores()
    county.digital(**dict.fromkeys(UNITS, "90"))
    score_month(county.settings, MONTH, DAY)
    publish(county.settings, MONTH, DAY)
    root = county.settings.publications
    with helper(county) as kill_at:
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
