"""What scripted faults are made of: which rows are struck, and how a cell, a time or a whole row changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Rows = NDArray[np.bool_]
Which = Callable[[pa.Table, np.random.Generator], Rows]
Change = Callable[[pa.Table, np.random.Generator], pa.Table]


@dataclass(frozen=True)
class Scripted:
    """One fault of the catalogue: its Chinese name, the feed that it is played on, and what it does to a delivery."""

    zh: str
    feed: str
    change: Change


def share(part: float) -> Which:
    """A share of all rows, at least one."""

    def chosen(table: pa.Table, rng: np.random.Generator) -> Rows:
        rows = np.zeros(table.num_rows, dtype=bool)
        rows[rng.choice(table.num_rows, max(1, round(part * table.num_rows)), replace=False)] = True
        return rows

    return chosen


def devices(column: str, number: int, hours: tuple[float, float] | None = None, time: str = "") -> Which:
    """All rows of some devices, or those between two hours of the day by the column `time`."""

    def chosen(table: pa.Table, rng: np.random.Generator) -> Rows:
        names = pc.unique(table[column]).to_pylist()
        picked = [names[i] for i in rng.choice(len(names), min(number, len(names)), replace=False)]
        rows = pc.is_in(table[column], pa.array(picked, table[column].type)).to_numpy()
        if hours is not None:
            stamps = table[time].to_numpy()
            second = (stamps - stamps.astype("datetime64[D]")) / np.timedelta64(1, "s")
            rows = rows & (second >= hours[0] * 3600) & (second < hours[1] * 3600)
        return np.asarray(rows)

    return chosen


def every(table: pa.Table, _rng: np.random.Generator) -> Rows:
    """All rows."""
    return np.ones(table.num_rows, dtype=bool)


def set_cells(table: pa.Table, column: str, rows: Rows, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The table with other values of a column in some rows."""
    field = table.schema.field(column)
    cells = pc.if_else(pa.array(rows), values, table[column])
    return table.set_column(table.column_names.index(column), field.name, cells)


def cells(which: Which, **changes: Callable[[pa.ChunkedArray], pa.ChunkedArray | pa.Scalar]) -> Change:
    """Change cells of the rows that are struck; only cells that hold a value."""

    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        rows = which(table, rng)
        for column in changes:
            rows = rows & pc.is_valid(table[column]).to_numpy()
        for column, make in changes.items():
            made = make(table[column])
            table = set_cells(table, column, rows, made)
        return table

    return change


def shifted(which: Which, column: str, **ago: float) -> Change:
    """Move the times of the rows that are struck (`days=-1`, `hours=8`)."""
    by = pa.scalar(timedelta(**ago), pa.duration("us"))
    return cells(which, **{column: lambda cell: pc.add(cell.cast(pa.timestamp("us")), by)})


def without(which: Which) -> Change:
    """The struck rows are not delivered."""
    return lambda table, rng: table.filter(pa.array(~which(table, rng)))


def added(which: Which, change: Change | None = None) -> Change:
    """The struck rows a second time at the end, changed if told."""

    def change_all(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        more = table.filter(pa.array(which(table, rng)))
        return pa.concat_tables([table, change(more, rng) if change else more])

    return change_all


def in_turn(*changes: Change) -> Change:
    """Several changes one after the other."""

    def change(table: pa.Table, rng: np.random.Generator) -> pa.Table:
        for step in changes:
            table = step(table, rng)
        return table

    return change
