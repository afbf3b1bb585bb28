"""A process that does one thing again and again and is killed each time by SIGKILL at another of its steps.

As a program, `dying.py HOME MODULE FUNCTION`: for each line `module name [before]` it forks, so that the imports are
paid once, lets FUNCTION(settings) run with that step deadly, and prints the signal that ended the fork.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cityhub.settings import REPOSITORY, Settings


@contextmanager
def dying(settings: Settings, what: Callable[[Settings], object]) -> Iterator[Callable[..., int]]:
    """A function that lets `what` run in another process until a step, which is named by its module and name; death
    comes after it, or before it. It gives the signal."""
    # A file: under `python -c` DuckDB draws a progress bar on stdout.
    words = [sys.executable, __file__, str(settings.home), what.__module__, what.__name__]
    with subprocess.Popen(
        words, env=os.environ | {"PYTHONPATH": str(REPOSITORY)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        reading, writing = process.stdout, process.stdin

        def kill_at(*step: str) -> int:
            writing.write(" ".join(step) + "\n")
            writing.flush()
            return int(reading.readline())

        yield kill_at
        writing.close()


def _deadly(step: Callable[..., object], when: str) -> Callable[..., None]:
    def run(*args: Any, **more: Any) -> None:
        if when == "after":
            step(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    return run


def _main() -> None:
    home = Path(sys.argv[1])
    settings = Settings(home, home / "feeds", str(home / "lake" / "catalog.sqlite"), str(home / "lake" / "data"))
    what = getattr(importlib.import_module(sys.argv[2]), sys.argv[3])
    for line in sys.stdin:
        child = os.fork()
        if not child:
            module, name, *when = line.split()
            owner = importlib.import_module(module)
            setattr(owner, name, _deadly(getattr(owner, name), *(when or ["after"])))
            what(settings)
            os._exit(0)
        print(os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _main()
