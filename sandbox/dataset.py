"""A dataset: one stream of records as its vendor holds it, before any transport.

A platform module declares `DATASETS: dict[str, Dataset]` and how each leaves the house:
`ENDPOINTS` (REST), `EXCHANGE` (dataset → table of the exchange database), `DROPS` (dataset → Drop),
`MQTT` (dataset → topic). The framework builds a dataset with `build(world, name, DATASETS[name])`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from sandbox import scripted as scripted_faults
from sandbox.content import Fault, inject
from sandbox.render import Stamp
from sandbox.world import World

GENERATED = "generated"


def real(dataset: str) -> str:
    """The `data_origin` of a row whose values are from public records and whose place is ours."""
    return f"real:{dataset} (values real, place moved)"


@dataclass(frozen=True)
class Dataset:
    """`make(world)` gives the day's rows in the vendor's own columns and units, plus `data_origin`.

    Times are Arrow timestamps without zone, local time; a REST answer writes them `2026-11-20 08:00:00`
    unless `stamps` says `compact` (20261120080000) or `epoch_ms`. `time` is the vendor column that gives a
    row's own day (None: registries and the like). `faults` change the made rows, counted in `world.truth`.
    """

    feed: str
    make: Callable[[World], pa.Table]
    time: str | None = None
    faults: tuple[Fault, ...] = ()
    stamps: Mapping[str, Stamp] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """A file that a vendor puts into the drop folder. `name` holds `{day}` (20261120) or `{month}` (2026-11).

    `full_width` columns are written with full-width digits; `title` is a line above the header."""

    name: str
    format: Literal["csv", "xlsx"] = "csv"
    encoding: str = "utf-8"
    bom: bool = False
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    title: str | None = None
    sheet: str | None = None
    full_width: tuple[str, ...] = ()


def build(world: World, name: str, dataset: Dataset) -> pa.Table:
    """The day's delivery of one dataset with its scripted content faults; counts go to `world.truth`."""
    table = dataset.make(world)
    if "data_origin" not in table.column_names:
        table = table.append_column("data_origin", pa.repeat(GENERATED, table.num_rows))
    counts = world.truth.feed(dataset.feed)
    scripted = world.plan.has(dataset.feed, "scripted")
    if scripted is None:
        table = inject(world, name, table, time=dataset.time, faults=dataset.faults, truth=counts)
    elif scripted != "none" and scripted_faults.FAULTS[scripted].feed == dataset.feed:
        table = scripted_faults.FAULTS[scripted].change(table, world.rng(f"scripted|{name}|{scripted}"))
    counts.rows = table.num_rows
    origins = pc.value_counts(table["data_origin"].combine_chunks())
    counts.origins = {item["values"]: item["counts"] for item in sorted(origins.to_pylist(), key=str)}
    return _reshaped(world, dataset.feed, table)


def _reshaped(world: World, feed: str, table: pa.Table) -> pa.Table:
    """The scripted schema changes: they hold for every transport."""
    if added := world.plan.has(feed, "column_added"):
        table = table.append_column(added, pa.repeat("new", table.num_rows))
    if renamed := world.plan.has(feed, "column_renamed"):
        old, new = renamed.split(">")
        table = table.rename_columns([new if name == old else name for name in table.column_names])
    return table


def build_all(world: World, datasets: Mapping[str, Dataset]) -> dict[str, pa.Table]:
    """Every dataset of a platform."""
    return {name: build(world, name, dataset) for name, dataset in datasets.items()}
