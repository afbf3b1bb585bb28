"""Nights on a disk that is too small, or with a folder that cannot be written, then one with all they need.

`python -m tests.chaos.cramped full HOME FEEDS MEGABYTES` or `… sealed HOME FEEDS FOLDER`, in mounts of its own
(`unshare -m`): the mounts end with the process. Prints one JSON object: exit codes, what was said, dump of the end.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.chaos import sound
from tests.chaos.chain import settings_of
from tests.chaos.dump import dump
from tests.night.hub import Hub
from tests.night.small import NIGHT


def main() -> None:
    """Both nights of one disaster."""
    kind, home, feeds, argument = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    home.mkdir(parents=True, exist_ok=True)
    hub = Hub(home)
    if kind == "full":
        _mount("-t", "tmpfs", "-o", f"size={argument}m", "tmpfs", str(home))
        relieve = ("-o", "remount,size=4g", str(home))
    else:
        folder = home / argument
        folder.mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(folder), str(folder))
        _mount("-o", "remount,ro,bind", str(folder))
        relieve = ("-o", "remount,rw,bind", str(folder))
    first = hub.run(*NIGHT, CITYHUB_FEEDS=str(feeds))
    _mount(*relieve)
    settings = settings_of(hub, feeds)
    unsound = sound.faults(settings)
    second = hub.run(*NIGHT, CITYHUB_FEEDS=str(feeds))
    told = {
        "first": first.returncode, "said": (first.stdout + first.stderr)[-6000:], "unsound": unsound,
        "second": second.returncode, "then": (second.stdout + second.stderr)[-3000:], "dump": dump(settings),
    }  # fmt: skip
    sys.stdout.write(json.dumps(told))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    main()
