"""Killed between any two steps, there is no extract or a whole one, and made again it has the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from cityhub.settings import REPOSITORY
from extracts.check import problems
from extracts.make import make_missing
from extracts.model import MANIFEST
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

# A helper forks for each step, so that the imports are paid once.
HELPER = """
import importlib, os, signal, sys
from pathlib import Path
from cityhub.settings import Settings
import extracts.make

def dying(step):
    def run(*args, **kwargs):
        step(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    return run

home = Path(sys.argv[1])
settings = Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))
for line in sys.stdin:
    pid = os.fork()
    if not pid:
        module, name = line.split()
        owner = importlib.import_module(module)
        setattr(owner, name, dying(getattr(owner, name)))
        extracts.make.make_missing(settings)
        os._exit(0)
    print(os.WTERMSIG(os.waitpid(pid, 0)[1]), flush=True)
"""


def content(folder: Path) -> dict[str, bytes]:
    """Every file of an extract."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_killed_between_any_two_steps_leaves_nothing_or_a_whole_extract(months: Months) -> None:
    months.extract(NOVEMBER, {"a": "1", "b": "2"})
    months.extract(NOVEMBER, {"a": "1", "b": "2.5"})
    store = months.store
    wanted = content(store.folder(2))
    program = months.settings.home / "helper.py"
    program.write_text(HELPER, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(program), str(months.settings.home)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        for step in STEPS:
            store.folder(2).rename(store.root.with_name("taken"))
            process.stdin.write(" ".join(step) + "\n")
            process.stdin.flush()
            assert int(process.stdout.readline()) == signal.SIGKILL, step
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
        process.stdin.close()
