"""Scripted faults in the records themselves: small shares, each counted in the day's truth.

A row gets at most one fault, so the counts add up: bad rows are never duplicated, late rows are never bad.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sandbox.truth import FeedTruth
from sandbox.world import World

Change = Callable[[pa.ChunkedArray], Any]
# The year of a controller whose clock ran away, as met in HJ 212 frames.
FUTURE = np.datetime64("2040-01-01T08:00:00", "us").item()


@dataclass(frozen=True)
class Spoil:
    """Change cells of a share of the rows. `bad`: the hub must refuse the row; else it is kept and noted.

    Only rows whose changed cells hold a value are chosen; `at_least` asks for a size of the first of them,
    so that a mixed-up unit really leaves the plausible range.
    """

    kind: str
    share: float
    cells: dict[str, Change]
    bad: bool = True
    at_least: float | None = None


@dataclass(frozen=True)
class Frozen:
    """One entity repeats the first value of `columns` for `run` rows."""

    entity: str
    columns: tuple[str, ...]
    run: int
    kind: str = "frozen"


@dataclass(frozen=True)
class Late:
    """Rows that come `days` later: the delivery lacks what some entities sent in a window of `minutes`
    between `hours`, and holds the like from `days` earlier. `days` of two faults of a dataset must differ
    in parity, which keeps their entities apart. `number` is the column of a running number with the day in
    it: a late row gets its own day's, entered later (`…-L`), so that it never takes another row's key."""

    entity: str
    days: int
    share: float
    minutes: int = 60
    hours: tuple[int, int] = (8, 16)
    number: str | None = None


@dataclass(frozen=True)
class Duplicates:
    """Exact copies of good rows, a few rows further down."""

    share: float


@dataclass(frozen=True)
class OutOfOrder:
    """A share of the rows stands in reversed blocks of up to `block`."""

    share: float
    block: int = 40


Fault = Spoil | Frozen | Late | Duplicates | OutOfOrder


def put(value: object) -> Change:
    """Replace by one value (None, 0, 65535, "NA" …)."""
    return lambda column: pa.scalar(value, column.type)


def times(factor: float) -> Change:
    """The wrong unit: times `factor`."""
    return lambda column: pc.multiply(column, pa.scalar(factor, column.type))


def plus(amount: float) -> Change:
    """Moved by `amount` (a position that jumps, a sum that does not add up)."""
    return lambda column: pc.add(column, pa.scalar(amount, column.type))


def negative(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Below zero whatever it was."""
    return pc.negate(pc.add(pc.abs(column), pa.scalar(1, column.type)))


def inject(
    world: World, name: str, table: pa.Table, *, time: str | None, faults: tuple[Fault, ...], truth: FeedTruth
) -> pa.Table:
    """The table with all faults, in the order Late, cells, Duplicates, OutOfOrder; counts go to `truth`."""
    lates = [fault for fault in faults if isinstance(fault, Late)] if time else []
    base, held = table, np.zeros(table.num_rows, dtype=bool)
    for late in lates:
        held |= _held(world, name, base, str(time), late, ago=0)
    table = base.filter(pa.array(~held)) if lates else base
    prompt = table.num_rows
    for late in lates:
        old = base.filter(pa.array(_held(world, name, base, str(time), late, ago=late.days)))
        table = pa.concat_tables([table, _shifted(world, old, str(time), late)])
    if not prompt:
        truth.late = _earlier(world, table, time)
        return table
    rng = world.rng(f"faults|{name}")
    free = np.zeros(table.num_rows, dtype=bool)  # rows that no fault has touched
    free[:prompt] = True
    for fault in faults:
        if isinstance(fault, Spoil):
            table = _spoil(rng, table, free, fault, truth)
        elif isinstance(fault, Frozen):
            table = _freeze(rng, table, free, fault, truth)
    truth.late = _earlier(world, table, time)
    order = np.arange(table.num_rows)
    for fault in faults:
        if isinstance(fault, Duplicates):
            chosen = np.sort(_choose(rng, np.flatnonzero(free), fault.share))
            order = np.insert(order, np.minimum(chosen + rng.integers(1, 6, chosen.size), order.size), chosen)
            truth.duplicates += chosen.size
    for fault in faults:
        if isinstance(fault, OutOfOrder):
            order = _reversed_blocks(rng, order, fault, truth)
    return table if _is_plain(order) else table.take(pa.array(order))


def _earlier(world: World, table: pa.Table, time: str | None) -> int:
    """Rows of earlier days; copies made afterwards do not count again."""
    if time is None or not pa.types.is_temporal(table.schema.field(time).type):
        return 0
    return int(np.count_nonzero(table[time].cast(pa.timestamp("us")).to_numpy() < world.start()))


