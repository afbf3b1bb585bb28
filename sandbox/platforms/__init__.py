"""The eleven specialist platforms and the manual score sheets, one module each."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

import pyarrow as pa

from sandbox.dataset import Dataset, Drop, build_all
from sandbox.manners import Endpoint
from sandbox.world import World

PLATFORMS = (
    "sanitation",
    "lighting",
    "dust",
    "municipal",
    "landscaping",
    "muck",
    "gas",
    "heat",
    "water",
    "incineration",
    "enforcement",
    "assessment",
)


class Platform(Protocol):
    """What a platform module holds; every name but DATASETS may be absent."""

    DATASETS: Mapping[str, Dataset]
    ENDPOINTS: list[Endpoint]
    EXCHANGE: Mapping[str, str]
    DROPS: Mapping[str, Drop]
    MQTT: Mapping[str, str]


def load(name: str) -> Platform:
    """The module of one platform."""
    return cast(Platform, import_module(f"sandbox.platforms.{name}"))


def names() -> tuple[str, ...]:
    """The platforms that have a module."""
    return tuple(name for name in PLATFORMS if find_spec(f"sandbox.platforms.{name}"))


def datasets(name: str, world: World) -> dict[str, pa.Table]:
    """The day's delivery of every dataset of a platform; truth is noted in the world."""
    return build_all(world, load(name).DATASETS)


def endpoints(name: str) -> list[Endpoint]:
    """The REST endpoints of a platform."""
    return list(getattr(load(name), "ENDPOINTS", []))
