"""A replay in a process of its own that dies by SIGKILL when it comes to a named point: `killed_replay.py POINT`."""

from __future__ import annotations

import sys

import warehouse.load
from cityhub.settings import load as load_settings
from cityhub.spec.read import read_all
from tests.load.killed import after
from tests.load.test_killed import POINTS
from warehouse import lake
from warehouse.quarantine import Which
from warehouse.replay import replay

if __name__ == "__main__":
    settings = load_settings()
    module, name = POINTS[sys.argv[1]]
    owner = warehouse.load if module == "load" else getattr(warehouse.load, module)
    setattr(owner, name, after(getattr(owner, name)))
    list(replay(lake.connect(settings), settings, read_all(settings.feeds), Which()))