def _choose(rng: np.random.Generator, rows: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    n = min(rows.size, max(1, round(share * rows.size)))
    return rng.choice(rows, n, replace=False) if n else rows[:0]


def _spoil(
    rng: np.random.Generator, table: pa.Table, free: NDArray[np.bool_], fault: Spoil, truth: FeedTruth
) -> pa.Table:
    fit = free.copy()
    for number, column in enumerate(fault.cells):
        cells = table[column]
        fit &= pc.is_valid(cells).to_numpy()
        if number == 0 and fault.at_least is not None:
            fit &= pc.fill_null(pc.greater_equal(cells, fault.at_least), False).to_numpy()
    chosen = _choose(rng, np.flatnonzero(fit), fault.share)
    free[chosen] = False
    mask = np.zeros(table.num_rows, dtype=bool)
    mask[chosen] = True
    for column, change in fault.cells.items():
        cells = table[column]
        place = table.column_names.index(column)
        field = table.schema.field(column)
        table = table.set_column(place, field, pc.if_else(pa.array(mask), change(cells), cells).cast(field.type))
    counts = truth.bad if fault.bad else truth.odd
    counts[fault.kind] = counts.get(fault.kind, 0) + int(chosen.size)
    return _touched(table, mask)


def _freeze(
    rng: np.random.Generator, table: pa.Table, free: NDArray[np.bool_], fault: Frozen, truth: FeedTruth
) -> pa.Table:
    entities = pc.unique(table[fault.entity]).to_pylist()
    victim = entities[int(rng.integers(len(entities)))]
    own = np.flatnonzero(pc.equal(table[fault.entity], victim).to_numpy() & free)
    if own.size < 2:
        return table
    start = int(rng.integers(max(1, own.size - fault.run)))
    run = own[start : start + fault.run]
    source = np.arange(table.num_rows)
    source[run] = run[0]
    for column in fault.columns:
        place = table.column_names.index(column)
        table = table.set_column(place, table.schema.field(column), table[column].take(pa.array(source)))
    mask = np.zeros(table.num_rows, dtype=bool)
    mask[run] = True
    table, free[run] = _touched(table, mask), False
    truth.odd[fault.kind] = truth.odd.get(fault.kind, 0) + int(run.size)
    return table


def _held(world: World, name: str, table: pa.Table, time: str, fault: Late, *, ago: int) -> NDArray[np.bool_]:
    """Rows of `table` (this day) in the window that was held back `ago` days ago."""
    rng = world.back(ago).rng(f"late|{name}|{fault.days}")
    first, last = fault.hours
    opens = int(rng.integers(first * 60, max(first * 60 + 1, last * 60 - fault.minutes)))
    salt = int(rng.integers(1 << 30))
    entities = [str(item) for item in pc.unique(table[fault.entity]).to_pylist() if item is not None]
    apart = [item for item in entities if zlib.crc32(item.encode()) % 2 == fault.days % 2]
    apart.sort(key=lambda item: zlib.crc32(f"{salt}|{item}".encode()))
    chosen = apart[: max(1, round(fault.share * len(entities)))]
    start = world.start() + np.timedelta64(opens, "m")
    stamps = table[time].to_numpy()
    mask = (stamps >= start) & (stamps < start + np.timedelta64(fault.minutes, "m"))
    names = pc.is_in(table[fault.entity].cast(pa.string()), pa.array(chosen, pa.string())).to_numpy()
    return np.asarray(mask & names)


def _shifted(world: World, table: pa.Table, time: str, late: Late) -> pa.Table:
    days = late.days
    if late.number is not None:
        here, there = f"{world.day:%Y%m%d}", f"{world.back(days).day:%Y%m%d}"
        numbers = pc.binary_join_element_wise(pc.replace_substring(table[late.number], here, there), "L", "-")
        table = table.set_column(table.column_names.index(late.number), late.number, numbers)
    place, field = table.column_names.index(time), table.schema.field(time)
    earlier = pc.subtract(table[time], pa.scalar(days * 86_400_000_000, pa.duration("us")))
    return _touched(table.set_column(place, field, earlier.cast(field.type)), np.ones(table.num_rows, dtype=bool))


def _touched(table: pa.Table, mask: NDArray[np.bool_]) -> pa.Table:
    """A real record that a fault changed no longer says that its values are real."""
    place = table.column_names.index("data_origin")
    origin = table["data_origin"]
    real = pc.and_(pc.starts_with(origin, "real:"), pa.array(mask))
    if not pc.any(real).as_py():
        return table
    said = pc.replace_substring(origin, "values real", "values changed by a scripted fault")
    return table.set_column(place, "data_origin", pc.if_else(real, said, origin))


def _reversed_blocks(
    rng: np.random.Generator, order: NDArray[np.int64], fault: OutOfOrder, truth: FeedTruth
) -> NDArray[np.int64]:
    blocks = max(1, round(fault.share * order.size / fault.block))
    for start in rng.integers(0, max(1, order.size - fault.block), blocks):
        order[start : start + fault.block] = order[start : start + fault.block][::-1].copy()
    truth.odd["out_of_order"] = truth.odd.get("out_of_order", 0) + blocks * min(fault.block, order.size)
    return order


def _is_plain(order: NDArray[np.int64]) -> bool:
    return bool(np.array_equal(order, np.arange(order.size)))
