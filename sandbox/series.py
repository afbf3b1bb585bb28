"""Vectorised helpers that the platform modules share: grids of entity and time, lookups, life cycles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sandbox.world import World, times

Ints = NDArray[np.int64]
Times = NDArray[np.datetime64]
DAY_S = 86_400
EPOCH = date(2020, 1, 1)  # cumulative counters were zero around then


def grid(n: int, per_day: int) -> tuple[Ints, Ints]:
    """Entity index and second of the day of `n` entities that each report `per_day` times, in time order."""
    second = np.repeat(np.arange(per_day, dtype=np.int64) * DAY_S // per_day, n)
    return np.tile(np.arange(n, dtype=np.int64), per_day), second


def pick(values: Sequence[str] | NDArray[np.str_], index: NDArray[np.integer]) -> pa.Array:
    """`values[index]` as an Arrow text column."""
    return pa.array(list(values), pa.string()).take(pa.array(index))


def stored(world: World, at: Times, after_s: Ints | int) -> Times:
    """When the vendor wrote the row into the exchange database: a little after `at`, still on the day."""
    last = world.start() + np.timedelta64(DAY_S * 1_000_000 - 1_000_000, "us")
    return np.asarray(np.minimum(at + np.asarray(after_s).astype("timedelta64[s]"), last))


def days_since(world: World) -> int:
    """Whole days since the counters began."""
    return (world.day - EPOCH).days


def clock(world: World, seconds: NDArray[np.float64] | Ints) -> Times:
    """Local times of the day."""
    return times(world.day, seconds)


def after(at: Times, hours: NDArray[np.float64]) -> Times:
    """Times some hours later, whole seconds; NaN gives NaT."""
    known = ~np.isnan(hours)
    moved = at + np.where(known, np.round(np.where(known, hours, 0) * 3600), 0).astype("timedelta64[s]")
    return np.where(known, moved, np.datetime64("NaT", "us")).astype("datetime64[us]")


def past(world: World, at: Times) -> Times:
    """The times that have come by the end of the day, the others NaT: what the platform knows that night."""
    end = world.start() + np.timedelta64(DAY_S, "s")
    return np.where(at < end, at, np.datetime64("NaT", "us")).astype("datetime64[us]")


def changed(*moments: Times) -> Times:
    """The newest of several times a row, the unknown ones left out."""
    first, *others = moments
    for at in others:
        first = np.where(np.isnat(at), first, np.maximum(first, np.where(np.isnat(at), first, at)))
    return first.astype("datetime64[us]")


def recent(world: World, days: int, make: Callable[[World, World], pa.Table]) -> pa.Table:
    """Records of the last `days` and today as the platform knows them tonight: the newest state of each."""
    return pa.concat_tables([make(world.back(ago), world) for ago in reversed(range(days + 1))])


def with_open_days(
    world: World, days: int, make: Callable[[World, World], pa.Table], changed: Sequence[str]
) -> pa.Table:
    """Records that live for days: today's, and earlier ones in which a `changed` time is today's.

    `make(born, seen)` gives the records of the day `born` as the platform knows them on the day `seen`.
    """
    tables = [make(world, world)]
    for ago in range(1, days + 1):
        older = make(world.back(ago), world)
        today = pa.scalar(world.start(), pa.timestamp("us"))
        touched = [pc.fill_null(pc.greater_equal(older[name], today), False) for name in changed]
        mask = touched[0]
        for other in touched[1:]:
            mask = pc.or_(mask, other)
        tables.append(older.filter(mask))
    return pa.concat_tables(tables)
