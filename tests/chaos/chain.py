"""A chain: nights killed one after the other on the same hub, then one that is left alone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from cityhub.settings import Settings
from tests.chaos import sound
from tests.chaos.blows import Blow, strike
from tests.chaos.dump import differences, dump
from tests.night.hub import Hub
from tests.night.small import NIGHT


@dataclass
class Chain:
    """What became of one: its blows, what was not sound after one, and how its end differs from an undisturbed one."""

    seed: int
    blows: list[Blow] = field(default_factory=list)
    unsound: list[str] = field(default_factory=list)
    dishonest: list[str] = field(default_factory=list)
    differs: dict[str, object] = field(default_factory=dict)
    last_exit: int | None = None

    @property
    def good(self) -> bool:
        """Sound after every blow, honest about every failure, and in the end as if nothing had happened."""
        return not (self.unsound or self.dishonest or self.differs) and self.last_exit == 0


def settings_of(hub: Hub, feeds: Path) -> Settings:
    """The settings of a hub that is driven from outside."""
    return Settings(hub.home, feeds, str(hub.home / "lake" / "catalog.sqlite"), str(hub.home / "lake" / "data"))


def run(home: Path, feeds: Path, undisturbed: dict[str, str], *, seed: int, kills: int, seconds: float) -> Chain:
    """Kill `kills` nights at moments of up to `seconds` (the time of the last that ended first), then let one finish. A
    night that says 0 after a blow must have reached the undisturbed state."""
    dice, hub, chain = random.Random(seed), Hub(home), Chain(seed)
    settings = settings_of(hub, feeds)
    while sum(blow.struck for blow in chain.blows) < kills:
        number = len(chain.blows)
        night = hub.start(*NIGHT, CITYHUB_FEEDS=str(feeds))
        blow = strike(hub, night, dice, seconds)
        chain.blows.append(blow)
        seconds = seconds if blow.struck else blow.seconds
        chain.unsound += [f"after blow {number}: {fault}" for fault in sound.faults(settings)]
        if blow.exit_code == 0 and (left := differences(dump(settings), undisturbed)):
            chain.dishonest.append(f"after blow {number} the night said 0, but {left}")
    done = hub.run(*NIGHT, CITYHUB_FEEDS=str(feeds))
    chain.last_exit = done.returncode
    chain.unsound += sound.faults(settings)
    chain.differs = differences(dump(settings), undisturbed)
    return chain
