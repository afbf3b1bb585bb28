"""A load in a process of its own that dies by SIGKILL when it comes to a named point: `killed.py HOME POINT`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import warehouse.load
from tests.load.kit import settings_in
from tests.load.test_killed import POINTS, SPEC
from warehouse.landing import latest
from warehouse.load import load


def die(*_: Any, **__: Any) -> None:
    """No handler, no atexit, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, and death as soon as it has done its work."""

    def wrapped(*args: Any, **more: Any) -> None:
        function(*args, **more)
        die()

    return wrapped


if __name__ == "__main__":
    settings, point = settings_in(Path(sys.argv[1])), sys.argv[2]
    module, name = POINTS[point]
    owner = warehouse.load if module == "load" else getattr(warehouse.load, module)
    setattr(owner, name, after(getattr(owner, name)))
    manifest = latest(settings.landing / SPEC.feed / "2026-11-20")
    assert manifest is not None
    load(settings, SPEC, manifest)
