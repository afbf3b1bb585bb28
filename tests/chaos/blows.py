"""Blows that a night is dealt, chosen by a seed: `kill -9` of one of its processes, or of all, at a random moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.night.hub import Hub
from tests.waiting import wait_for

ALL, NOBODY = "every process", "nobody: it had ended"
OURS = ("cli.main", "flow.")  # these must end by themselves when their parent is gone
WATCHER = "sh"  # the sandbox's own; without it a server of the sandbox has nobody to end it
SHARE_OF_ALL = 0.4


@dataclass(frozen=True)
class Blow:
    """What was struck and when (seconds after the start), and how the night ended; None: it was killed itself.
    `seconds` is how long the night ran."""

    moment: float
    victim: str
    exit_code: int | None
    seconds: float

    @property
    def struck(self) -> bool:
        """Whether anything was alive to be killed."""
        return self.victim != NOBODY


def members(home: Path) -> dict[int, str]:
    """The processes of a hub, by what they are: those whose environment names its home."""
    mark, found = f"CITYHUB_HOME={home}".encode(), {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                found[int(entry.name)] = _name(words)
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return found


def _name(words: list[str]) -> str:
    modules = [after for word, after in pairwise(words) if word == "-m"]
    name = modules[0] if modules else Path(words[0]).name
    return " ".join([name, *words[words.index(name) + 1 :][:3]]) if modules else name


def strike(hub: Hub, night: subprocess.Popen[str], dice: random.Random, seconds: float) -> Blow:
    """Let the night run for a random time of up to `seconds`, kill, and wait until all that is left has ended."""
    moment, began = dice.uniform(0.0, seconds), time.monotonic()
    ended = threading.Event()
    watcher = threading.Thread(target=lambda: (night.wait(), ended.set()), daemon=True)
    watcher.start()
    ended.wait(moment)  # the moment is what is tried here
    ran = time.monotonic() - began
    victim = kill(hub.home, dice)
    night.communicate(timeout=600)
    wait_for(lambda: not [name for name in members(hub.home).values() if name.startswith(OURS)], 60)
    for number in members(hub.home):  # servers of a sandbox that was killed
        _kill(number)
    wait_for(lambda: not members(hub.home), 60)
    return Blow(round(moment, 2), victim, night.returncode if night.returncode >= 0 else None, ran)


def kill(home: Path, dice: random.Random) -> str:
    """Kill all processes of a hub or one of them; the name of what was killed."""
    living = members(home)
    if not living:
        return NOBODY
    if dice.random() < SHARE_OF_ALL:
        for number in living:
            _kill(number)
        return ALL
    number = dice.choice(
        sorted(each for each, name in living.items() if not name.startswith(WATCHER + " ") and name != WATCHER)
    )
    _kill(number)
    return living[number]


def _kill(number: int) -> None:
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended in between
